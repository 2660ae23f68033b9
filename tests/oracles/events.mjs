// The oracle for calendars: the instances that ical.js opens in each file. Input and output as in events.py.
// It finds its packages through NODE_MODULES, the folder that tests/oracles/fetch filled. Zones that the file does not
// bring come from timezones-ical-library.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

const load = (path) => import(pathToFileURL(join(process.env.NODE_MODULES, path)).href);
const ICAL = (await load("ical.js/dist/ical.js")).default;
const { tzlib_get_ical_block } = await load("timezones-ical-library/dist/mjs/index.js");

const DAY = 86_400;
const MARGIN = 3 * DAY;
// starts looked at in one series before it counts as endless
const STARTS = 60_000;
// seconds of processor time for one series: some rules keep ical.js looking for ever
const PATIENCE = 3;
const asked = isMainThread ? JSON.parse(readFileSync(0, "utf8")) : workerData;

function libraryZone(name) {
    try {
        const [block] = tzlib_get_ical_block(name);
        const text = `BEGIN:VCALENDAR\r\n${block}\r\nEND:VCALENDAR\r\n`;
        const component = new ICAL.Component(ICAL.parse(text)).getFirstSubcomponent("vtimezone");
        return component ? new ICAL.Timezone({ component, tzid: name }) : null;
    } catch {
        return null;
    }
}

const owner = libraryZone(asked.zone);

function seconds(time) {
    if (time.isDate) return Date.UTC(time.year, time.month - 1, time.day) / 1000;
    if (time.zone === ICAL.Timezone.localTimezone) {
        time = time.clone();
        time.zone = owner;
    }
    return time.toUnixTime();
}

// every zone the calendar names and does not bring
function addZones(calendar, events) {
    const own = new Set(calendar.getAllSubcomponents("vtimezone").map((z) => z.getFirstPropertyValue("tzid")));
    for (const event of events) {
        for (const property of event.getAllProperties()) {
            const name = property.getParameter("tzid");
            if (!name || own.has(name)) continue;
            own.add(name);
            const zone = libraryZone(name);
            // without the zone ical.js would read its times as floating, which is no answer
            if (!zone) throw new Error("a zone that nobody brings");
            if (!ICAL.TimezoneService.has(name)) ICAL.TimezoneService.register(zone, name);
        }
    }
}

function opened(components, until) {
    const events = components.map((component) => new ICAL.Event(component, { exceptions: [] }));
    const masters = events.filter((e) => !e.isRecurrenceException());
    const overrides = events.filter((e) => e.isRecurrenceException());
    if (masters.length > 1) throw new Error("two masters");
    const found = new Map();
    const add = (one) => found.set(JSON.stringify(one), one);
    for (const own of overrides) {
        add([seconds(own.startDate), seconds(own.endDate), seconds(own.recurrenceId)]);
    }
    const [master] = masters;
    if (!master) return [...found.values()];
    if (!master.isRecurring() && overrides.length === 0) {
        return [[seconds(master.startDate), seconds(master.endDate), null]];
    }
    const series = new ICAL.Event(master.component, { exceptions: overrides });
    const iterator = series.iterator();
    for (let n = 0, next; (next = iterator.next()); n += 1) {
        if (n > STARTS) throw new Error("too many starts");
        if (seconds(next) > until + MARGIN) break;
        const details = series.getOccurrenceDetails(next);
        if (overrides.includes(details.item) && seconds(details.item.recurrenceId) === seconds(next)) continue;
        add([seconds(details.startDate), seconds(details.endDate), seconds(details.recurrenceId)]);
    }
    return [...found.values()];
}

function read(job) {
    const parsed = ICAL.parse(readFileSync(job.file, "utf8"));
    const calendars = (Array.isArray(parsed[0]) ? parsed : [parsed]).map((one) => new ICAL.Component(one));
    const series = {};
    const until = Math.max(...job.windows.map((w) => w[1]));
    const groups = new Map();
    for (const calendar of calendars) {
        // some programs write an event without the calendar round it
        const events = calendar.name === "vevent" ? [calendar] : calendar.getAllSubcomponents("vevent");
        addZones(calendar, events);
        for (const event of events) {
            const uid = event.getFirstPropertyValue("uid");
            if (uid) groups.set(uid.trim(), [...(groups.get(uid.trim()) ?? []), event]);
        }
    }
    for (const [uid, events] of groups) {
        try {
            if (asked.hung.some((h) => h.file === job.file && h.uid === uid)) throw new Error("it hangs here");
            parentPort.postMessage({ at: { file: job.file, uid } });
            series[uid] = opened(events, until);
        } catch {
            series[uid] = null;
        }
    }
    return { series };
}

function answer(job) {
    try {
        return read(job);
    } catch (error) {
        return { error: error.name };
    }
}

// One thread opens the files; this one watches that it gets on, and begins anew at a series that it hangs in.
function watch(from, hung) {
    const jobs = asked.jobs.slice(from);
    if (jobs.length === 0) return;
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { zone: asked.zone, jobs, hung } });
    let next = from;
    let at = null;
    let since = process.cpuUsage();
    worker.on("message", (message) => {
        since = process.cpuUsage();
        at = message.at;
        if (!message.line) return;
        console.log(message.line);
        next += 1;
    });
    const timer = setInterval(async () => {
        const { user } = process.cpuUsage(since);
        if (user < PATIENCE * 1e6 || !at) return;
        clearInterval(timer);
        await worker.terminate();
        watch(next, [...hung, at]);
    }, 200);
    worker.on("exit", () => clearInterval(timer));
}

if (isMainThread) watch(0, []);
else for (const job of asked.jobs) parentPort.postMessage({ line: JSON.stringify(answer(job)) });

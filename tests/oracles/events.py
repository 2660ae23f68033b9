"""The oracle for calendars: the instances that recurring-ical-events opens in each file.

Standard input: JSON {"zone": name, "jobs": [{"file": path, "windows": [[since, until], ...]}, ...]}, times in seconds.
Standard output: one JSON object a line, in that order: {"series": {uid: [[start, end, recurrence id or null], ...]}},
or {"error": name}. A UID that the oracle cannot open is {"uid": null}. Dates are midnight UTC; floating times stand in
the given zone. PYTHONPATH holds the packages that tests/oracles/fetch brought.
"""

import datetime
import json
import os
import sys
import zoneinfo

os.environ["PYTHONTZPATH"] = ""
zoneinfo.reset_tzpath([])

import icalendar  # noqa: E402
import recurring_ical_events  # noqa: E402

asked = json.load(sys.stdin)
OWNER = zoneinfo.ZoneInfo(asked["zone"])
UTC = datetime.timezone.utc
MARGIN = datetime.timedelta(days=3)


def seconds(value):
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day, tzinfo=UTC)
    elif value.tzinfo is None:
        value = value.replace(tzinfo=OWNER)
    return int(value.timestamp())


def opened(events, zones, windows):
    calendar = icalendar.Calendar()
    for part in [*zones, *events]:
        calendar.add_component(part)
    repeats = any(name in event for event in events for name in ("RRULE", "RDATE", "RECURRENCE-ID"))
    found = set()
    query = recurring_ical_events.of(calendar)
    for since, until in windows:
        since, until = (datetime.datetime.fromtimestamp(t, UTC) for t in (since, until))
        for event in query.between(since - MARGIN, until + MARGIN):
            start, end = event["DTSTART"].dt, event["DTEND"].dt
            own = event["RECURRENCE-ID"].dt
            found.add((seconds(start), seconds(end), seconds(own) if repeats else None))
    return sorted(found, key=str)


def read(job):
    with open(job["file"], "rb") as file:
        calendars = icalendar.Calendar.from_ical(file.read(), multiple=True)
    series = {}
    for calendar in calendars:
        zones = calendar.walk("VTIMEZONE")
        for event in calendar.walk("VEVENT"):
            if "UID" in event:
                events, known = series.setdefault(str(event["UID"]).strip(), ([], {}))
                events.append(event)
                known.update({str(zone.get("TZID")): zone for zone in zones})
    answer = {}
    for uid, (events, zones) in series.items():
        try:
            answer[uid] = opened(events, zones.values(), job["windows"])
        except Exception:  # the oracle's own faults are counted, they stop nothing
            answer[uid] = None
    return {"series": answer}


for job in asked["jobs"]:
    try:
        answer = read(job)
    except Exception as error:
        answer = {"error": type(error).__name__}
    print(json.dumps(answer))

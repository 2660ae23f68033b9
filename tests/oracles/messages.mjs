// The oracle for mail: what Node's mailparser reads in the header of each file. Input and output as in messages.py.
// It finds its package through NODE_MODULES, the folder that tests/oracles/fetch filled.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const { simpleParser } = createRequire(join(process.env.NODE_MODULES, "x.js"))("mailparser");

// a group holds its members inside it
const flat = (list) => (list ?? []).flatMap((a) => (a.group ? flat(a.group) : a.address ? [a.address] : []));
const addresses = (field) => [field ?? []].flat().flatMap((one) => flat(one.value));

async function read(path) {
    const options = { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true };
    const mail = await simpleParser(readFileSync(path), options);
    // for a date it cannot read mailparser gives the present moment, which is no answer
    const read = mail.headers.has("date") && mail.date && Math.abs(mail.date - Date.now()) > 60_000;
    return {
        from: addresses(mail.from),
        to: addresses(mail.to),
        cc: addresses(mail.cc),
        date: read ? Math.floor(mail.date.getTime() / 1000) : null,
        subject: mail.subject ?? null,
    };
}

for (const path of JSON.parse(readFileSync(0, "utf8"))) {
    let answer;
    try {
        answer = await read(path);
    } catch (error) {
        answer = { error: error.name };
    }
    // a lone surrogate is no text
    console.log(JSON.stringify(answer, (_, v) => (typeof v === "string" ? v.replace(/\p{Surrogate}/gu, "\ufffd") : v)));
}

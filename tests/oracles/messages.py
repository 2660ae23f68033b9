"""The oracle for mail: what CPython's email package reads in the header of each file.

Standard input: a JSON list of paths. Standard output: one JSON object a line, in that order:
{"from": [...], "to": [...], "cc": [...], "date": seconds or null, "subject": text or null}, or {"error": name}.
"""

import datetime
import json
import sys
from email import policy
from email.parser import BytesParser


def addresses(message, name):
    return [a.addr_spec for field in message.get_all(name, []) for a in field.addresses]


def date(message):
    field = message["date"]
    if field is None or field.datetime is None:
        return None
    at = field.datetime
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.timezone.utc)
    return int(at.timestamp())


def text(value):
    # a byte that could not be decoded is a lone surrogate, which JSON cannot carry
    return None if value is None else str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read(path):
    with open(path, "rb") as file:
        message = BytesParser(policy=policy.default).parse(file, headersonly=True)
    found = {name: [text(a) for a in addresses(message, name)] for name in ("from", "to", "cc")}
    return {**found, "date": date(message), "subject": text(message["subject"])}


for path in json.load(sys.stdin):
    try:
        answer = read(path)
    except Exception as error:  # the oracle's own faults are counted, they stop nothing
        answer = {"error": type(error).__name__}
    print(json.dumps(answer))

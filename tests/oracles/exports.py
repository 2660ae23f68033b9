"""The oracle for exports: what DuckDB reads in parquet files.

Standard input: JSON {"folder": path, "files": [name, ...], "query": SQL}. Standard output: one JSON object a line: for each file
{"columns": {name: type}, "rows": [[value, ...], ...]}, times as microseconds, dates as days; then {"rows": [[value, ...], ...]} of
the query, which is run in the folder. PYTHONPATH holds the packages that tests/oracles/fetch brought.
"""

import json
import os
import sys

import duckdb

asked = json.load(sys.stdin)
os.chdir(asked["folder"])
database = duckdb.connect()


def shown(name, kind):
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f'epoch_us("{name}")'
    if kind == "DATE":
        return f"date_diff('day', DATE '1970-01-01', \"{name}\")"
    return f'"{name}"'


for file in asked["files"]:
    columns = {row[0]: row[1] for row in database.sql(f"DESCRIBE SELECT * FROM '{file}'").fetchall()}
    wanted = ", ".join(shown(name, kind) for name, kind in columns.items())
    rows = database.sql(f"SELECT {wanted} FROM '{file}'").fetchall()
    print(json.dumps({"columns": columns, "rows": rows}))
columns = [row[0] for row in database.sql(f"DESCRIBE {asked['query']}").fetchall()]
plain = ", ".join(f"epoch_ms({name})" if name.startswith("last_") else name for name in columns)
query = asked["query"].strip().rstrip(";")
print(json.dumps({"rows": database.sql(f"SELECT {plain} FROM ({query})").fetchall()}))

"""Stands in for ESP-IDF's idf.py as a program: notes how it was called, then does what the test says in FAKE_IDF_DO."""

import json
import os
import sys
from pathlib import Path

call = {
    "program": "idf.py",
    "argv": sys.argv[1:],
    "cwd": os.getcwd(),  # noqa: PTH109 (no more than a name is wanted)
    "python": sys.executable,
    "environment": dict(os.environ),
    "terminal": [sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty()],
    "pid": os.getpid(),
}
with Path(os.environ["FAKE_IDF_RECORD"]).open("a") as record:
    record.write(json.dumps(call) + "\n")
build = Path(sys.argv[sys.argv.index("-B") + 1])
exec(os.environ.get("FAKE_IDF_DO", ""))

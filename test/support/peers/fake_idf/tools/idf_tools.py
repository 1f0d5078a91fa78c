"""Stands in for ESP-IDF's idf_tools.py (v5.5): what `export` and `check-python-dependencies` print, where it is used.

FAKE_IDF_MISSING: tools that are not installed. FAKE_IDF_PACKAGES: Python packages that are missing.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

with Path(os.environ["FAKE_IDF_RECORD"]).open("a") as record:
    call = {"program": "idf_tools.py", "argv": sys.argv[1:], "environment": dict(os.environ)}
    record.write(json.dumps(call) + "\n")

if sys.argv[1] == "check-python-dependencies":
    missing = os.environ.get("FAKE_IDF_PACKAGES", "").split()
    if missing:
        print("The following Python requirements are not satisfied:")
    for name in missing:
        print(f"Error while checking requirement '{name}'. Package was not found and is required by the application")
    sys.exit(bool(missing))

assert sys.argv[1:] == ["export", "--format", "key-value"]
missing = os.environ.get("FAKE_IDF_MISSING", "").split()
for name in missing:
    print(f"ERROR: tool {name} has no installed versions. Please run 'install.sh' to install it.", file=sys.stderr)
if missing:
    sys.exit(1)
bin_folder = Path(os.environ["IDF_TOOLS_PATH"]) / "tools/xtensa-esp-elf/bin"
with tempfile.NamedTemporaryFile("w", delete=False, dir=os.environ["IDF_TOOLS_PATH"], suffix="idf_1") as left:
    left.write("{}")
print("Using a tool\nOPENOCD_SCRIPTS=/somewhere=else")
print(f"PATH={bin_folder}:{Path(sys.executable).parent}:$PATH")
print(f"IDF_DEACTIVATE_FILE_PATH={left.name}")

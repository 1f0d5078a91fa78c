"""What the log of a start says, in the words of ESP-IDF v5.5 and of the gateway."""

import re

ERROR = re.compile(r"^(?:\x1b\[[\d;]*m)?E \(\d+\) .*$", re.MULTILINE)


def errors(log: str) -> list[str]:
    """Lines at the level error."""
    return ERROR.findall(log)


def boot_reason(log: str) -> str:
    """Of the last start in the log; opening a serial port may have caused one more."""
    return str(re.findall(r"boot reason: ([\w ]+)", log)[-1]).strip()


def project_name(log: str) -> str:
    """As the chip's start-up code tells it."""
    found = re.findall(r"app_init: Project name: +([\w-]+)", log)
    return str(found[-1]) if found else ""

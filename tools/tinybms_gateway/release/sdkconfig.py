"""An sdkconfig without its secrets, and whether a file holds one of them."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tinybms_gateway.release.files import read_text

LARGEST = 4 << 20
REMOVED = "removed"
SHORTEST_SECRET = 6
"""Shorter texts occur in any file by chance; Wi-Fi requires 8."""
STRING = re.compile(r'^(?P<name>CONFIG_\w+)="(?P<value>(?:[^"\\]|\\.)*)"\s*$', re.ASCII)
SECRET_NAME = re.compile(
    r"_(PASS|PASSWD|PASSWORD|PASSPHRASE|PASSKEY|SECRET|TOKEN|PSK|CREDENTIALS?|(PRIVATE|API|SHARED)_KEY|KEY$)\d*(_|$)",
    re.ASCII,
)
USER_IN_ADDRESS = re.compile(r"(?<=://)[^:/@\s\"]*:(?P<password>[^\s\"]*)(?=@)")
"""To the last @: a password that contains @, : or / is wrong there, but still a password."""


@dataclass(frozen=True)
class Sdkconfig:
    """The text without secrets, the options they were taken from, and the secrets, which are never written."""

    text: str
    removed: tuple[str, ...]
    secrets: tuple[bytes, ...]

    @property
    def sha256(self) -> str:
        """Hash of the text without secrets: one of the whole would let a weak password be found by trying."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read(path: Path) -> Sdkconfig:
    """Read an sdkconfig, or a file of defaults.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not such a file.
    """
    text = read_text(path, LARGEST)
    if not re.search(r"^(# )?CONFIG_\w+", text, re.MULTILINE):
        raise ValueError(f"{path}: it holds no option; is it an sdkconfig?")
    return without_secrets(text)


def without_secrets(text: str) -> Sdkconfig:
    """Remove the values of options whose names look like secrets, and passwords in addresses."""
    lines, removed, secrets = [], [], set()
    for line in text.splitlines():
        match = STRING.match(line)
        if match is None or not match["value"]:
            lines.append(line)
            continue
        name, value = match["name"], match["value"]
        if SECRET_NAME.search(name):
            kept = REMOVED
            secrets.add(value)
        else:
            kept = without_passwords(value)
            secrets.update(found["password"] for found in USER_IN_ADDRESS.finditer(value))
        if kept != value:
            removed.append(name)
        lines.append(f'{name}="{kept}"')
    plain = {re.sub(r"\\(.)", r"\1", secret).encode() for secret in secrets} - {REMOVED.encode()}
    return Sdkconfig("\n".join(lines) + "\n", tuple(removed), tuple(sorted(plain)))


def without_passwords(text: str) -> str:
    """A text in which no address has a user and password any longer."""
    return USER_IN_ADDRESS.sub(REMOVED, text)


def is_clean(text: str) -> bool:
    """Whether an sdkconfig has no secret left."""
    return without_secrets(text).text == text


class SecretFinder:
    """Looks for secrets in a file that is read in chunks."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self.secrets = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
        self.found = False
        self._overlap = max(map(len, self.secrets), default=1) - 1
        self._tail = b""

    def __call__(self, chunk: bytes) -> None:
        """Look at the next chunk."""
        window = self._tail + chunk
        self.found = self.found or any(secret in window for secret in self.secrets)
        self._tail = window[-self._overlap :] if self._overlap else b""

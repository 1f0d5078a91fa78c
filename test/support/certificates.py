"""Self-signed certificates, made when a test needs them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """PEM files; the certificate is its own authority."""

    path: Path
    key: Path


def make_certificate(directory: Path, name: str = "IP:127.0.0.1") -> Certificate:
    """Make one for a name, such as ``IP:127.0.0.1`` or ``DNS:gateway.lan``."""
    made = Certificate(directory / "certificate.pem", directory / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", f"subjectAltName={name}", "-keyout", made.key, "-out", made.path],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return made

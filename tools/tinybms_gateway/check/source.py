"""What a gateway reports about itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinybms_gateway.check.services import DEVICE_NAME, VERSION


@dataclass(frozen=True)
class Told:
    """Version and name as one source reports them; None: missing or invalid."""

    version: str | None = None
    device: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any], version_field: str, device_field: str) -> "Told":
        """Take both from a JSON object."""
        version, device = values.get(version_field), values.get(device_field)
        return cls(
            version if isinstance(version, str) and VERSION.fullmatch(version) else None,
            device if isinstance(device, str) and DEVICE_NAME.fullmatch(device) else None,
        )

    def __str__(self) -> str:
        return f"version {self.version or 'not reported'}, device {self.device or 'not reported'}"

"""ota/policy.yaml: when gateways are updated, and how long before that the release branch is frozen.

Other keys at the top of the file belong to other parts of the policy and are ignored here.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from tinybms_gateway.plain_yaml import parse_yaml
from tinybms_gateway.release.files import read_text

LARGEST = 1 << 20
DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d", re.ASCII)
Hours = Annotated[float, Field(ge=0, le=30 * 24, allow_inf_nan=False)]


class Window(BaseModel):
    """A time in which gateways are updated; `start` and `end` have an offset, or are local times of `zone`."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")
    ]
    environment: Literal["production", "pre-production"]
    start: datetime
    end: datetime
    zone: str | None = None
    freeze_hours: Hours | None = None

    @field_validator("start", "end", mode="before")
    @classmethod
    def _is_a_time(cls, value: Any) -> Any:
        if isinstance(value, datetime):
            return value
        if not isinstance(value, str) or not DATE_AND_TIME.match(value):
            raise ValueError(f"{str(value)[:60]} is not a date and time such as 2026-08-12T09:00:00+02:00")
        if value.rsplit(" ", 1)[-1].isalpha():
            raise ValueError(f"{value[:60]}: a time zone is an offset such as +02:00, or 'zone: Europe/Paris' below")
        return value

    @field_validator("zone")
    @classmethod
    def _is_a_place(cls, zone: str | None) -> str | None:
        if zone is None or zone == "UTC":
            return zone
        if "/" not in zone:
            raise ValueError(
                f"{zone!r} does not say whether summer time applies; name a place such as Europe/Paris, or UTC"
            )
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, KeyError):
            raise ValueError(
                f"{zone!r} is not a time zone; give a name such as Europe/Paris or America/Montreal"
            ) from None
        return zone

    @model_validator(mode="after")
    def _in_utc(self) -> "Window":
        self.start, self.end = self._utc(self.start), self._utc(self.end)
        if self.start >= self.end:
            raise ValueError(f"window {self.name!r} ends before it begins")
        return self

    def _utc(self, time: datetime) -> datetime:
        if time.tzinfo is not None:
            if self.zone is not None:
                raise ValueError(f"{time.isoformat()} has an offset, and 'zone' is given too: remove one of them")
            return time.astimezone(timezone.utc)
        if self.zone is None:
            raise ValueError(
                f"{time.isoformat()} has no offset: write {time.isoformat()}+02:00, or add 'zone: Europe/Paris'"
            )
        local = time.replace(tzinfo=ZoneInfo(self.zone))
        utc = local.astimezone(timezone.utc)
        if utc.astimezone(local.tzinfo).replace(tzinfo=None) != time:
            raise ValueError(f"{time.isoformat()} does not exist in {self.zone}: clocks skip it when they go forward")
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            raise ValueError(
                f"{time.isoformat()} occurs twice in {self.zone}, as clocks go back: give an offset instead"
            )
        return utc


@dataclass(frozen=True)
class Freeze:
    """From when to when nothing may land on the release branch (UTC), and for which window."""

    window: Window
    start: datetime
    end: datetime


class Policy(BaseModel):
    """What releases need of the policy."""

    model_config = ConfigDict(extra="allow")

    freeze_hours: Hours = 48
    windows: list[Window]

    def freezes(self) -> list[Freeze]:
        """The freeze of each window: from a number of hours before it until it ends."""
        return [
            Freeze(window, window.start - timedelta(hours=self._hours(window)), window.end)
            for window in self.windows
            if self._hours(window) > 0
        ]

    def _hours(self, window: Window) -> float:
        return self.freeze_hours if window.freeze_hours is None else window.freeze_hours


def load(path: Path) -> Policy:
    """Read the policy.

    Raises:
        OSError: it cannot be read.
        ValueError: it is invalid; the line names the place.
    """
    try:
        content = parse_yaml(read_text(path, LARGEST))
    except ValueError as error:
        raise ValueError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    try:
        return Policy.model_validate(content if content is not None else {})
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise ValueError(
            f"{path}: {where + ': ' if where else ''}{problem['msg'].removeprefix('Value error, ')}"
        ) from None

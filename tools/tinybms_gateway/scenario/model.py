"""What a scenario file may hold: what happens to the battery and to the GX, and what must be seen on the CAN bus.

Times are seconds since the start of the scenario, of the battery's time. Names of values, units and ranges are those of
`tinybms_gateway.sim.bms.device.SETTABLE` and of the DBC.
"""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tinybms_gateway.sim.bms.device import REGISTER_NAME, REGISTER_NAMES, SETTABLE, TinyBms
from tinybms_gateway.sim.bms.faults import Faults

LONGEST_S = 24 * 3600.0
MOST_STEPS = 500
MOST_RAMP_VALUES = 10_000

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]
Moment = Annotated[float, Field(allow_inf_nan=False, ge=0, le=LONGEST_S)]
Duration = Annotated[float, Field(allow_inf_nan=False, gt=0, le=LONGEST_S)]
EventId = Annotated[int, Field(ge=1, le=255)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Condition = Annotated[dict[str, str | int | float], Field(min_length=1)]
"""Signal -> what it must be; all of them at the same time. Read by `tinybms_gateway.scenario.condition`."""
Window = Annotated[list[Moment], Field(min_length=2, max_length=2)]
"""Earliest and latest; seconds."""

STEP_KEYS = ("fault", "event")
"""Names of `SETTABLE` that are keys of a step instead."""
VALUES = tuple(name for name in SETTABLE if name not in STEP_KEYS)


class Part(BaseModel):
    """Whatever has a name in a scenario file; anything unknown is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Ramp(Part):
    """A value that goes from one number to another in equal steps."""

    start: Number = Field(alias="from")
    to: Number
    for_s: Duration
    every_s: Annotated[float, Field(ge=0.1, le=3600)] = 0.5

    @model_validator(mode="after")
    def _bounded(self) -> "Ramp":
        if self.for_s / self.every_s > MOST_RAMP_VALUES:
            raise ValueError(f"more than {MOST_RAMP_VALUES} values; give a longer every_s")
        return self


class Step(Part):
    """What happens to the battery at one time, and what a person does on a bench without a simulator."""

    at: Moment
    set: dict[str, Number] = {}
    """Values of the simulated battery, see `VALUES`, or `REGISTER_NAMES`."""
    ramp: dict[str, Ramp] = {}
    line: dict[str, Number] = {}
    """Faults of the serial line, see `tinybms_gateway.sim.bms.faults.ABOUT`."""
    fault: EventId | None = None
    """The BMS goes into its fault state with this event."""
    recover: EventId | None = None
    """The BMS logs this event and leaves its fault state."""
    event: EventId | None = None
    """The BMS logs this event."""
    by_hand: Annotated[str, Field(max_length=1000)] = ""

    @field_validator("set")
    @classmethod
    def _values(cls, values: dict[str, float]) -> dict[str, float]:
        for name, value in values.items():
            _try_value(name, value)
        return values

    @field_validator("ramp")
    @classmethod
    def _ramps(cls, ramps: dict[str, Ramp]) -> dict[str, Ramp]:
        for name, ramp in ramps.items():
            _try_value(name, ramp.start)
            _try_value(name, ramp.to)
        return ramps

    @field_validator("line")
    @classmethod
    def _line(cls, faults: dict[str, float]) -> dict[str, float]:
        for name, value in faults.items():
            Faults().set(name, value)
        return faults

    @model_validator(mode="after")
    def _something(self) -> "Step":
        if not (self.model_fields_set - {"at"}):
            raise ValueError("nothing happens; give set, ramp, line, fault, recover, event or by_hand")
        return self


class GxStep(Part):
    """What the GX does at one time."""

    at: Moment
    keepalive: bool
    """From now on it sends 0x305 and 0x307 every second, or neither."""
    by_hand: Annotated[str, Field(max_length=1000)] = ""


class Expectation(Part):
    """Something that must be seen on the CAN bus."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    sentence: Text
    source: Text


class Always(Expectation):
    """A condition holds all the time, or as long as another one does, starting `within_s` after that began."""

    kind: Literal["always"]
    during: Condition | None = Field(None, alias="while")
    then: Condition
    within_s: Moment = 0.0


class After(Expectation):
    """Each time a condition begins to hold, another one follows in time."""

    kind: Literal["after"]
    after: Condition
    then: Condition
    within_s: Moment | Window


class Order(Expectation):
    """Conditions hold one after another, at least once."""

    kind: Literal["order"]
    order: Annotated[list[Condition], Field(min_length=1, max_length=100)]


Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Course(Expectation):
    """A signal rises or falls no faster than a bound, always or while a condition holds; 0: not at all."""

    kind: Literal["course"]
    signal: Text
    during: Condition | None = Field(None, alias="while")
    rises_at_most_per_s: Rate | None = None
    falls_at_most_per_s: Rate | None = None
    tolerance: Rate = 0.0
    """Of each change, in the unit of the signal."""

    @model_validator(mode="after")
    def _bounded(self) -> "Course":
        if self.rises_at_most_per_s is None and self.falls_at_most_per_s is None:
            raise ValueError("give rises_at_most_per_s, falls_at_most_per_s or both; 0 means not at all")
        return self


class Agree(Expectation):
    """Two signals of one frame differ by no more than a bound."""

    kind: Literal["agree"]
    signals: Annotated[list[Text], Field(min_length=2, max_length=2)]
    at_most: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Pause(Expectation):
    """The battery stops all its frames, and only within a time after a condition began to hold."""

    kind: Literal["pause"]
    after: Condition
    within_s: Window
    at_least_s: Duration


class Energy(Expectation):
    """The energy counters grow by voltage x current x time, in both directions."""

    kind: Literal["energy"]
    at_least_wh: Duration
    tolerance_percent: Annotated[float, Field(ge=0, le=100)]


AnyExpectation = Annotated[
    Always | After | Order | Course | Agree | Pause | Energy,
    Field(discriminator="kind"),
]


class Scenario(Part):
    """A scenario."""

    name: str
    """The name of its file."""
    title: Annotated[str, Field(min_length=1, max_length=120)]
    purpose: Text
    source: Text
    duration_s: Duration
    """How long a capture of it must be."""
    repeat_after_s: Duration | None = None
    """Steps and GX start again after this time; None: the final state stays."""
    steps: Annotated[list[Step], Field(min_length=1, max_length=MOST_STEPS)]
    gx: Annotated[list[GxStep], Field(max_length=MOST_STEPS)] = []
    values: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Number] = {}
    """Names for numbers of the battery that conditions use; they must be changed for another battery."""
    expect: Annotated[list[AnyExpectation], Field(max_length=100)] = []
    waives: dict[str, Text] = {}
    """Pattern of ids of the rules of ``can verify`` that do not hold here -> why not."""

    @model_validator(mode="after")
    def _consistent(self) -> "Scenario":
        for where, times in (("steps", [step.at for step in self.steps]), ("gx", [step.at for step in self.gx])):
            for index, (at, following) in enumerate(pairwise(times)):
                if following < at:
                    raise ValueError(f"{where}.{index + 1}.at {following:g}: must not be before {at:g}")
        ids = [expectation.id for expectation in self.expect]
        for again in (name for index, name in enumerate(ids) if name in ids[:index]):
            raise ValueError(f"expect: the id '{again}' occurs twice")
        if self.repeat_after_s is not None and self.repeat_after_s < self.end_s:
            raise ValueError(f"repeat_after_s {self.repeat_after_s:g}: must not be before the end, {self.end_s:g}")
        return self

    @property
    def end_s(self) -> float:
        """The time after which nothing happens."""
        ends = [step.at + max((ramp.for_s for ramp in step.ramp.values()), default=0.0) for step in self.steps]
        return max([*ends, *(step.at for step in self.gx)])


def _try_value(name: str, value: float) -> None:
    """Set a value of a battery that nobody uses."""
    if name in STEP_KEYS:
        raise ValueError(f"'{name}': is a key of the step itself, not one of its values")
    if name not in SETTABLE and not REGISTER_NAME.fullmatch(name):
        raise ValueError(f"'{name}': not known; choose from {', '.join((*VALUES, *REGISTER_NAMES))}")
    TinyBms().set_value(name, value)

"""battery_pipeline of the C code, fed with registers by a test."""

import ctypes as c
from typing import cast

from pure_library import Pure
from tinybms_gateway.pure import ALARM_CHANGES_MAX, AlarmChange, Snapshot, State

CHARGE_FIELDS = (
    *("target_mv", "float_mv", "charge_max_ma", "discharge_max_ma", "current_percent", "cutoff_margin_mv"),
    *("charger_offset_mv", "float_below_full_mv", "float_lfp_mv", "absorption_s", "absorption_max_s", "balanced_mv"),
    *("tail_percent", "rebulk_percent", "lower_mv_per_s", "lower_s", "look_ahead_s", "raise_wait_s", "raise_mv_per_s"),
    "step_s",
    *("charge_knee_mv", "charge_at_target_percent", "discharge_knee_mv", "soc_min_percent", "soc_knee_percent"),
    *("cold_knee_dc", "hot_knee_dc", "hot_stop_dc", "hot_discharge_knee_dc", "rise_wait_s", "rise_ma_per_s"),
    *("ramp_start_percent", "ramp_s"),
)


class ChargeConfig(c.Structure):
    """charge_control_config_t."""

    _fields_ = tuple((name, c.c_int32) for name in CHARGE_FIELDS)


class PipelineConfig(c.Structure):
    """battery_pipeline_config_t."""

    _fields_ = (
        ("stale_ms", c.c_int32),
        ("silent_ms", c.c_int32),
        ("charge", ChargeConfig),
        ("alarms", c.c_int32 * 9),
    )


class Pipeline:
    """battery_pipeline_t with its state."""

    def __init__(self, pure: Pure, settings: dict[str, int]) -> None:
        """Begin with factory values but for these of charge_control_config_t."""
        self._step = pure.lib.battery_pipeline_step
        self._step.restype = c.c_size_t
        self._step.argtypes = (c.c_void_p, c.c_void_p, c.c_int64, c.c_void_p, c.c_void_p)
        config = PipelineConfig.from_buffer_copy(PipelineConfig.in_dll(pure.lib, "tinybms_pure_default_config"))
        if (config.stale_ms, config.charge.ramp_s, config.alarms[8]) != (3000, 30, 3):
            raise RuntimeError("the mirror of battery_pipeline_config_t is not what the library has")
        for name, value in settings.items():
            setattr(config.charge, name, value)
        self._pipeline = c.create_string_buffer(pure.size_of("pipeline"))
        self._changes = (AlarmChange * ALARM_CHANGES_MAX)()
        self.state = State()
        pure.lib.battery_pipeline_init(self._pipeline, c.byref(config), None)

    def step(self, snapshot: Snapshot | None, now_ms: int) -> list[tuple[int, ...]]:
        """The state that holds then is in `state`; returns the changes of the alarms."""
        given = c.byref(snapshot) if snapshot else None
        count = self._step(self._pipeline, given, now_ms, c.byref(self.state), self._changes)
        return [cast("tuple[int, ...]", values_of(change)) for change in self._changes[:count]]


def values_of(thing: object) -> object:
    """A C value without the bytes between its fields."""
    if isinstance(thing, c.Structure):
        return tuple(values_of(getattr(thing, name)) for name, *_ in thing._fields_)
    if isinstance(thing, c.Array):
        return tuple(values_of(item) for item in thing)
    return thing

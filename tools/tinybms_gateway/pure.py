"""The pure components as Python sees them: libtinybms_pure.so through ctypes. The one mirror of their structs."""

import ctypes as c
from enum import IntEnum
from pathlib import Path

LIBRARY = "libtinybms_pure.so"
CELLS_MAX = 16
ALARM_COUNT = 13
FAULTS_MAX = 16
ALARM_CHANGES_MAX = 2 * ALARM_COUNT


class Reason(IntEnum):
    """battery_limit_reason_t."""

    NONE = 0
    BMS_SETTING = 1
    USER_CAP = 2
    CELL_VOLTAGE = 3
    PACK_VOLTAGE = 4
    TEMPERATURE = 5
    BMS_TEMPERATURE = 6
    SOC = 7
    RAMP = 8
    RISING = 9
    BMS_FAULT = 10
    STALE_DATA = 11
    NO_TEMPERATURE = 12
    SENSOR_LOST = 13
    CELLS_CONTRADICT = 14
    SETTINGS_CONTRADICTORY = 15
    SETTING_MISSING = 16
    CELL_COUNT = 17
    SETTINGS_LOST = 18
    BULK = 19
    ABSORPTION = 20
    FLOAT = 21
    CHARGE_INHIBITED = 22


LIMITER_COUNT = Reason.CELL_COUNT + 1


class Quantity(c.Structure):
    """battery_quantity_t."""

    _fields_ = (("known", c.c_bool), ("value", c.c_int32))


class Energy(c.Structure):
    """battery_energy_t."""

    _fields_ = (("known", c.c_bool), ("value", c.c_int64))


class Limit(c.Structure):
    """battery_limit_t."""

    _fields_ = (("known", c.c_bool), ("value", c.c_int32), ("reason", c.c_int))


class State(c.Structure):
    """battery_state_t."""

    _fields_ = (
        ("snapshot_ms", c.c_int64),
        ("sequence", c.c_uint32),
        ("status", c.c_int),
        ("publish", c.c_bool),
        ("pack_voltage_mv", Quantity),
        ("pack_current_ma", Quantity),
        ("soc_ppm", Quantity),
        ("soh_ppm", Quantity),
        ("cell_count", c.c_uint8),
        ("cell_100uv", c.c_uint16 * CELLS_MAX),
        ("cell_min_mv", Quantity),
        ("cell_max_mv", Quantity),
        ("pack_checked_mv", Quantity),
        ("cell_min_register", Quantity),
        ("cell_max_register", Quantity),
        ("sensor_ddegc", Quantity * 2),
        ("bms_temperature_ddegc", Quantity),
        ("cvl_mv", Limit),
        ("ccl_ma", Limit),
        ("dcl_ma", Limit),
        ("dvl_mv", Limit),
        ("ccl_limiter_ma", Quantity * LIMITER_COUNT),
        ("dcl_limiter_ma", Quantity * LIMITER_COUNT),
        ("too_cold_to_charge", c.c_bool),
        ("too_hot_to_charge", c.c_bool),
        ("alarm", c.c_int * ALARM_COUNT),
        ("warning", c.c_int * ALARM_COUNT),
        ("installed_capacity_mah", Quantity),
        ("usable_capacity_mah", Quantity),
        ("energy_in_wh", Energy),
        ("energy_out_wh", Energy),
        ("cycles_milli", Quantity),
        ("since_full_min", Quantity),
        ("time_to_full_min", Quantity),
        ("time_to_empty_min", Quantity),
        ("model", Quantity),
        ("firmware_major", Quantity),
        ("firmware_minor", Quantity),
        ("serial_known", c.c_bool),
        ("serial", c.c_char * 25),
    )


class Event(c.Structure):
    """tinybms_event_t."""

    _fields_ = (("time_s", c.c_uint32), ("id", c.c_uint8))


class EventsOver(c.Structure):
    """tinybms_events_over_t."""

    _fields_ = (("event", Event), ("bms_time_s", c.c_uint32))


class Snapshot(c.Structure):
    """tinybms_snapshot_t."""

    _fields_ = (
        ("taken_ms", c.c_int64),
        ("sequence", c.c_uint32),
        ("live", c.c_uint16 * 56),
        ("settings_known", c.c_bool),
        ("settings_alike", c.c_uint8),
        ("settings_ms", c.c_int64),
        ("settings", c.c_uint16 * 44),
        ("version_known", c.c_bool),
        ("version", c.c_uint16 * 10),
        ("statistics_known", c.c_bool),
        ("statistics_ms", c.c_int64),
        ("statistics", c.c_uint16 * 18),
        ("events_known", c.c_bool),
        ("events_doubtful", c.c_bool),
        ("fault_count", c.c_uint8),
        ("faults", c.c_uint8 * FAULTS_MAX),
        ("over", EventsOver),
    )


class AlarmChange(c.Structure):
    """battery_alarm_change_t."""

    _fields_ = (("id", c.c_int), ("warning", c.c_bool), ("active", c.c_bool), ("cause", c.c_int), ("value", c.c_int32))


class Identity(c.Structure):
    """victron_identity_t."""

    _fields_ = (("manufacturer", c.c_char * 9), ("battery_name", c.c_char * 17), ("family", c.c_char * 9))


class Frame(c.Structure):
    """victron_frame_t."""

    _fields_ = (("id", c.c_uint16), ("dlc", c.c_uint8), ("data", c.c_uint8 * 8))


MIRRORS: dict[str, type[c.Structure]] = {
    "state": State,
    "snapshot": Snapshot,
    "alarm_change": AlarmChange,
    "identity": Identity,
    "frame": Frame,
}
"""Structs whose size the library reports: a mirror that differs is refused."""


class PureLibrary:
    """The library."""

    def __init__(self, path: Path) -> None:
        """Load it.

        Raises:
            OSError: missing, or not such a library.
            ValueError: built from sources that do not match this package.
        """
        self.lib = c.CDLL(str(path))
        for name, mirror in MIRRORS.items():
            size = self.size_of(name)
            if size != c.sizeof(mirror):
                raise ValueError(
                    f"{path}: its {name} has {size} bytes, this package's {c.sizeof(mirror)}; run 'make build'"
                )

    def size_of(self, name: str) -> int:
        """Bytes of a struct."""
        try:
            return c.c_size_t.in_dll(self.lib, f"tinybms_pure_size_of_{name}").value
        except ValueError:
            raise ValueError(f"the library does not know the size of {name}; run 'make build'") from None

    def reason_text(self, reason: int) -> str:
        """Why a limit is what it is, as logs have it."""
        self.lib.battery_limit_reason_text.restype = c.c_char_p
        return bytes(self.lib.battery_limit_reason_text(reason)).decode("ascii")

    def alarm_text(self, alarm: int) -> str:
        """An alarm's name, as logs have it."""
        self.lib.battery_alarm_text.restype = c.c_char_p
        return bytes(self.lib.battery_alarm_text(alarm)).decode("ascii")

    def settings(self) -> "Settings":
        """The settings with their factory values."""
        return Settings(self)

    def encode(self, function: str, state: State, identity: Identity) -> bytes | None:
        """Call an encoder of victron_pgn.h; None: the frame must not be sent."""
        encoder = getattr(self.lib, function)
        encoder.restype = c.c_bool
        frame = Frame()
        if not encoder(c.byref(state), c.byref(identity), c.byref(frame)):
            return None
        return bytes(frame.data[: frame.dlc])


class Settings:
    """settings_values_t: the numbers that the pipeline is given, by their keys."""

    def __init__(self, pure: PureLibrary) -> None:
        """Start with the factory values."""
        self._pure = pure
        self._values = c.create_string_buffer(pure.size_of("settings"))
        pure.lib.settings_factory_all(self._values)

    def set(self, key: str, number: int) -> None:
        """Set one.

        Raises:
            ValueError: no such setting, or out of its range.
        """
        value = c.c_int32(number)
        if value.value != number:
            raise ValueError(f"{key}: {number} does not fit into 32 bits")
        self._check("tinybms_pure_settings_set", key.encode(), value)

    def config(self) -> "c.Array[c.c_char]":
        """Make a battery_pipeline_config_t from them.

        Raises:
            ValueError: they do not fit together.
        """
        self._check("settings_fit_together")
        config = c.create_string_buffer(self._pure.size_of("pipeline_config"))
        self._pure.lib.tinybms_pure_settings_pipeline(self._values, config)
        return config

    def _check(self, function: str, *arguments: object) -> None:
        check = getattr(self._pure.lib, function)
        check.restype = c.c_bool
        refusal = c.create_string_buffer(self._pure.size_of("settings_refusal"))
        if not check(self._values, *arguments, refusal):
            raise ValueError(refusal.value.decode("ascii", "replace"))

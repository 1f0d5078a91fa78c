"""The generated C codec and the encoders against the DBC, by way of cantools."""

import ctypes as c
import re
from pathlib import Path

import pytest
from cantools.database.can import Message as DbcMessage
from cantools.database.can import Signal
from hypothesis import given
from hypothesis import strategies as st

from pure.pure_library import Pure
from tinybms_gateway.can import codec_files
from tinybms_gateway.can.database import load_database, text_of
from tinybms_gateway.generated import outdated
from tinybms_gateway.pure import Energy, Identity, Limit, Quantity, State

DATABASE = load_database()
MESSAGES = sorted(DATABASE.messages, key=lambda m: m.frame_id)
SENT = [m for m in MESSAGES if codec_files.sender_function(m)]
NAMES = Identity(b"TinyBMS", b"TinyBMS 14S 66Ah", b"House")
LEVELS = st.lists(st.integers(0, 2), min_size=13, max_size=13)
INT32 = st.integers(-(2**31), 2**31 - 1)


def snake(name: str) -> str:
    """Names as cantools writes them in C."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    name = re.sub(r"(_+)", "_", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def c_type(signal: Signal) -> type:
    bits = next(size for size in (8, 16, 32, 64) if signal.length <= size)
    return getattr(c, f"c_{'' if signal.is_signed else 'u'}int{bits}")


def raw_range(signal: Signal) -> tuple[int, int]:
    if signal.is_signed:
        return -(2 ** (signal.length - 1)), 2 ** (signal.length - 1) - 1
    return 0, 2**signal.length - 1


def decode(frame_id: int, data: bytes) -> dict[str, float]:
    message = DATABASE.get_message_by_frame_id(frame_id)
    return dict(message.decode_simple(data, decode_choices=False))


def test_generated_files_are_what_the_dbc_says(root: Path) -> None:
    assert outdated(root, codec_files.generate()) == []


def test_the_generated_code_has_nothing_but_what_packs_the_messages_that_are_sent(root: Path) -> None:
    for name in ("victron_bms.h", "victron_bms.c"):
        text = (root / codec_files.GENERATED_DIR / name).read_text()
        functions = re.findall(r"^(?!static)\w+ (\w+)\(", text, re.MULTILINE)
        assert len(functions) == len(SENT), name
        assert all(function.endswith("_pack") for function in functions), name


def test_generated_code_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="unexpected form"):
        codec_files.packing_only("bool victron_bms_x_is_in_range(int x) { return x; }\n", codec_files.DEFINITION)


@pytest.mark.parametrize("message", SENT, ids=lambda m: f"{m.frame_id:03X}")
def test_the_function_that_the_dbc_names_sends_this_message(pure: Pure, message: DbcMessage) -> None:
    address = c.cast(getattr(pure.lib, codec_files.sender_function(message)), c.c_void_p).value
    in_table = {entry.id: entry for entry in pure.messages()}
    assert in_table[message.frame_id].encode == address
    assert in_table[message.frame_id].period_ms == message.cycle_time


def test_exactly_the_messages_of_the_battery_are_sent(pure: Pure) -> None:
    assert {entry.id for entry in pure.messages()} == {m.frame_id for m in SENT}
    assert {m.frame_id for m in MESSAGES} - {m.frame_id for m in SENT} == {0x305, 0x307}


def test_the_dbc_is_complete() -> None:
    for message in MESSAGES:
        assert message.comment, message.name
        assert message.cycle_time in (1000, 2000, 5000), message.name
        assert message.senders in (["BMS"], ["GX"]), message.name
        for signal in message.signals:
            assert signal.comment, signal.name
            assert signal.minimum is not None, signal.name
            assert signal.maximum is not None, signal.name
            assert signal.receivers, signal.name


@pytest.mark.parametrize("message", SENT, ids=lambda m: f"{m.frame_id:03X}")
def test_packed_in_c_every_raw_value_comes_back_from_cantools(pure: Pure, message: DbcMessage) -> None:
    name = f"victron_bms_{snake(message.name)}"
    fields = [(snake(s.name), c_type(s)) for s in message.signals]
    structure = type(name, (c.Structure,), {"_fields_": fields})
    pack = getattr(pure.lib, f"{name}_pack")

    @given(values=st.tuples(*(st.integers(*raw_range(s)) for s in message.signals)))
    def check(values: tuple[int, ...]) -> None:
        data = (c.c_uint8 * 8)()
        source = structure(*values)
        assert pack(data, c.byref(source), c.c_size_t(8)) == message.length
        decoded = message.decode_simple(bytes(data[: message.length]), decode_choices=False, scaling=False)
        assert decoded == {s.name: value for s, value in zip(message.signals, values, strict=True)}

    check()


def state(**known: object) -> State:
    made = State(publish=True, status=2)
    for field, value in known.items():
        setattr(made, field, value)
    return made


def clamp(value: int, least: int, most: int) -> int:
    return min(max(value, least), most)


def half_away(value: int, divisor: int) -> int:
    magnitude = (abs(value) * 2 + divisor) // (2 * divisor)
    return magnitude if value >= 0 else -magnitude


@given(cvl=INT32, ccl=INT32, dcl=INT32, dvl=INT32)
def test_limits_are_rounded_to_the_safe_side_and_saturate(pure: Pure, cvl: int, ccl: int, dcl: int, dvl: int) -> None:
    data = pure.encode(
        "victron_pgn_encode_351",
        state(cvl_mv=Limit(True, cvl), ccl_ma=Limit(True, ccl), dcl_ma=Limit(True, dcl), dvl_mv=Limit(True, dvl)),
        NAMES,
    )
    assert data is not None
    values = decode(0x351, data)
    assert round(values["CVL"] * 10) == clamp(cvl // 100, 0, 0xFFFF)
    assert round(values["CCL"] * 10) == clamp(ccl // 100, 0, 0x7FFF)
    assert round(values["DCL"] * 10) == clamp(dcl // 100, 0, 0x7FFF)
    assert round(values["DVL"] * 10) == clamp(-(-dvl // 100), 0, 0xFFFF)


@given(soc=INT32, soh=st.none() | INT32)
def test_state_of_charge_and_health_stay_within_0_and_100_percent(pure: Pure, soc: int, soh: int | None) -> None:
    known = Quantity(False, 12345) if soh is None else Quantity(True, soh)
    data = pure.encode("victron_pgn_encode_355", state(soc_ppm=Quantity(True, soc), soh_ppm=known), NAMES)
    assert data is not None
    values = decode(0x355, data)
    assert values["SOC"] == clamp((soc + 5000) // 10000, 0, 100)
    assert round(values["SOCHighResolution"] * 100) == clamp((soc + 50) // 100, 0, 10000)
    assert values["SOH"] == (100 if soh is None else clamp((soh + 5000) // 10000, 0, 100))


@given(voltage=INT32, current=INT32, temperature=INT32)
def test_measurements_come_back_rounded_and_saturated(pure: Pure, voltage: int, current: int, temperature: int) -> None:
    data = pure.encode(
        "victron_pgn_encode_356",
        state(
            pack_voltage_mv=Quantity(True, voltage),
            pack_current_ma=Quantity(True, current),
            bms_temperature_ddegc=Quantity(True, temperature),
        ),
        NAMES,
    )
    assert data is not None
    values = decode(0x356, data)
    assert round(values["Voltage"] * 100) == clamp(half_away(voltage, 10), -0x8000, 0x7FFF)
    assert round(values["Current"] * 10) == clamp(half_away(current, 100), -0x8000, 0x7FFF)
    assert round(values["Temperature"] * 10) == clamp(temperature, -0x8000, 0x7FFF)


@given(alarm=LEVELS, warning=LEVELS, status=st.integers(0, 2))
def test_alarm_fields_say_what_the_state_says(pure: Pure, alarm: list[int], warning: list[int], status: int) -> None:
    made = state(status=status)
    made.alarm[:] = alarm
    made.warning[:] = warning
    data = pure.encode("victron_pgn_encode_35a", made, NAMES)
    assert data is not None
    values = decode(0x35A, data)
    in_order = [values[signal.name] for signal in DATABASE.get_message_by_frame_id(0x35A).signals]
    assert in_order == [*alarm, *warning, status]


@given(low=INT32, high=INT32, sensors=st.tuples(st.none() | INT32, st.none() | INT32))
def test_cell_extremes_and_kelvin_never_hit_the_values_that_mean_not_supported(
    pure: Pure, low: int, high: int, sensors: tuple[int | None, int | None]
) -> None:
    made = state(cell_min_mv=Quantity(True, low), cell_max_mv=Quantity(True, high))
    for i, sensor in enumerate(sensors):
        made.sensor_ddegc[i] = Quantity(sensor is not None, sensor or 0)
    data = pure.encode("victron_pgn_encode_373", made, NAMES)
    assert data is not None
    values = decode(0x373, data)
    assert values["CellVoltageMin"] == clamp(low, 0, 0xFFFF)
    assert values["CellVoltageMax"] == clamp(high, 0, 0xFFFF)
    connected = [sensor for sensor in sensors if sensor is not None]
    for name, pick in (("CellTemperatureMin", min), ("CellTemperatureMax", max)):
        expected = 0xFFFF if not connected else clamp((pick(connected) * 10 + 27315 + 50) // 100, 1, 0xFFFE)
        assert values[name] == expected, name


@given(energy_in=st.integers(0, 2**50), energy_out=st.integers(0, 2**50))
def test_energy_rolls_over_to_zero(pure: Pure, energy_in: int, energy_out: int) -> None:
    made = state(energy_in_wh=Energy(True, energy_in), energy_out_wh=Energy(True, energy_out))
    data = pure.encode("victron_pgn_encode_378", made, NAMES)
    assert data is not None
    values = decode(0x378, data)
    assert values["EnergyIn"] == energy_in // 100 % 2**32 * 100
    assert values["EnergyOut"] == energy_out // 100 % 2**32 * 100


@given(
    installed=INT32, usable=INT32, model=st.integers(0, 0xFFFF), major=st.integers(0, 255), minor=st.integers(0, 255)
)
def test_model_firmware_and_capacities_come_back(
    pure: Pure, installed: int, usable: int, model: int, major: int, minor: int
) -> None:
    made = state(
        installed_capacity_mah=Quantity(True, installed),
        usable_capacity_mah=Quantity(True, usable),
        model=Quantity(True, model),
        firmware_major=Quantity(True, major),
        firmware_minor=Quantity(True, minor),
    )
    model_data = pure.encode("victron_pgn_encode_35f", made, NAMES)
    capacity_data = pure.encode("victron_pgn_encode_379", made, NAMES)
    assert model_data is not None and capacity_data is not None
    values = decode(0x35F, model_data)
    assert values == {
        "Model": model,
        "FirmwareMajor": major,
        "FirmwareMinor": minor,
        "OnlineCapacity": clamp(half_away(usable, 1000), 0, 0xFFFF),
    }
    assert decode(0x379, capacity_data)["InstalledCapacityAh"] == clamp(half_away(installed, 1000), 0, 0xFFFF)


@given(
    serial=st.text("0123456789ABCDEF", min_size=24, max_size=24), name=st.text("abcdefg hijk", min_size=0, max_size=8)
)
def test_texts_come_back(pure: Pure, serial: str, name: str) -> None:
    made = state(serial_known=True, serial=serial.encode())
    names = Identity(b"TinyBMS", f"TinyBMS {name}".encode(), b"House")
    parts = []
    for frame_id, function in ((0x380, "380"), (0x381, "381")):
        data = pure.encode(f"victron_pgn_encode_{function}", made, names)
        assert data is not None
        parts.append(text_of(int(next(iter(decode(frame_id, data).values())))))
    assert "".join(parts) == serial[:16]
    second = pure.encode("victron_pgn_encode_371", made, names)
    if name:
        assert second is not None and second.rstrip(b"\0").decode() == name
    else:
        assert second is None

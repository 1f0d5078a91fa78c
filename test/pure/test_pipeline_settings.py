"""Settings and what the pipeline makes of them, through the library: the way a simulator sets numbers by their keys."""

import csv
import ctypes as c
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybms_gateway.gateway.gateway_impl import PROGRAM

INT32 = st.integers(-(2**31), 2**31 - 1)


class Settings:
    """settings_values_t, opaque."""

    def __init__(self, lib: c.CDLL) -> None:
        self._lib = lib
        self._values = c.create_string_buffer(self._size("settings"))
        lib.settings_factory_all(self._values)

    def _size(self, name: str) -> int:
        return c.c_size_t.in_dll(self._lib, f"tinybms_pure_size_of_{name}").value

    def _refusal(self, function: str, *arguments: object) -> str:
        """What a check says; empty: it holds."""
        check = getattr(self._lib, function)
        check.restype = c.c_bool
        refusal = c.create_string_buffer(self._size("settings_refusal"))
        return "" if check(self._values, *arguments, refusal) else refusal.value.decode()

    def set(self, key: str, number: int) -> str:
        return self._refusal("tinybms_pure_settings_set", key.encode(), c.c_int32(number))

    def misfit(self) -> str:
        return self._refusal("settings_fit_together")

    def config(self) -> list[int]:
        """battery_pipeline_config_t, which is nothing but int32_t."""
        config = (c.c_int32 * (self._size("pipeline_config") // c.sizeof(c.c_int32)))()
        self._lib.tinybms_pure_settings_pipeline(self._values, config)
        return list(config)


@dataclass(frozen=True)
class Row:
    """A number as --settings lists it."""

    low: int
    high: int
    step: int
    zero: bool

    def allows(self, number: int) -> bool:
        return (number == 0 and self.zero) or (self.low <= number <= self.high and number % self.step == 0)


@pytest.fixture(scope="session")
def lib(native_build: Path) -> c.CDLL:
    return c.CDLL(str(native_build / "libtinybms_pure.so"))


@pytest.fixture(scope="session")
def rows(native_build: Path) -> dict[str, Row]:
    ended = subprocess.run([native_build / PROGRAM, "--settings"], capture_output=True, text=True, check=True)
    found = {}
    for row in csv.DictReader(ended.stdout.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["unit"]:
            match = re.fullmatch(r"(\d+)\.\.(\d+)(?: in steps of (\d+))?(, or 0 = .+)?", row["range"])
            assert match, row
            found[row["key"]] = Row(int(match[1]), int(match[2]), int(match[3] or 1), match[4] is not None)
    return found


@pytest.fixture(scope="session")
def fields(root: Path) -> list[str]:
    """Names of the fields of battery_pipeline_config_t, in their order."""
    names = ["stale_ms", "silent_ms"]
    for component in ("charge_control", "battery_alarms"):
        text = (root / f"components/{component}/include/{component}.h").read_text()
        body = re.search(rf"typedef struct \{{([^}}]*)\}} {component}_config_t;", text)
        assert body
        names += re.findall(r"^\s+int32_t (\w+);", body[1], re.MULTILINE)
    return names


def changed(lib: c.CDLL, fields: list[str], settings: Settings) -> dict[str, int]:
    """Fields that are not as the factory made them."""
    before, after = Settings(lib).config(), settings.config()
    return {name: new for name, old, new in zip(fields, before, after, strict=True) if old != new}


def test_the_factory_values_are_the_numbers_of_the_control(lib: c.CDLL, fields: list[str]) -> None:
    config = dict(zip(fields, Settings(lib).config(), strict=True))
    expected = {"stale_ms": 3000, "silent_ms": 10000, "cutoff_margin_mv": 20, "charger_offset_mv": 400, "debounce": 3}
    assert {name: config[name] for name in expected} == expected
    assert Settings(lib).misfit() == ""


@pytest.mark.parametrize(
    ("key", "number", "field", "value"),
    [
        ("charge.max_a", 80, "charge_max_ma", 80_000),
        ("charge.cell_mv", 3450, "target_mv", 3450),
        ("temp.cold_k", 12, "cold_knee_dc", 120),
        ("limit.a_per_s", 2, "rise_ma_per_s", 2000),
        ("hyst.temp_k", 4, "temperature_hysteresis_dc", 40),
        ("data.silent_ms", 20_000, "silent_ms", 20_000),
    ],
)
def test_a_number_reaches_its_field_in_calculation_units(
    lib: c.CDLL, fields: list[str], key: str, number: int, field: str, value: int
) -> None:
    settings = Settings(lib)
    assert settings.set(key, number) == ""
    assert changed(lib, fields, settings) == {field: value}


@given(data=st.data())
def test_exactly_the_listed_range_is_taken(
    lib: c.CDLL, fields: list[str], rows: dict[str, Row], data: st.DataObject
) -> None:
    key, row = data.draw(st.sampled_from(list(rows.items())))
    number = data.draw(st.one_of(INT32, st.integers(row.low - 2, row.high + 2), st.sampled_from([0, 1, -1])))
    settings = Settings(lib)
    refusal = settings.set(key, number)
    if row.allows(number):
        assert refusal == ""
    else:
        assert refusal.startswith(f"{key}: allowed are {row.low}..{row.high} ")
        assert changed(lib, fields, settings) == {}


@given(key=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=400), number=INT32)
def test_a_key_that_is_no_number_is_refused(lib: c.CDLL, fields: list[str], key: str, number: int) -> None:
    for name in (key, "id.manufacturer", "wifi.ap_pass"):
        settings = Settings(lib)
        assert settings.set(name, number).startswith(f"no such number: {name[:10]}")
        assert changed(lib, fields, settings) == {}


def test_numbers_that_do_not_fit_together_are_told(lib: c.CDLL) -> None:
    settings = Settings(lib)
    assert settings.set("charge.cell_mv", 3400) == ""
    assert settings.set("float.cell_mv", 3450) == ""
    assert settings.misfit() == "float.cell_mv: must be at most charge.cell_mv"

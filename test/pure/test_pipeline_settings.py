"""Settings and what the pipeline makes of them, through the library: the way a simulator sets numbers by their keys."""

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.pure_library import Pure
from pure.setting_rows import Row, number_rows
from tinybms_gateway.pure import Settings

INT32 = st.integers(-(2**31), 2**31 - 1)


@pytest.fixture(scope="session")
def rows(native_build: Path) -> dict[str, Row]:
    return number_rows(native_build)


@pytest.fixture(scope="session")
def fields(root: Path) -> list[str]:
    """Names of the fields of battery_pipeline_config_t, in their order."""
    names = ["data_stale_ms", "data_silent_ms"]
    for component in ("charge_control", "battery_alarms"):
        text = (root / f"components/{component}/include/{component}.h").read_text()
        body = re.search(rf"typedef struct \{{([^}}]*)\}} {component}_config_t;", text)
        assert body
        names += re.findall(r"^\s+int32_t (\w+);", body[1], re.MULTILINE)
    return names


def values(settings: Settings) -> list[int]:
    """Of battery_pipeline_config_t, which is nothing but int32_t."""
    return [value for (value,) in struct.iter_unpack("=i", bytes(settings.config()))]


def changed(pure: Pure, fields: list[str], settings: Settings) -> dict[str, int]:
    """Fields that are not as the factory made them."""
    before, after = values(pure.settings()), values(settings)
    return {name: new for name, old, new in zip(fields, before, after, strict=True) if old != new}


def test_a_field_has_the_name_of_its_setting_with_the_unit_that_control_calculates_in(
    rows: dict[str, Row], fields: list[str]
) -> None:
    services = ("uart.", "can.", "energy.", "web.")
    calculated = {"_a": "_ma", "_a_per_s": "_ma_per_s", "_k": "_ddegc", "_c": "_ddegc"}
    names = [key.replace(".", "_") for key in rows if not key.startswith(services)]
    expected = [re.sub(r"(_a|_a_per_s|_k|_c)$", lambda unit: calculated[unit[1]], name) for name in names]
    assert sorted(fields) == sorted(expected)


def test_the_factory_values_are_the_numbers_of_the_control(pure: Pure, fields: list[str]) -> None:
    config = dict(zip(fields, values(pure.settings()), strict=True))
    expected = {
        "data_stale_ms": 3000,
        "data_silent_ms": 10000,
        "cvl_margin_mv": 20,
        "cvl_charger_mv": 400,
        "alarm_debounce": 3,
    }
    assert {name: config[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("key", "number", "field", "value"),
    [
        ("charge.max_a", 80, "charge_max_ma", 80_000),
        ("charge.cell_mv", 3450, "charge_cell_mv", 3450),
        ("temp.cold_k", 12, "temp_cold_ddegc", 120),
        ("limit.a_per_s", 2, "limit_ma_per_s", 2000),
        ("hyst.temp_k", 4, "hyst_temp_ddegc", 40),
        ("data.silent_ms", 20_000, "data_silent_ms", 20_000),
    ],
)
def test_a_number_reaches_its_field_in_calculation_units(
    pure: Pure, fields: list[str], key: str, number: int, field: str, value: int
) -> None:
    settings = pure.settings()
    settings.set(key, number)
    assert changed(pure, fields, settings) == {field: value}


@given(data=st.data())
def test_exactly_the_listed_range_is_taken(pure: Pure, rows: dict[str, Row], data: st.DataObject) -> None:
    key, row = data.draw(st.sampled_from(list(rows.items())))
    number = data.draw(st.one_of(INT32, st.integers(row.low - 2, row.high + 2), st.sampled_from([0, 1, -1])))
    settings = pure.settings()
    if row.allows(number):
        settings.set(key, number)
    else:
        with pytest.raises(ValueError, match=rf"^{re.escape(key)}: the allowed range is {row.low}\.\.{row.high} "):
            settings.set(key, number)
        assert values(settings) == values(pure.settings())


@given(key=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=400), number=INT32)
def test_a_key_that_is_no_number_is_refused(pure: Pure, key: str, number: int) -> None:
    settings = pure.settings()
    for name in (key, "id.manufacturer", "wifi.ap_pass"):
        with pytest.raises(ValueError, match=r"^no such number: "):
            settings.set(name, number)
    assert values(settings) == values(pure.settings())


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**32 + 80])
def test_a_number_beyond_32_bits_is_refused(pure: Pure, number: int) -> None:
    settings = pure.settings()
    with pytest.raises(ValueError, match="does not fit into 32 bits"):
        settings.set("charge.max_a", number)
    assert values(settings) == values(pure.settings())


def test_numbers_that_do_not_fit_together_make_no_config(pure: Pure) -> None:
    settings = pure.settings()
    settings.set("charge.cell_mv", 3400)
    settings.set("float.cell_mv", 3450)
    with pytest.raises(ValueError, match=r"^float\.cell_mv: must be at most charge\.cell_mv$"):
        settings.config()

"""Settings survive a power cut at any moment, as the old set or the new one: never half of it, never looser than both.

TINYBMS_SETTING_CHANGES: how many changes are tried (`make figures` tries 300).
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pure.nor_flash import FlashModel, spoils
from pure.setting_rows import Row, number_rows
from pure.settings_places import Places, Settings

CHANGES = int(os.environ.get("TINYBMS_SETTING_CHANGES", "30"))
APART = (
    "uart.poll_ms",
    "charge.max_a",
    "disch.max_a",
    "charge.cell_mv",
    "disch.cell_mv",
    "disch.soc_pct",
    "limit.bms_pct",
)
"""Numbers that fit together whatever they are."""


@pytest.fixture(scope="module")
def library(native_build: Path) -> Path:
    return native_build / "libtinybms_pure.so"


@pytest.fixture(scope="module")
def rows(native_build: Path) -> dict[str, Row]:
    found = number_rows(native_build)
    return {key: found[key] for key in APART}


def sets(rng: random.Random, rows: dict[str, Row]) -> dict[str, int]:
    chosen = rng.sample(sorted(rows), rng.randint(1, len(rows)))
    return {key: rng.randrange(rows[key].low, rows[key].high + 1) for key in chosen}


def histories(rng: random.Random, rows: dict[str, Row], library: Path) -> Iterator[tuple[Places, dict[str, int], int]]:
    """Places as they are before each change, the change, and how many operations it takes."""
    places = Places()
    for _ in range(CHANGES):
        change = sets(rng, rows)
        before = places.copy()
        places.flash.operations = 0
        assert Settings(library, places).save(change)
        yield before, change, places.flash.operations
        if rng.random() < 0.3:  # also as a cut leaves them, and as one place alone does
            places.blobs = [None, None] if rng.random() < 0.5 else before.blobs


def cut(places: Places, operation: int, spoil: str | None, rng: random.Random, blob_after: str) -> None:
    places.flash.cut_at = operation
    places.flash.spoil = None if spoil is None else spoils(rng)[spoil]
    places.blob_after = blob_after


def test_a_cut_at_any_operation_and_within_it_leaves_the_old_set_or_the_new_one(
    library: Path, rows: dict[str, Row], capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(14)
    keys = sorted(rows)
    cuts = 0
    for before, change, operations in histories(rng, rows, library):
        old = Settings(library, before.copy()).numbers(keys)
        new = old | change
        for operation in range(1, operations + 1):
            for spoil in (None, *spoils(rng)):
                places = before.copy()
                cut(places, operation, spoil, rng, blob_after=rng.choice(("old", "new", "gone")))
                assert not Settings(library, places).save(change) or not places.flash.off
                cuts += 1
                starts_after_a_cut(library, places, keys, [old, new], rng)
    with capsys.disabled():
        print(f"\n{CHANGES} changes of settings, {cuts} cuts: each left the old set or the new one")


def starts_after_a_cut(
    library: Path, places: Places, keys: list[str], allowed: list[dict[str, int]], rng: random.Random
) -> None:
    """The power goes once more while the places are made alike; then it stays on."""
    places.flash.power_up()
    places.flash.operations = 0
    cut(places, rng.randint(1, 12), rng.choice(sorted(spoils(rng))), rng, blob_after=rng.choice(("old", "new", "gone")))
    first = Settings(library, places)
    found = first.numbers(keys)
    assert found in allowed
    assert not first.restricted
    places.flash.power_up()
    last = Settings(library, places)
    assert last.healed
    assert last.numbers(keys) == found
    assert not last.restricted
    assert last.save({"charge.max_a": 7})
    assert Settings(library, places).numbers(["charge.max_a"]) == {"charge.max_a": 7}


@pytest.mark.parametrize("lost", ["first", "second", "both"])
def test_what_is_lost_is_never_taken_for_never_set(library: Path, rows: dict[str, Row], lost: str) -> None:
    """Random damage of a place, after histories of saves."""
    rng = random.Random(lost)
    keys = sorted(rows)
    for _ in range(100):
        places = Places()
        for _ in range(rng.randint(1, 4)):
            assert Settings(library, places).save(sets(rng, rows))
        saved = Settings(library, places).numbers(keys)
        if lost != "second":
            places.blobs = [None if rng.random() < 0.5 else rng.randbytes(rng.randint(1, 1900)) for _ in range(2)]
        if lost != "first":
            places.flash = FlashModel(bytearray(rng.randbytes(len(places.flash.content))))
        after = Settings(library, places)
        assert after.restricted == (lost == "both")
        assert after.numbers(keys) == saved or lost == "both"
        again = Settings(library, places)
        assert again.restricted == (lost == "both")
        assert again.numbers(keys) == after.numbers(keys)

"""Counters survive a power cut at any moment: the real log on a flash whose power goes between and within operations.

A save stands for 10 minutes of charge, so a loss of one save is a loss of 10 minutes. Figures are printed.
"""

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pure.energy_flash import EnergyLog, Totals
from pure.nor_flash import PAGE, SECTOR, SIZE, Area, FlashModel, Spoil, spoils

MINUTES_A_SAVE = 10
RECORD = 64
ROUND = 2 * SECTOR // RECORD
"""Saves after which both sectors have been full."""


@pytest.fixture(scope="session")
def library(native_build: Path) -> Path:
    return native_build / "libtinybms_pure.so"


def totals_of(save: int) -> Totals:
    """The counters at a save: everything grows, so that one number tells which save it was."""
    return Totals(
        save * 83_333, save * 75_000, save * 1_666, save * 1_500, save // 100, save * MINUTES_A_SAVE, save // 100 * 1000
    )


def save_of(totals: Totals | None) -> int:
    """The save that these counters are from; 0 = there are none. They have to be whole."""
    if totals is None:
        return 0
    save = int(totals.metered_min) // MINUTES_A_SAVE
    assert bytes(totals) == bytes(totals_of(save))
    return save


def valid_records(content: bytes) -> list[int]:
    """Numbers of the saves whose record is whole, by the layout that energy_log.c states."""
    records = [content[at : at + RECORD] for at in range(0, len(content), RECORD)]
    return [
        int.from_bytes(r[44:48], "little") // MINUTES_A_SAVE
        for r in records
        if zlib.crc32(r[:60]) == int.from_bytes(r[60:64], "little")
    ]


@dataclass
class Figures:
    """What a test has tried and seen."""

    histories: int = 0
    cuts: int = 0
    worst_loss: int = 0

    def note(self, lost: int) -> None:
        """A cut that cost so many saves."""
        self.cuts += 1
        self.worst_loss = max(self.worst_loss, lost)

    def __str__(self) -> str:
        lost = self.worst_loss * MINUTES_A_SAVE
        return f"{self.histories} histories, {self.cuts} cuts, worst loss {lost} min of charge"


@pytest.fixture
def figures(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Iterator[Figures]:
    seen = Figures()
    yield seen
    with capsys.disabled():
        print(f"\n{request.node.name}: {seen}")


def life_goes_on(library: Path, flash: FlashModel, first: int, saves: int = 4) -> None:
    """Saves work again and are found again."""
    log = EnergyLog(library, flash)
    for save in range(first, first + saves):
        assert log.save(totals_of(save))
        assert save_of(EnergyLog(library, flash).totals) == save


@dataclass(frozen=True)
class Moment:
    """An operation of an undisturbed history."""

    save: int
    """The save that it belongs to."""
    before: bytes
    """The flash before it."""
    area: Area
    """The page that it writes, the sector that it erases."""


def undisturbed(library: Path, saves: int, content: bytes = b"\xff" * SIZE) -> list[Moment]:
    """All operations of a history."""

    class Recorder(FlashModel):
        def _do(self, area: Area, after: bytes) -> bool:
            seen.append(Moment(save, bytes(self.content), area))
            return super()._do(area, after)

    seen: list[Moment] = []
    log = EnergyLog(library, Recorder(bytearray(content)))
    for save in range(1, saves + 1):
        assert log.save(totals_of(save))
    return seen


def test_a_cut_at_every_operation_and_inside_it_costs_one_save_at_most(library: Path, figures: Figures) -> None:
    rng = random.Random(4)
    moments = undisturbed(library, 2 * ROUND + 20)
    ways: list[Spoil | None] = [None, *spoils(rng).values()]
    for moment in moments:
        save = moment.save
        for spoil in ways:
            flash = FlashModel(bytearray(moment.before), cut_at=1, spoil=spoil)
            log = EnergyLog(library, flash)
            assert save_of(log.totals) == save - 1
            log.save(totals_of(save))
            assert flash.off
            flash.power_up()
            found = save_of(EnergyLog(library, flash).totals)
            assert found in (save - 1, save)
            figures.histories += 1
            figures.note(save - found)
            life_goes_on(library, flash, found + 1, 2)
    assert {moment.area[1] - moment.area[0] for moment in moments} == {PAGE, SECTOR}
    assert figures.worst_loss == 1


def test_many_cuts_in_one_life_cost_one_save_each_at_most(library: Path, figures: Figures) -> None:
    for seed in range(1000):
        rng = random.Random(seed)
        ways: list[Spoil | None] = [None, *spoils(rng).values()]
        flash = FlashModel(bytearray(rng.choice((b"\xff" * SIZE, bytes(SIZE), rng.randbytes(SIZE)))))
        log = EnergyLog(library, flash)
        assert log.totals is None, f"seed {seed}"
        kept, mean_saves = 0, rng.choice((1, 2, 5, 40))
        figures.histories += 1
        for _ in range(12):
            flash.cut_at = flash.operations + rng.randint(1, 2 * mean_saves)
            flash.spoil = rng.choice(ways)
            save = kept
            while not flash.off:
                save += 1
                log.save(totals_of(save))
            flash.power_up()
            log = EnergyLog(library, flash)
            found = save_of(log.totals)
            assert found in (save - 1, save), f"seed {seed}"
            assert found >= kept, f"seed {seed}"
            figures.note(save - found)
            kept = found
        life_goes_on(library, flash, kept + 1)
    assert figures.cuts >= 10_000
    assert figures.worst_loss == 1


def test_a_save_that_fails_says_so_and_the_next_one_succeeds(library: Path) -> None:
    for seed in range(200):
        rng = random.Random(seed)
        saves = 1 + rng.randrange(ROUND + 40)
        flash = FlashModel()
        log = EnergyLog(library, flash)
        for save in range(1, saves + 1):
            assert log.save(totals_of(save)), f"seed {seed}"
        flash.spoil = rng.choice(list(spoils(rng).values()))
        flash.fail_at = frozenset({flash.operations + 1})
        assert not log.save(totals_of(saves + 1)), f"seed {seed}"
        assert save_of(EnergyLog(library, flash).totals) in (saves, saves + 1), f"seed {seed}"
        assert log.save(totals_of(saves + 2)), f"seed {seed}"
        assert save_of(EnergyLog(library, flash).totals) == saves + 2, f"seed {seed}"


def test_a_save_that_reports_success_without_having_written_is_noticed(library: Path) -> None:
    class Deaf(FlashModel):
        def _do(self, area: Area, after: bytes) -> bool:
            return bool(area and after)

    flash = FlashModel()
    life_goes_on(library, flash, 1)
    assert not EnergyLog(library, Deaf(flash.content)).save(totals_of(5))


@pytest.mark.parametrize("content", [b"\xff", b"\x00"], ids=["erased", "in use"])
def test_an_operation_never_touches_the_newest_record_and_leaves_one_more(library: Path, content: bytes) -> None:
    for moment in undisturbed(library, 4 * ROUND, content * SIZE):
        first, last = moment.area
        untouched = valid_records(moment.before[:first] + moment.before[last:])
        assert moment.save == 1 or moment.save - 1 in untouched
        assert moment.save <= 3 or len(untouched) >= 2


def test_any_one_damaged_page_costs_one_save_at_most(library: Path) -> None:
    rng = random.Random(9)
    flash = FlashModel()
    log = EnergyLog(library, flash)
    for save in range(1, ROUND + 30):
        assert log.save(totals_of(save))
        image = bytes(flash.content)
        page = rng.randrange(SIZE // PAGE) * PAGE
        damaged = image[:page] + rng.randbytes(PAGE) + image[page + PAGE :]
        found = save_of(EnergyLog(library, FlashModel(bytearray(damaged))).totals)
        assert save - 1 <= found <= save


@pytest.mark.parametrize("damage", ["sequence", "layout", "energy", "unused", "crc"])
def test_a_record_with_one_wrong_bit_does_not_count(library: Path, damage: str) -> None:
    offset = {"sequence": 0, "layout": 4, "energy": 8, "unused": 52, "crc": 60}[damage]
    for bit in range(32):
        flash = FlashModel()
        life_goes_on(library, flash, 1, 2)
        (place,) = (at for at in range(0, SIZE, RECORD) if valid_records(bytes(flash.content[at : at + RECORD])) == [2])
        flash.content[place + offset + bit // 8] ^= 1 << bit % 8
        assert save_of(EnergyLog(library, flash).totals) == 1, f"bit {bit}"
        life_goes_on(library, flash, 2)


def test_a_record_of_another_layout_is_no_record_of_this_one(library: Path) -> None:
    flash = FlashModel()
    life_goes_on(library, flash, 1, 1)
    record = bytearray(flash.content[:RECORD])
    record[4] = 2
    record[60:64] = zlib.crc32(record[:60]).to_bytes(4, "little")
    flash.content[:RECORD] = record
    assert EnergyLog(library, flash).totals is None
    life_goes_on(library, flash, 1)


@pytest.mark.parametrize("content", [b"\xff", b"\x00", b"text ", b"\xa5\x5a"], ids=["erased", "zeros", "text", "bits"])
def test_an_area_that_holds_something_else_has_no_totals_and_can_be_used(library: Path, content: bytes) -> None:
    flash = FlashModel(bytearray((content * SIZE)[:SIZE]))
    assert EnergyLog(library, flash).totals is None
    life_goes_on(library, flash, 1, 2 * ROUND)


def test_the_wear_is_what_the_header_says(library: Path) -> None:
    flash = FlashModel()
    log = EnergyLog(library, flash)
    days = 60
    for save in range(1, 144 * days + 1):
        assert log.save(totals_of(save))
    a_year = [round(count * 365 / days) for count in flash.erases]
    assert all(390 <= count <= 430 for count in a_year), a_year

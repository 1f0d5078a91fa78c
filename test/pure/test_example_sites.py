"""The example sites of docs/config: what they hold is allowed, fits together, and gives the limits of the page."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from pure.pipeline import Pipeline
from pure.pure_library import Pure
from pure.settings_documents import SCHEMA, Documents
from pure.world import System, World
from support import ROOT
from tinybms_gateway.bms import table, write_gate
from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.bms.write import parse_change
from tinybms_gateway.bms.write_gate import Change
from tinybms_gateway.config import document
from tinybms_gateway.config.document import Document
from tinybms_gateway.config.schema import Schema
from tinybms_gateway.pure import Snapshot

DIRECTORY = ROOT / "docs/config"
SITES = sorted(path.parent.name for path in DIRECTORY.glob("*/config.json"))
POLL_MS = 200
SETTLED_S = 600

every_site = pytest.mark.parametrize("site", SITES)


def settings_of(site: str) -> Document:
    return document.read(DIRECTORY / site / "config.json")


def changes_of(site: str) -> list[Change]:
    profile = document.read(DIRECTORY / site / "bms-profile.json")
    assert profile.is_profile
    return [parse_change(name, str(value)) for name, value in profile.values.items()]


def held_after(changes: Iterable[Change]) -> dict[int, int]:
    """Registers of a BMS with these settings."""
    held = dict.fromkeys(range(300, 344), 0)
    for change in changes:
        before = [held[address] for address in change.addresses]
        held |= dict(zip(change.addresses, table.merged(change.register, before, change.raw), strict=True))
    return held


def test_there_are_three_and_the_page_tells_of_each() -> None:
    page = (DIRECTORY / "README.md").read_text(encoding="utf-8")
    assert len(SITES) == 3
    for site in SITES:
        assert f"**{site}**" in page
        assert {path.name for path in (DIRECTORY / site).iterdir()} == {"config.json", "bms-profile.json"}


@every_site
def test_the_settings_are_allowed_and_fit_together(pure: Pure, site: str) -> None:
    documents = Documents(pure)
    found = settings_of(site)
    schema = Schema(documents.read(SCHEMA))
    schema.check(found)
    for key, value in found.values.items():
        assert documents.allowed(key, value), key
        assert not schema.is_secret(key), key
        documents.save(key, value)
    assert documents.fit() == ""


def test_values_that_do_not_fit_would_be_found(pure: Pure) -> None:
    documents = Documents(pure)
    documents.save("id.battery_name", "Cabin 16S LFP")
    assert "must begin with the manufacturer" in documents.fit()


@every_site
def test_an_export_says_where_it_comes_from(site: str) -> None:
    found = json.loads((DIRECTORY / site / "config.json").read_text(encoding="utf-8"))
    assert found["device"] == found["settings"]["net.device"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", found["firmware"])


@every_site
@pytest.mark.parametrize("before", SITES)
def test_the_registers_can_be_written_whatever_the_bms_was_set_to(site: str, before: str) -> None:
    changes = changes_of(site)
    cells = next(change.raw for change in changes if change.register.name == "series_cells")
    words = held_after(changes_of(before)) | {address: int(address < cells) for address in write_gate.CELLS}
    order = write_gate.in_order(changes, words, confirmed=True)
    assert sorted(change.register.name for change in order) == sorted(change.register.name for change in changes)


@every_site
def test_registers_that_are_written_already_need_no_confirmation_and_contradict_nothing(site: str) -> None:
    changes = changes_of(site)
    held = held_after(changes)
    assert write_gate.confirmations(changes, held | dict.fromkeys(write_gate.CELLS, 0)) == []
    for relation in table.relations():
        lower, upper = (held[table.register(name).address] for name in (relation.lower, relation.upper))
        assert lower + relation.apart <= upper, relation


@every_site
def test_the_gx_is_told_what_the_page_says(pure: Pure, site: str) -> None:
    page = (DIRECTORY / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| \[{site}\].*\| ([\d.]+) V \| (\d+) A \| (\d+) A \|$", page, re.MULTILINE)
    assert row
    held = held_after(changes_of(site))
    volts = {True: (3300, 2900), False: (3750, 3000)}[held[315] <= 3800]
    system = System(held[307], *volts, {address: word for address, word in held.items() if word}, (250, 240))
    registers = World(system, EventOrder.OLDEST_FIRST)
    registers.heal(current_a=10.0)
    snapshot = Snapshot(settings_known=True, settings_alike=2, events_known=True)
    snapshot.live[:] = registers.bms.read(0, 56)
    snapshot.settings[:] = registers.bms.read(300, 44)
    numbers = {key: value for key, value in settings_of(site).values.items() if isinstance(value, int)}
    pipeline = Pipeline(pure, numbers)
    for sequence in range(1, SETTLED_S * 1000 // POLL_MS):
        snapshot.taken_ms, snapshot.sequence = sequence * POLL_MS, sequence
        pipeline.step(snapshot, sequence * POLL_MS)
    state = pipeline.state
    assert state.publish
    told = (f"{state.cvl_mv.value / 1000:g}", f"{state.ccl_ma.value / 1000:g}", f"{state.dcl_ma.value / 1000:g}")
    assert told == row.groups()


def test_the_pages_of_the_operations_guide_lead_here() -> None:
    for page in ("operations.md", "operations.fr.md"):
        assert "config/README.md" in (ROOT / "docs" / page).read_text(encoding="utf-8"), page


def test_where_a_file_is_wrong_is_told_by_line_and_key(pure: Pure, tmp_path: Path) -> None:
    text = (DIRECTORY / SITES[0] / "config.json").read_text(encoding="utf-8")
    wrong = tmp_path / "config.json"
    wrong.write_text(text.replace('"charge.max_a": 25', '"charge.max_a": 2500'), encoding="utf-8")
    line = text[: text.index('"charge.max_a"')].count("\n") + 1
    with pytest.raises(ValueError, match=rf"config\.json:{line}: charge\.max_a: must be a whole number, 1\.\.750 A"):
        Schema(Documents(pure).read(SCHEMA)).check(document.read(wrong))

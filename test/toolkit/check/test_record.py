"""The outcome of a check in the record of a release."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.fixtures.release_project import new_project
from support.peers.web_peer import answer, web_server
from tinybms_gateway.cli import main
from tinybms_gateway.release.record_model import load_record


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A record as ``release record`` makes it."""
    project = new_project(tmp_path / "project")
    made = project.run("record")
    assert made.exit_code == 0, made.output
    (path,) = project.releases.glob("*.json")
    return path


def run(record: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", "--can", "socketcand:1", "--record", str(record), *arguments])


def test_an_entry_is_added(record: Path) -> None:
    before = load_record(record)
    with web_server() as url:
        assert run(record, "--url", url, "--site", "Boathouse").exit_code == 1
    after = load_record(record)
    assert after.subject == before.subject
    (entry,) = [entry for entry in after.entries if entry not in before.entries]
    assert entry.kind == "check"
    assert entry.data["site"] == "Boathouse"
    assert entry.data["passed"] is False
    assert entry.data["version"] == "1.2.3"
    results = {row["check"]: row["result"] for row in entry.data["checks"]}
    assert results == {
        "CAN bus": "failed", "web page": "good", "REST status": "good", "settings": "good", "MQTT": "not asked for",
        "firmware version": "failed",
    }  # fmt: skip


@pytest.mark.parametrize(("told", "result"), [("0.2.0", "good"), ("0.1.0", "failed")])
def test_the_gateway_must_have_the_version_of_the_record(record: Path, told: str, result: str) -> None:
    status = answer(json.dumps({"version": told, "device": "gw7"}).encode(), "application/json")
    with web_server({"/api/v1/status": status}) as url:
        run(record, "--url", url)
    (row,) = [row for row in load_record(record).entries[0].data["checks"] if row["check"] == "firmware version"]
    assert row["result"] == result


def test_the_record_of_another_version_is_refused(record: Path) -> None:
    result = run(record, "--url", "http://127.0.0.1:1", "--expect-version", "1.2.3")
    assert result.exit_code == 2
    assert "is for version 0.2.0, not 1.2.3" in result.output
    assert load_record(record).entries == []


def test_each_check_is_an_entry_of_its_own(record: Path) -> None:
    for _ in range(2):
        run(record)
    assert [entry.kind for entry in load_record(record).entries].count("check") == 2


@pytest.mark.parametrize("content", ["", "{}", "[]", "not JSON", json.dumps({"schema_version": 99}), "\x00" * 100])
def test_what_is_no_record_is_refused_before_the_check(tmp_path: Path, content: str) -> None:
    (tmp_path / "record.json").write_text(content)
    result = run(tmp_path / "record.json")
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1
    assert "CAN bus" not in result.output
    assert (tmp_path / "record.json").read_text() == content

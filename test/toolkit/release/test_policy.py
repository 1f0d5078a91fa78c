"""ota/policy.yaml: times that mean what they seem to mean."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

from support.fixtures.release_project import Project
from tinybms_gateway.release import policy

WINDOW = """
windows:
  - name: the fleet
    environment: production
    start: {start}
    end: {end}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    return path


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("start", "end", "more", "expected"),
    [
        ("2024-08-14T09:00:00+02:00", "2024-08-14T12:00:00+02:00", "", utc(2024, 8, 14, 7)),
        ("2024-08-14T09:00:00+01:00", "2024-08-14T12:00:00+01:00", "", utc(2024, 8, 14, 8)),
        ("2024-08-14T09:00:00Z", "2024-08-14T12:00:00Z", "", utc(2024, 8, 14, 9)),
        ('"2024-08-14 09:00+02:00"', "2024-08-14 12:00+02:00", "", utc(2024, 8, 14, 7)),
        ("2024-08-14 09:00", "2024-08-14 12:00", "    zone: Europe/Paris", utc(2024, 8, 14, 7)),
        ("2024-01-17 09:00", "2024-01-17 12:00", "    zone: Europe/Paris", utc(2024, 1, 17, 8)),
        ("2024-01-17 09:00:00", "2024-01-17 12:00:00", "    zone: UTC", utc(2024, 1, 17, 9)),
    ],
)
def test_when_a_window_begins(tmp_path: Path, start: str, end: str, more: str, expected: datetime) -> None:
    (freeze,) = policy.load(write(tmp_path, WINDOW.format(start=start, end=end) + more)).freezes()
    assert freeze.window.start == expected
    assert (expected - freeze.start).total_seconds() == 48 * 3600


def test_the_freeze_is_48_hours_even_when_the_clocks_change(tmp_path: Path) -> None:
    text = WINDOW.format(start="2024-04-01 09:00", end="2024-04-01 12:00") + "    zone: Europe/Paris"
    (freeze,) = policy.load(write(tmp_path, text)).freezes()
    assert freeze.start == utc(2024, 3, 30, 7)  # 08:00 in Paris, which put its clocks forward on the 31st


def test_hours_of_its_own_and_keys_of_others(tmp_path: Path) -> None:
    text = "freeze_hours: 24\ncampaign: {stop_at_pct: 5}\n" + WINDOW.format(
        start="2024-08-14T09:00:00Z", end="2024-08-14T12:00:00Z"
    )
    (freeze,) = policy.load(write(tmp_path, text)).freezes()
    assert freeze.start == utc(2024, 8, 13, 9)
    assert policy.load(write(tmp_path, text + "    freeze_hours: 0\n")).freezes() == []


@pytest.mark.parametrize(
    ("start", "end", "more", "complaint"),
    [
        ("2024-08-14 09:00", "2024-08-14 12:00", "", "has no offset"),
        ("2024-08-14 09:00 CET", "2024-08-14 12:00 CET", "", "time zone is an offset"),
        ("2024-08-14 09:00", "2024-08-14 12:00", "    zone: CET", "whether summer time applies"),
        ("2024-08-14 09:00", "2024-08-14 12:00", "    zone: Europe/Atlantis", "not a time zone"),
        ("2024-08-14 09:00", "2024-08-14 12:00", "    zone: ../../etc/passwd", "not a time zone"),
        ("2024-08-14T09:00:00Z", "2024-08-14T12:00:00Z", "    zone: Europe/Paris", "remove one of them"),
        ("2024-08-14T12:00:00Z", "2024-08-14T09:00:00Z", "", "ends before it begins"),
        ("2024-03-31 02:30", "2024-03-31 12:00", "    zone: Europe/Paris", "does not exist"),
        ("2024-10-27 02:30", "2024-10-27 12:00", "    zone: Europe/Paris", "occurs twice"),
        ("09:00", "12:00", "", "not a date and time"),
        ("2024-08-14", "2024-08-15", "", "not a date and time"),
        ("soon", "later", "", "not a date and time"),
        ("2024-08-14T09:00:00Z", "2024-08-14T12:00:00Z", "    freeze_hours: -1", "freeze_hours"),
        ("2024-08-14T09:00:00Z", "2024-08-14T12:00:00Z", "    freeze_hours: .nan", "freeze_hours"),
        ("2024-08-14T09:00:00Z", "2024-08-14T12:00:00Z", "    freze_hours: 4", "freze_hours"),
    ],
)
def test_windows_that_make_no_sense(tmp_path: Path, start: str, end: str, more: str, complaint: str) -> None:
    path = write(tmp_path, WINDOW.format(start=start, end=end) + more)
    with pytest.raises(ValueError) as refused:
        policy.load(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["", "windows", "window: []", "windows: 1", "windows: [1]", "windows: [", "a: b: c", "[" * 5_000,
     "!!python/object:os.x {}",
     "windows: [&a [*a]]", "\x00",
     "windows: []\nwindows: []", "windows: []\nfreeze_hours: 72\nfreeze_hours: 0",
     "windows: []\nfreeze_hours: never", "x" * (2 << 20)],
)  # fmt: skip
def test_files_that_are_no_policy(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"policy\.yaml:"):
        policy.load(write(tmp_path, text))


def test_a_policy_that_makes_no_sense_is_one_line(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path, WINDOW.format(start="2024-08-14 09:00", end="2024-08-14 12:00"))
    assert f"{path}: windows.0: 2024-08-14T09:00:00 has no offset" in project.refused("check", "--policy", path)
    path.write_text("windows: [1, {}]")
    assert f"{path}: windows.0" in project.refused("check", "--policy", path)


def test_the_policy_of_the_tree_can_be_read(root: Path) -> None:
    assert policy.load(root / "ota/policy.yaml").freeze_hours == 48

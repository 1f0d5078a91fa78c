"""`release check`: the freeze before a window, and that version, change log, tag and record agree."""

import json
from pathlib import Path

import pytest

from support.fixtures.release_project import CHANGELOG, Project

WINDOWS = """
windows:
  - name: summer fleet
    environment: production
    start: 2024-08-14T09:00:00+02:00   # 07:00 UTC; the freeze begins on 12 August, 07:00 UTC
    end: 2024-08-14T12:00:00+02:00
"""


@pytest.fixture
def on_release(project: Project) -> Project:
    """On branch `release`, with a window, and nothing that landed in its freeze."""
    project.write("ota/policy.yaml", WINDOWS)
    project.commit("chore: a window")
    project.git("checkout", "--quiet", "-b", "release")
    return project


def problems(project: Project, *arguments: str) -> list[str]:
    result = project.run("check", "--json", *arguments)
    report = json.loads(result.stdout)
    assert result.exit_code == (1 if report["problems"] else 0)
    assert report["good"] == (not report["problems"])
    return [problem["text"] for problem in report["problems"]]


def notes(project: Project) -> str:
    return "\n".join(note["text"] for note in json.loads(project.run("check", "--json").stdout)["notes"])


def merge(project: Project, subject: str, *, committed: str, merged: str) -> None:
    """A commit on branch `work`, and later its merge into `release`."""
    project.git("checkout", "--quiet", "-b", "work")
    project.write("main/more.c", "int y;\n")
    project.commit(subject, date=committed)
    project.git("checkout", "--quiet", "release")
    project.git("merge", "--quiet", "--no-ff", "--no-edit", "work", date=merged)


@pytest.mark.parametrize(
    ("date", "inside"),
    [
        ("2024-08-12T06:59:59Z", False),
        ("2024-08-12T07:00:00Z", True),
        ("2024-08-12T09:30:00+02:00", True),
        ("2024-08-14T06:59:59Z", True),
        ("2024-08-14T08:00:00Z", True),
        ("2024-08-14T10:00:00Z", False),
    ],
)
def test_a_commit_in_the_freeze(on_release: Project, date: str, inside: bool) -> None:
    commit = on_release.commit("fix: in a hurry", date=date)
    found = problems(on_release)
    assert len(found) == (1 if inside else 0)
    if inside:
        assert commit[:10] in found[0]
        assert "'fix: in a hurry' landed on 'release'" in found[0]
        assert "window 'summer fleet' (production, 2024-08-14 07:00 to 2024-08-14 10:00 UTC)" in found[0]
        assert "remove it from the policy" in found[0]


def test_a_merge_in_the_freeze_counts_and_what_it_brings_does_not(on_release: Project) -> None:
    merge(on_release, "feat: in time", committed="2024-08-13T12:00:00Z", merged="2024-08-13T15:00:00Z")
    (found,) = problems(on_release)
    assert "Merge branch 'work'" in found
    assert "16.0 h before" in found


def test_a_merge_before_the_freeze_of_commits_with_any_date(on_release: Project) -> None:
    merge(on_release, "feat: a clock that is wrong", committed="2024-08-13T12:00:00Z", merged="2024-08-10T15:00:00Z")
    assert problems(on_release) == []


def test_commits_elsewhere_do_not_count(on_release: Project) -> None:
    on_release.git("checkout", "--quiet", "main")
    on_release.commit("feat: for later", date="2024-08-13T12:00:00Z")
    assert problems(on_release) == []
    assert len(problems(on_release, "--branch", "main")) == 1


def test_the_branch_of_origin_counts(on_release: Project, tmp_path: Path) -> None:
    on_release.commit("fix: in a hurry", date="2024-08-13T12:00:00Z")
    on_release.git("checkout", "--quiet", "main")
    on_release.git("clone", "--quiet", str(on_release.root), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    assert clone.git("branch", "--list", "release") == ""
    assert len(problems(clone)) == 1


def test_a_history_that_is_cut_off_cannot_be_trusted(on_release: Project, tmp_path: Path) -> None:
    on_release.commit("fix: early", date="2024-08-11T12:00:00Z")
    on_release.git("clone", "--quiet", "--depth=1", f"file://{on_release.root}", str(tmp_path / "clone"))
    (found,) = problems(Project(tmp_path / "clone"))
    assert "git fetch --unshallow" in found


def test_no_branch_no_window_no_policy(project: Project) -> None:
    assert problems(project) == []
    assert "there is no branch 'release'" in notes(project)
    (project.root / "ota/policy.yaml").unlink()
    assert "policy.yaml" in project.refused("check")


def test_many_commits_are_counted(on_release: Project) -> None:
    for number in range(12):
        on_release.commit(f"fix: {number}", date="2024-08-13T12:00:00Z")
    found = problems(on_release)
    assert len(found) == 11
    assert "and 2 more commits" in found[-1]


def test_everything_agrees(project: Project) -> None:
    project.good("record")
    project.git("tag", "-a", "v0.2.0", "-m", "x")
    result = project.run("check")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "good"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[0.2.0] - 2024-08-10", "[0.2.0]", "[0.2.0] has no date"),
        ("[0.2.0] - 2024-08-10", "[0.3.0] - 2024-08-10", "set version.txt to 0.3.0"),
        ("[0.2.0] - 2024-08-10", "[0.2.0] - 2999-01-01", "which is in the future"),
        ("[0.2.0] - 2024-08-10", "[0.2.0] - 10/08/2024", "is not a date"),
        ("[0.2.0] - 2024-08-10", "[0.1.0] - 2024-08-10", "a second section for 0.1.0"),
        ("[0.1.0] - 2024-07-01", "[first] - 2024-07-01", "[first] is not a version"),
    ],
)
def test_a_change_log_that_does_not_agree(project: Project, old: str, new: str, complaint: str) -> None:
    project.write("CHANGELOG.md", CHANGELOG.replace(old, new))
    assert complaint in " ".join(problems(project))


def test_a_change_log_that_is_missing_or_not_text(project: Project) -> None:
    (project.root / "CHANGELOG.md").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in " ".join(problems(project))
    (project.root / "CHANGELOG.md").unlink()
    assert "CHANGELOG.md" in " ".join(problems(project))


def test_a_candidate_is_older_than_its_release(project: Project) -> None:
    project.write("version.txt", "0.2.0-rc.2\n")
    assert "set version.txt to 0.2.0" in " ".join(problems(project))
    project.write("CHANGELOG.md", CHANGELOG.replace("[0.2.0]", "[0.2.0-rc.1]"))
    assert problems(project) == []


def test_a_tag_on_the_wrong_commit(project: Project) -> None:
    project.write("version.txt", "0.3.0\n")
    project.write("CHANGELOG.md", CHANGELOG.replace("[0.2.0]", "[0.3.0]"))
    project.git("tag", "v0.3.0")
    project.commit("chore: 0.3.0")
    found = problems(project)
    assert "version.txt of its commit says '0.2.0'" in found[0]
    assert "has no section [0.3.0]" in found[1]


def test_a_record_of_another_commit(project: Project) -> None:
    project.good("record")
    project.commit("fix: one more")
    (found,) = problems(project)
    assert "'release record --replace'" in found
    project.git("tag", "v0.2.0", "HEAD~1")
    assert problems(project) == []
    assert "the next release needs a new version.txt" in notes(project)


def test_a_record_that_is_broken(project: Project) -> None:
    project.good("record")
    project.record_path().write_text("{}")
    assert "not a usable release record" in " ".join(problems(project))

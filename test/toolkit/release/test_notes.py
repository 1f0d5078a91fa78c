"""`release notes`: the section of the change log, and the summary for the review."""

import json
from pathlib import Path

import pytest

from support.fixtures.release_project import CHANGELOG, Project
from tinybms_gateway.release import changelog
from tinybms_gateway.release.notes import changed_sections


def areas(project: Project, version: str = "unreleased") -> dict[str, list[str]]:
    report = json.loads(project.good("notes", version, "--json"))
    return {name: [commit["subject"] for commit in commits] for name, commits in report["areas"].items()}


def test_a_section_stays_as_it_is_written(project: Project) -> None:
    text = project.good("notes", "0.2.0")
    assert text.startswith(
        "# TinyBMS Web Gateway 0.2.0\n\n2024-08-10.\n\n### Added\n- A value that is\n  written over two lines.\n"
    )
    assert "## [9.9.9] in a block of code is no heading" in text
    assert "The first version" not in text


def test_the_change_log_of_the_tree(root: Path) -> None:
    sections = changelog.read(root)
    assert changelog.UNRELEASED in sections
    bodies = "\n".join(section.body for section in sections.values())
    text = (root / "CHANGELOG.md").read_text()
    assert all(line in bodies for line in text.splitlines() if line.startswith(("- ", "  ", "### ")))


@pytest.mark.parametrize(
    ("title", "version", "date"),
    [
        ("[1.2.3] - 2024-05-06", "1.2.3", "2024-05-06"),
        ("1.2.3 - 2024-05-06", "1.2.3", "2024-05-06"),
        ("[1.2.3](https://example.org/v1.2.3) - 2024-05-06", "1.2.3", "2024-05-06"),
        ("[1.2.3] - 2024-05-06 [YANKED]", "1.2.3", "2024-05-06"),
        ("[Unreleased]", "unreleased", None),
    ],
)
def test_titles_of_sections(title: str, version: str, date: str | None) -> None:
    (section,) = changelog.parse(f"# Changelog\n\n## {title}\n\n- x\n\n[1.2.3]: https://example.org\n")
    assert (section.version, section.released and section.released.isoformat()) == (version, date)
    assert section.body == "- x"


def test_commits_by_area(project: Project) -> None:
    project.git("tag", "v0.1.0")
    for subject, path in (
        ("feat(victron_pgn): a frame", "components/victron_pgn/frame.c"),
        ("fix: a formula", "components/charge_control/cvl.c"),
        ("feat(settings)!: a number", "components/settings/Kconfig"),
        ("refactor: wiring", "main/app_main.c"),
        ("test: more", "test/x.py"),
        ("feat: in two", "partitions.csv"),
    ):
        project.write(path, subject)
        if subject == "feat: in two":
            project.write("main/umlaut ä\n.c", "x")
        project.commit(subject)
    assert areas(project) == {
        "Architecture": ["feat: in two", "refactor: wiring"],
        "PGN": ["feat(victron_pgn): a frame"],
        "Conversions": ["fix: a formula"],
        "Configuration": ["feat: in two", "feat(settings)!: a number"],
        "Tools, tests and the rest": ["test: more"],
    }
    text = project.good("notes", "unreleased")
    assert "6 commits since v0.1.0" in text
    assert "- **breaking** feat(settings)!: a number" in text


def test_from_tag_to_tag(project: Project) -> None:
    project.git("tag", "v0.1.0")
    project.write("main/a.c", "a")
    project.commit("feat: in 0.2.0")
    project.git("tag", "v0.2.0")
    project.git("tag", "nightly")
    project.write("main/b.c", "b")
    project.commit("feat: later")
    assert areas(project, "0.2.0")["Architecture"] == ["feat: in 0.2.0"]
    assert areas(project, "unreleased")["Architecture"] == ["feat: later"]
    assert "1 commits since v0.2.0" in project.good("notes", "unreleased")


def test_the_pages_and_their_sections(project: Project) -> None:
    project.git("tag", "v0.1.0")
    project.write("README.md", "# Gateway\n\n## Start\n\nthus\n\n## End\n\nso, and no other way\n")
    project.write("docs/pgn_conversions.md", "# Conversions\n")
    project.commit("docs: the end")
    pages = {page["path"]: page for page in json.loads(project.good("notes", "unreleased", "--json"))["pages"]}
    assert pages["README.md"]["sections"] == ["End"]
    assert pages["docs/pgn_conversions.md"]["sections"] == ["entirely new"]
    assert pages["docs/testing/validation_plan.md"]["there"] is False
    assert "| README.md | overview | End |" in project.good("notes", "unreleased")


PAGE = "# One\n\na\n\n## Two\n\nb\n\n## Three\n\nc\n"


@pytest.mark.parametrize(
    ("hunks", "sections"),
    [
        ("@@ -3 +3 @@", ("One",)),
        ("@@ -7,0 +7,2 @@", ("Two",)),
        ("@@ -3 +3 @@\n@@ -11 +11 @@", ("One", "Three")),
        ("@@ -2,9 +2,9 @@", ("One", "Two", "Three")),
        ("@@ -12,3 +11,0 @@", ("Three",)),
        ("", ()),
    ],
)
def test_lines_that_changed_and_their_sections(hunks: str, sections: tuple[str, ...]) -> None:
    assert changed_sections(PAGE, hunks) == sections


def test_what_could_be_read_as_markdown_is_not(project: Project) -> None:
    project.write("main/a.c", "x")
    project.commit("feat: <script>alert(1)</script> *and* [link](http://example.org) a_b")
    text = project.good("notes", "unreleased")
    assert "\\<script\\>alert(1)\\</script\\> \\*and\\* \\[link\\](http://example.org) a\\_b" in text


def test_a_subject_with_control_characters(project: Project) -> None:
    project.write("main/a.c", "x")
    project.commit("feat: \x01 in \x1b[31mred")
    assert areas(project)["Architecture"][0] == "feat: ? in ?[31mred"


def test_who_has_signed_is_shown(project: Project) -> None:
    assert "- [ ] QA" in project.good("notes", "0.2.0")
    project.good("record")
    project.good("record", "sign", "--role", "qa", "--by", "Some Body")
    text = project.good("notes", "0.2.0")
    assert "- [x] QA: tests, and the checklist for going into production - Some Body" in text
    assert "- [ ] Firmware developers" in text


def test_they_go_to_a_file(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    project.good("notes", "0.2.0", "-o", path)
    assert path.read_text() == project.good("notes", "0.2.0")
    assert "No such file" not in project.good("notes", "0.2.0", "-o", tmp_path / "new" / "notes.md")


def test_a_version_that_is_not_in_the_change_log(project: Project) -> None:
    assert "has no section [0.9.0], but unreleased, 0.2.0, 0.1.0" in project.refused("notes", "0.9.0")
    assert "not a version" in project.refused("notes", "newest")
    project.write("CHANGELOG.md", "")
    assert "but no section" in project.refused("notes", "0.2.0")


def test_a_history_that_is_cut_off_is_told(project: Project, tmp_path: Path) -> None:
    project.commit("feat: more")
    project.git("clone", "--quiet", "--depth=1", f"file://{project.root}", str(tmp_path / "clone"))
    assert "git fetch --unshallow" in Project(tmp_path / "clone").good("notes", "unreleased")


def test_a_large_change_log(project: Project) -> None:
    project.write("CHANGELOG.md", CHANGELOG + "".join(f"\n## [0.0.{n}] - 2024-01-01\n\n- x\n" for n in range(500)))
    assert "- x" in project.good("notes", "0.0.499")

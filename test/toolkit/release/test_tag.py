"""`release tag`: only with everything that it needs, and with all reasons at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.fixtures.release_project import CHANGELOG, Project


def tags(project: Project) -> list[str]:
    return project.git("tag", "--list").split()


def reasons(project: Project, *arguments: str) -> list[str]:
    result = project.run("tag", *arguments, "--json")
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    assert report["made"] is False
    return list(report["reasons"])


@pytest.fixture
def ready(project: Project) -> Project:
    project.good("record")
    project.sign_all()
    return project


def test_a_tag_is_made_and_not_pushed(ready: Project, tmp_path: Path) -> None:
    ready.git("clone", "--quiet", "--bare", str(ready.root), str(tmp_path / "origin.git"))
    ready.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    ready.git("config", "push.followTags", "true")
    output = ready.good("tag", "0.2.0")
    assert "git push origin v0.2.0" in output
    assert ready.git("cat-file", "-t", "v0.2.0").strip() == "tag"
    assert ready.git("rev-parse", "v0.2.0^{commit}") == ready.git("rev-parse", "HEAD")
    message = ready.git("tag", "--list", "--format=%(contents)", "v0.2.0")
    assert message.startswith("TinyBMS Web Gateway 0.2.0\n\n### Added\n- A value that is\n  written over two lines.\n")
    assert f"Record: {ready.record()['subject_sha256']}" in message
    assert "Signed off for Victron integration: someone for victron" in message
    assert ready.git("ls-remote", "--tags", "origin") == ""
    assert ready.run("check").exit_code == 0


def test_a_dry_run_makes_none(ready: Project) -> None:
    output = ready.good("tag", "v0.2.0", "--dry-run")
    assert "v0.2.0 could be made" in output
    assert "### Added" in output
    assert tags(ready) == []


def test_all_reasons_at_once(project: Project) -> None:
    project.write("CHANGELOG.md", CHANGELOG.replace("[0.2.0] - 2024-08-10", "[0.2.0]"))
    project.write("version.txt", "0.1.5\n")
    found = "\n".join(reasons(project, "0.2.0"))
    for reason in ("version.txt says 0.1.5, not 0.2.0", "uncommitted changes: CHANGELOG.md, version.txt",
                   "[0.2.0] has no date", "there is no record"):  # fmt: skip
        assert reason in found
    assert tags(project) == []


def test_sign_offs_that_are_missing(project: Project) -> None:
    project.good("record")
    project.good("record", "sign", "--role", "victron", "--by", "somebody")
    found = reasons(project, "0.2.0")
    assert [reason.split(";")[0] for reason in found] == ["firmware: not signed off", "QA: not signed off"]
    result = project.run("tag", "0.2.0")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "v0.2.0 cannot be made:"


def test_a_record_of_another_commit_or_of_a_dirty_tree(ready: Project) -> None:
    ready.commit("docs: one word")
    (found,) = reasons(ready, "0.2.0")
    assert "'release record --replace'" in found
    ready.write("README.md", "changed")
    ready.make_build()
    ready.good("record", "--allow-dirty", "--replace")
    ready.git("checkout", "README.md")
    found = "\n".join(reasons(ready, "0.2.0"))
    assert "made from a tree with changes: README.md" in found
    assert "QA: not signed off" in found


def test_a_record_with_a_forged_hash(ready: Project) -> None:
    ready.commit("fix: sneaked in")
    head = ready.git("rev-parse", "HEAD").strip()
    record = json.loads(ready.record_path().read_text())
    record["subject"]["git"]["hash"] = head
    ready.record_path().write_text(json.dumps(record))
    (found,) = reasons(ready, "0.2.0")
    assert "edited by hand" in found


def test_a_tag_that_exists_is_never_moved(ready: Project) -> None:
    ready.good("tag", "0.2.0")
    before = ready.git("rev-parse", "v0.2.0")
    assert "tag v0.2.0 already exists" in reasons(ready, "0.2.0")[0]
    assert ready.git("rev-parse", "v0.2.0") == before


def test_a_freeze_that_was_broken(ready: Project) -> None:
    windows = (
        "windows:\n  - {name: fleet, environment: production, start: 2024-08-02T12:00:00Z, end: 2024-08-02T15:00:00Z}\n"
    )
    ready.write("ota/policy.yaml", windows)
    ready.commit("chore: a window")
    ready.git("branch", "release")
    ready.make_build()
    ready.good("record", "--replace")
    ready.sign_all()
    found = reasons(ready, "0.2.0")
    assert len(found) == 2  # both commits are of 1 August
    assert "landed on 'release'" in found[0]


@pytest.mark.parametrize(
    "version", ["1.2", "01.2.3", "1.2.3+build", "latest", "../1.2.3", "1.2.3;ls", "", "9" * 40, "1.2.3\n"]
)
def test_what_is_no_version(ready: Project, version: str) -> None:
    assert "not a version" in ready.refused("tag", version)


def test_on_a_detached_head(ready: Project) -> None:
    ready.git("checkout", "--quiet", "--detach")
    ready.good("tag", "0.2.0")


def test_git_without_a_name_of_its_user(ready: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{who}_NAME")
        monkeypatch.delenv(f"GIT_{who}_EMAIL")
    ready.git("config", "user.useConfigOnly", "true")
    line = ready.refused("tag", "0.2.0")
    assert "git tag: no email was given" in line
    assert tags(ready) == []


def test_as_processes(project: Project, tmp_path: Path) -> None:
    def gw(*arguments: str) -> str:
        command = [Path(sys.executable).with_name("tinybms-gw"), "release", *arguments]
        return subprocess.run(command, cwd=project.root, check=True, capture_output=True, text=True).stdout

    project.good("record")
    project.sign_all()
    gw("archive")
    gw("tag", "0.2.0")
    assert tags(project) == ["v0.2.0"]
    command = [Path(sys.executable).with_name("tinybms-gw"), "release", "check"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("Error: ")
    assert "Traceback" not in refused.stderr

"""`release record`: what it holds, and what it refuses."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from support.fixtures.release_project import WIFI_WORD, Project, app_image
from tinybms_gateway.release import record_model

ROUNDS = 3


def test_what_a_record_holds(project: Project) -> None:
    output = project.good("record")
    assert "0.2.0.json: written" in output
    record = project.record()
    assert record["schema_version"] == 1
    subject = record["subject"]
    assert isinstance(subject, dict)
    assert subject["version"] == "0.2.0"
    assert subject["git"]["hash"] == project.git("rev-parse", "HEAD").strip()
    assert subject["git"]["committed"] == "2024-08-01T12:00:00Z"
    assert subject["git"]["dirty"] is False
    build = subject["build"]
    assert (build["idf_version"], build["target"], build["compiled"]) == ("v5.5.1", "esp32", "Aug 10 2024 10:11:12")
    assert (build["compiler"], build["compiler_version"]) == ("xtensa-esp32-elf-gcc", "14.2.0")
    assert build["tool_chain"] == "esp-14.2.0_20241119"
    image = (project.build / "tinybms-web-gateway.bin").read_bytes()
    expected = {"sha256": hashlib.sha256(image).hexdigest(), "size": len(image)}
    assert subject["artefacts"]["tinybms-web-gateway.bin"] == expected
    assert sorted(subject["artefacts"]) == [
        "bootloader/bootloader.bin", "flasher_args.json", "ota_data_initial.bin", "partition_table/partition-table.bin",
        "tinybms-web-gateway.bin", "tinybms-web-gateway.elf", "tinybms-web-gateway.map", "web_0.bin",
    ]  # fmt: skip
    assert {name: schema["version"] for name, schema in subject["schemas"].items()} == {
        "dbc": "1.4", "registers": None, "settings": None, "api": "2.1.0",
    }  # fmt: skip
    assert "CONFIG_TINYBMS_WIFI_STA_SSID" in subject["sdkconfig"]["text"]
    assert str(project.root) not in project.record_path().read_text()


def test_a_record_of_the_same_build_stays_and_its_sign_offs_too(project: Project) -> None:
    project.good("record")
    project.sign_all()
    output = project.good("record", "--site", "Hill farm", "--date", "2024-08-15")
    assert "already there" in output
    shown = json.loads(project.good("record", "show", "--json"))
    assert shown["signed_off"] == {"firmware": True, "victron": True, "qa": True}
    assert [(entry["kind"], entry["data"]) for entry in shown["entries"]] == [
        ("deployment", {"site": "Hill farm", "date": "2024-08-15"})
    ]


def test_sites_are_added_without_a_build(project: Project) -> None:
    project.good("record")
    (project.build / "tinybms-web-gateway.bin").unlink()
    project.good("record", "site", "Hill farm", "--date", "2024-08-15T09:30+02:00")
    project.good("record", "site", "Harbour", "--date", "2024-08-16")
    output = project.good("record", "show")
    assert "Hill farm, 2024-08-15T09:30:00+02:00" in output
    assert "Harbour, 2024-08-16" in output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["site", "farm", "--date", "14/08/2024"], "not a date such as"),
        (["site", "farm", "--date", "2024-08-14T09:00"], "needs its offset"),
        (["site", "  "], "name of a place"),
        (["site", "a\nb"], "name of a place"),
        (["site", "farm", "--version", "../../etc/passwd"], "not a version"),
        (["show", "../x"], "not a version"),
        (["show", "1.2"], "not a version"),
        (["show", "9.9.9"], "there is no such record"),
        (["sign", "--role", "qa", "--by", "   "], "by:"),
        (["sign", "--role", "qa", "--by", "x" * 501], "by:"),
        (["--date", "2024-08-14"], "give --site"),
        (["--allow-dirty", "show"], "--allow-dirty stands before 'show'"),
    ],
)
def test_what_makes_no_sense_is_one_line(project: Project, arguments: list[str], complaint: str) -> None:
    project.good("record")
    assert complaint in project.refused("record", *arguments)
    assert project.record()["entries"] == []


def test_a_dirty_tree_is_refused_and_can_never_be_signed(project: Project) -> None:
    project.write("main/app_main.c", "changed\n")
    project.write("new file.txt", "new\n")
    project.make_build()
    line = project.refused("record")
    assert "main/app_main.c, new file.txt" in line
    project.good("record", "--allow-dirty")
    subject = project.record()["subject"]
    assert isinstance(subject, dict)
    assert subject["git"]["dirty"] is True
    assert subject["git"]["changed"] == ["main/app_main.c", "new file.txt"]
    assert "cannot be signed off" in project.refused("record", "sign", "--role", "qa", "--by", "me")


def test_records_inside_a_tree_that_does_not_ignore_them_leave_it_clean(project: Project) -> None:
    project.write(".gitignore", "build/\nsdkconfig\n")
    project.commit()
    project.make_build()
    project.good("record")
    project.good("record")


def test_a_folder_of_releases_around_the_tree_hides_no_source(project: Project) -> None:
    project.write("main/forgotten.c", "int z;\n")
    for folder in (project.root, project.root.parent):
        assert "main/forgotten.c" in project.refused("record", "--releases", folder)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_changes_that_git_was_told_not_to_see_are_seen(project: Project, flag: str) -> None:
    project.git("update-index", flag, "main/app_main.c")
    project.write("main/app_main.c", "void app_main(void) { for (;;); }\n")
    project.make_build()
    assert project.git("status", "--porcelain") == ""
    assert "main/app_main.c" in project.refused("record")


def test_a_sign_off_does_not_survive_another_build(project: Project) -> None:
    project.good("record")
    project.sign_all()
    project.make_build(more=b"other code")
    assert "another build of 0.2.0" in project.refused("record")
    project.good("record", "--replace")
    shown = json.loads(project.good("record", "show", "--json"))
    assert shown["sign_offs"] == []
    kept = [path for path in project.releases.glob("*.replaced-*.json")]
    assert len(kept) == 1
    assert len(json.loads(kept[0].read_text())["sign_offs"]) == ROUNDS


def test_a_new_record_that_cannot_be_written_leaves_the_old_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.good("record")
    project.sign_all()
    before = project.record_path().read_bytes()
    project.commit("fix: one more")
    project.make_build()

    def full(_path: Path, _record: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(record_model, "write_record", full)
        assert "No space left" in project.refused("record", "--replace")
    assert project.record_path().read_bytes() == before


def test_a_sign_off_that_is_copied_from_another_build_does_not_count(project: Project) -> None:
    project.good("record")
    project.sign_all()
    signed = project.record()["sign_offs"]
    project.make_build(more=b"other code")
    project.good("record", "--replace")
    record = project.record()
    record["sign_offs"] = signed
    project.record_path().write_text(json.dumps(record))
    output = project.good("record", "show")
    assert output.count("signed another build") == ROUNDS


@pytest.mark.parametrize(
    "name",
    [
        "tinybms-web-gateway.bin",
        "tinybms-web-gateway.elf",
        "bootloader/bootloader.bin",
        "flasher_args.json",
        "web_0.bin",
    ],
)
def test_a_missing_artefact_is_named(project: Project, name: str) -> None:
    (project.build / name).unlink()
    line = project.refused("record")
    assert name in line
    assert "idf.py" in line
    assert not project.record_path().exists()


def test_builds_that_are_not_of_this_tree(project: Project) -> None:
    elf = (project.build / "tinybms-web-gateway.elf").read_bytes()
    image = project.build / "tinybms-web-gateway.bin"
    good = image.read_bytes()
    flipped = bytearray(good)
    flipped[0x40] ^= 1
    builds = (
        (app_image(elf, version="0.1.9"), "version '0.1.9', version.txt says 0.2.0"),
        (app_image(elf, project="blink"), "another project, 'blink'"),
        (app_image(elf + b"x"), "not made from tinybms-web-gateway.elf"),
        (bytes(flipped), "not an application image"),
        (good[:200], "not an application image"),
        (b"", "not an application image"),
        (bytes(len(good)), "not an application image"),
    )
    for row, (content, complaint) in enumerate(builds):
        image.write_bytes(content)
        assert complaint in project.refused("record"), f"builds[{row}]"


def test_a_build_that_is_older_than_the_tree(project: Project) -> None:
    image = project.build / "tinybms-web-gateway.bin"
    os.utime(image, (1_722_500_000, 1_722_500_000))  # 2024-08-01 08:13 UTC
    assert "before" in project.refused("record")
    project.make_build()
    source = project.root / "components/victron_pgn/encode.c"
    later = image.stat().st_mtime + 5
    os.utime(source, (later, later))
    assert "older than" in project.refused("record")
    project.make_build()
    os.utime(image, (later, later))
    project.good("record")


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "a/../b.bin", ".hidden", "-rf", "a\nb", "x" * 300]
)
def test_names_that_lead_out_of_the_build_directory(project: Project, name: str) -> None:
    project.flash_files("tinybms-web-gateway.bin", name)
    assert "is not a name for a file of a release" in project.refused("record")


def test_a_link_out_of_the_build_directory(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere.bin"
    outside.write_bytes(b"\xe9boot")
    bootloader = project.build / "bootloader/bootloader.bin"
    bootloader.unlink()
    bootloader.symlink_to(outside)
    assert "a link that leads out" in project.refused("record")
    bootloader.unlink()
    bootloader.symlink_to("../web_0.bin")
    project.good("record")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"flash_files": []}', '{"flash_files": {"0": 1}}', "[" * 100_000])
def test_what_esp_idf_would_never_write(project: Project, content: str) -> None:
    (project.build / "flasher_args.json").write_text(content)
    assert "flasher_args.json" in project.refused("record")


def test_a_description_that_esp_idf_would_never_write(project: Project) -> None:
    description = project.build / "project_description.json"
    for content in ("[]", "{", ""):
        description.write_text(content)
        assert "project_description.json" in project.refused("record"), content
    description.write_text(
        '{"c_compiler": 1, "target": [], "idf_path": {}, "build_component_info": {"a": 1, "b": {"dir": 2}}}'
    )
    project.good("record")
    project.good("archive")


def test_no_build_no_sdkconfig_no_version(project: Project) -> None:
    assert "no such build directory" in project.refused("record", "--build", project.root / "none")
    assert "No such file" in project.refused("record", "--sdkconfig", project.root / "none")
    empty = project.write("empty", "")
    project.commit()
    project.make_build()
    assert "is it an sdkconfig" in project.refused("record", "--sdkconfig", empty)
    project.write("version.txt", "latest\n")
    assert "not a version of the form" in project.refused("record", "--allow-dirty")


def test_no_git_repository_and_no_commit(project: Project, tmp_path: Path) -> None:
    bare = Project(tmp_path / "bare")
    bare.root.mkdir()
    assert "not in a git work tree" in bare.refused("record")
    bare.git("init", "--quiet")
    assert "no commit yet" in bare.refused("record")
    assert "not in a git work tree" in Project(project.root / ".git").refused("record")


def test_a_detached_head_and_a_shallow_clone_can_be_recorded(project: Project, tmp_path: Path) -> None:
    project.commit("feat: more")
    project.git("clone", "--quiet", "--depth=1", f"file://{project.root}", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.git("checkout", "--quiet", "--detach")
    clone.write("sdkconfig", (project.root / "sdkconfig").read_text())
    clone.make_build()
    clone.good("record")


def test_passwords_are_not_in_the_record(project: Project) -> None:
    text = (project.root / "sdkconfig").read_text()
    project.write("sdkconfig", text.replace('PASSWORD=""', f'PASSWORD="{WIFI_WORD}"'))
    project.make_build()
    result = project.run("record")
    assert result.exit_code == 0
    assert "CONFIG_TINYBMS_WIFI_STA_PASSWORD is set" in result.stderr
    assert WIFI_WORD not in project.record_path().read_text()
    assert WIFI_WORD not in result.output
    subject = project.record()["subject"]
    assert isinstance(subject, dict)
    assert '="removed"\n' in subject["sdkconfig"]["text"]
    assert subject["sdkconfig"]["removed"] == ["CONFIG_TINYBMS_WIFI_STA_PASSWORD"]


def test_passwords_in_a_result_are_not_in_the_record(project: Project, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    in_address = "letmein9"
    settings.write_text(
        json.dumps(
            {"ssid": "house", "wifiPassword": WIFI_WORD, "api_key": WIFI_WORD, "uri": f"mqtt://a:{in_address}@b"}
        )
    )
    project.good("record", "--attach", settings)
    text = project.record_path().read_text()
    assert WIFI_WORD not in text and in_address not in text
    assert '"ssid": "house"' in text


def test_results_are_attached_by_hash_with_their_figures(project: Project, tmp_path: Path) -> None:
    measured = tmp_path / "figures.json"
    figures = [
        {"name": "latency", "value": 67.5, "unit": "ms", "holds": True},
        {"name": "flash", "value": 40000, "unit": "bytes", "holds": False},
        {"name": "fuzz", "value": 554, "unit": "executions/s"},
    ]
    measured.write_text(json.dumps({"layout": 1, "figures": figures}))
    junit = tmp_path / "verify.xml"
    junit.write_text('<testsuite><testcase name="a"/><testcase name="b"><failure message="no"/></testcase></testsuite>')
    verify = tmp_path / "verify.json"
    verify.write_text('{"good": true, "frames": 10, "violations": []}')
    log = tmp_path / "monitor.log"
    log.write_bytes(b"\xff boot")
    project.good("record", "--attach", measured)
    project.good("record", "attach", junit, verify, log)
    entries = project.record()["entries"]
    assert isinstance(entries, list)
    data = {entry["data"]["name"]: entry["data"] for entry in entries}
    assert data["figures.json"]["sha256"] == hashlib.sha256(measured.read_bytes()).hexdigest()
    assert data["figures.json"]["summary"] == {
        "figures": {"latency": "67.5 ms", "flash": "40000 bytes", "fuzz": "554 executions/s"}, "failed": ["flash"],
    }  # fmt: skip
    assert data["verify.xml"]["summary"] == {"tests": 2, "failures": 1, "errors": 0, "skipped": 0}
    assert data["verify.json"]["summary"] == {"good": True, "frames": 10}
    assert data["monitor.log"]["form"] == "file"
    output = project.good("record", "show")
    assert "figures.json, 3 figures, failed: flash" in output
    assert "tests 2, failures 1" in output


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "{"),
        ("a.json", "[" * 100_000),
        ("a.xml", "<testsuite>"),
        ("a.xml", "<html/>"),
        ("a.xml", '<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite name="&a;"/>'),
    ],
)
def test_results_that_are_not_what_they_seem(project: Project, tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    assert name in project.refused("record", "--attach", file)
    assert not project.record_path().exists()
    project.good("record")
    assert name in project.refused("record", "attach", file)
    assert project.record()["entries"] == []

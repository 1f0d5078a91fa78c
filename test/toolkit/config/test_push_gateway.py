"""``tinybms-gw config pull|push|diff`` with a real gateway and its BMS."""

import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support import ROOT
from support.fixtures.access import PASSWORD, Access, set_up
from support.fixtures.terminals import on_a_terminal, read_until
from support.instruments.openapi import problems
from tinybms_gateway.cli import main
from tinybms_gateway.gateway_process import OWN_WEB
from tinybms_gateway.gateway_stack import gateway_stack

SITE = ROOT / "docs/config/off-grid-lfp-16s"
OTHER_SITE = ROOT / "docs/config/self-consumption-nmc-14s"
READ_WITHIN_S = 30.0
PHRASE = "hunter2 hunter2"


@dataclass(frozen=True)
class Site:
    """A gateway with a BMS of 16 LFP cells."""

    administrator: Access
    read: str
    full: str
    token_file: Path

    @property
    def url(self) -> str:
        return self.administrator.url

    def config(self, *arguments: object, token: str | None = None) -> Result:
        """By the full token, or another one."""
        environment = {"TINYBMS_URL": self.url, "TINYBMS_TOKEN": token or self.full, "TINYBMS_PASSWORD": PASSWORD}
        return CliRunner().invoke(main, ["config", *map(str, arguments)], env=environment)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with gateway_stack(http=OWN_WEB) as stack:
        administrator = set_up(stack.gateway)
        full = administrator.token("deploy", "full")
        token_file = tmp_path_factory.mktemp("token") / "deploy.token"
        token_file.write_text(full)
        token_file.chmod(0o600)
        yield Site(administrator, administrator.token("reader"), full, token_file)


def export(path: Path, **values: object) -> Path:
    document = {"format": "tinybms-gateway-settings", "version": 1, "device": "x", "firmware": "0.1.0"}
    path.write_text(json.dumps(document | {"settings": {k.replace("__", "."): v for k, v in values.items()}}, indent=1))
    return path


def saved(site: Site, key: str) -> object:
    answer = site.administrator.change("GET", "/api/v1/settings")
    return answer.json()["settings"][key]["saved"]


def test_a_site_goes_to_a_gateway_and_comes_back(site: Site, tmp_path: Path) -> None:
    before = site.config("diff", SITE / "config.json", token=site.read)
    assert before.exit_code == 1, before.output
    assert ["charge.max_a", "0", "80", "A"] in [line.split() for line in before.stdout.splitlines()]
    assert site.config("push", SITE / "config.json", "--dry-run").exit_code == 0
    assert saved(site, "charge.max_a") == 0
    pushed = site.config("push", SITE / "config.json", "--yes")
    assert pushed.exit_code == 0, pushed.output
    assert "changed: " in pushed.stdout
    assert "from the next start of the gateway: net.device, wifi.sta_ssid" in pushed.stdout
    after = site.config("diff", SITE / "config.json", token=site.read)
    assert (after.exit_code, after.output) == (0, "")
    pulled = tmp_path / "config.json"
    assert site.config("pull", "--out", pulled, token=site.read).exit_code == 0
    document = json.loads(pulled.read_text())
    assert problems("SettingsExport", document) == []
    assert json.loads((SITE / "config.json").read_text())["settings"].items() <= document["settings"].items()
    assert site.config("diff", pulled).exit_code == 0
    limits = site.administrator.change("GET", "/api/v1/limits").json()
    assert next(one["allows_ma"] for one in limits["ccl_ma"]["limiters"] if one["reason"] == "user_cap") == 80_000


def test_a_token_that_may_only_read_changes_nothing(site: Site, tmp_path: Path) -> None:
    before = saved(site, "charge.max_a")
    result = site.config("push", export(tmp_path / "c.json", charge__max_a=33), "--yes", token=site.read)
    assert result.exit_code == 1
    assert "HTTP 403" in result.output and "'full'" in result.output
    assert saved(site, "charge.max_a") == before


def test_settings_that_do_not_fit_together_are_told_by_line(site: Site, tmp_path: Path) -> None:
    wrong = export(tmp_path / "c.json", id__battery_name="Nobody's battery", charge__max_a=55)
    result = site.config("push", wrong, "--yes")
    assert result.exit_code == 2
    assert f"{wrong}:7: id.battery_name: " in result.output
    assert saved(site, "charge.max_a") != 55, "nothing is half done"


def test_two_administrators_at_once(site: Site, tmp_path: Path) -> None:
    """The other one is quicker than the answer to the question."""
    mine = export(tmp_path / "c.json", disch__max_a=44)
    with on_a_terminal("config", "push", mine, "--url", site.url, "--token-file", site.token_file) as (process, master):
        read_until(master, b"[y/N]: ")
        assert site.administrator.change("PATCH", "/api/v1/settings", {"disch.max_a": 66}).status_code == 200
        os.write(master, b"y\n")
        shown = read_until(master, b"")
        assert process.wait(30) == 1
    assert b"look at the difference again" in shown
    assert saved(site, "disch.max_a") == 66


def test_secrets_are_kept_only_on_request(site: Site, tmp_path: Path) -> None:
    pushed = site.config("push", export(tmp_path / "c.json", wifi__sta_pass=PHRASE), "--yes")
    assert pushed.exit_code == 0, pushed.output
    plain, whole = tmp_path / "plain.json", tmp_path / "whole.json"
    assert site.config("pull", "--out", plain).exit_code == 0
    assert PHRASE not in plain.read_text()
    backup = site.config("pull", "--secrets", "--out", whole)
    assert backup.exit_code == 0, backup.output
    assert json.loads(whole.read_text())["settings"]["wifi.sta_pass"] == PHRASE
    assert stat.S_IMODE(whole.stat().st_mode) == 0o600
    compared = site.config("diff", whole)
    assert compared.exit_code == 0
    audit = site.administrator.change("GET", "/api/v1/audit").text
    assert "wifi.sta_pass" in audit
    assert not [text for text in (pushed.output, backup.output, compared.output, audit) if PHRASE in text]


def until_read_again(site: Site, profile: Path) -> None:
    """The gateway reads the registers of the BMS again and again, and answers with the last reading."""
    deadline = time.monotonic() + READ_WITHIN_S
    while site.config("diff", profile, token=site.read).exit_code != 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_profile_goes_to_the_bms_and_comes_back(site: Site, tmp_path: Path) -> None:
    profile = SITE / "bms-profile.json"
    before = site.config("diff", profile, token=site.read)
    assert before.exit_code == 1, before.output
    assert ["fully_charged_voltage", "3.55", "3.45", "V"] in [line.split() for line in before.stdout.splitlines()]
    unmeant = site.config("push", profile, "--yes")
    assert (unmeant.exit_code, "--loosen" in unmeant.stderr) == (2, True)
    assert site.config("diff", profile).stdout == before.stdout
    pushed = site.config("push", profile, "--yes", "--loosen")
    assert pushed.exit_code == 0, pushed.output
    assert "fully_charged_voltage: written, reads back 3.45" in pushed.stdout
    until_read_again(site, profile)
    pulled = tmp_path / "bms-profile.json"
    assert site.config("pull", "--bms", "--out", pulled, token=site.read).exit_code == 0
    document = json.loads(pulled.read_text())
    assert problems("BmsProfile", document) == []
    assert json.loads(profile.read_text())["registers"].items() <= document["registers"].items()
    assert site.config("push", pulled).exit_code == 0, "nothing to ask"
    assert "deploy" in site.administrator.change("GET", "/api/v1/audit").text


def test_a_profile_of_another_battery_is_refused(site: Site) -> None:
    result = site.config("push", OTHER_SITE / "bms-profile.json", "--yes", "--loosen")
    assert result.exit_code == 1
    assert "series_cells cannot be 14: the BMS measures 16; nothing was written" in result.stderr


@pytest.mark.parametrize(
    ("registers", "complaint"),
    [
        ({"over_voltage_cutoff": 99}, "over_voltage_cutoff: "),
        ({"no_such": 1}, "no_such: "),
        ({"series_cells": 4.5}, "series_cells: "),
    ],
)
def test_registers_that_cannot_be_are_told_by_line(
    site: Site, tmp_path: Path, registers: dict[str, float], complaint: str
) -> None:
    path = tmp_path / "b.json"
    path.write_text(json.dumps({"format": "tinybms-bms-profile", "version": 1, "registers": registers}, indent=1))
    for command in (["diff"], ["push", "--yes"]):
        result = site.config(command[0], path, *command[1:])
        assert result.exit_code == 2, result.output
        assert f"{path}:5: {complaint}" in result.output

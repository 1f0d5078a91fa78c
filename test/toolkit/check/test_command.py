"""The command as a whole: what is asked for, how it ends, what it shows and what never."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import can
import pytest
from click.testing import CliRunner, Result

from support.fixtures.certificates import Certificate
from support.instruments.watch import open_bus
from support.peers.broker import PASSWORD, USER, Ports, publisher
from support.peers.web_peer import answer, web_server
from tinybms_gateway.can.verify.rules.timing import LIMITS_LOST_US
from tinybms_gateway.check import bus_check, probes
from tinybms_gateway.check.target import Target, parse_broker
from tinybms_gateway.cli import main
from tinybms_gateway.gateway_stack import gateway_stack
from tinybms_gateway.sim.gx.simulator import send_keepalive
from toolkit.check.again import again_and_again
from toolkit.check.bus_traffic import HEALTHY, frame

TOOL = Path(sys.executable).with_name("tinybms-gw")


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)], env=environment)


@contextmanager
def playing(channel: str, frames: dict[int, str], *, every_s: float = 0.25, gx: bool = True) -> Iterator[None]:
    """Play frames on a virtual bus of this process, four times as fast as a battery, until the context ends."""
    content = {**frames, **({0x305: HEALTHY[0x305]} if gx else {})}
    with can.Bus(interface="virtual", channel=channel) as bus:

        def play() -> None:
            for identifier, data in content.items():
                bus.send(frame(identifier, data))

        with again_and_again(every_s, play):
            yield


def by_check(result: Result) -> dict[str, dict[str, Any]]:
    return {row["check"]: row for row in json.loads(result.stdout)["checks"]}


def port_of_nobody() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def keepalive(backend: str) -> Iterator[None]:
    """A GX on the gateway's bus that only says that it is there."""
    with open_bus(backend) as bus, again_and_again(0.5, lambda: send_keepalive(bus)):
        yield


def test_a_gateway_in_good_order(tmp_path: Path, broker: Ports, certificate: Certificate) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "password").chmod(0o600)
    with (
        publisher(broker.plain) as client,
        again_and_again(0.2, lambda: client.publish("mqtt_bms/gw7/state", b'{"soc": 80}')),
        gateway_stack(scenario="rest") as stack,
        keepalive(stack.can_backend),
        web_server(None, certificate) as url,
    ):
        client.publish("mqtt_bms/gw7/status", b"online", retain=True)
        arguments = ["--can", stack.can_backend, "--url", url, "--mqtt", f"mqtts://{USER}@127.0.0.1:{broker.secured}",
                     "--mqtt-password-file", tmp_path / "password", "--ca", certificate.path,
                     "--expect-version", "1.2.3"]  # fmt: skip
        ended = subprocess.run([TOOL, "check", *map(str, arguments)], capture_output=True, text=True,
                               check=False, timeout=60)  # fmt: skip
        client.publish("mqtt_bms/gw7/status", b"", retain=True)
    assert ended.returncode == 0, ended.stdout
    assert ended.stderr == ""
    lines = ended.stdout.splitlines()
    others = [line for line in lines[1:-1] if " good " not in line]
    assert all("longest gap" in line for line in others), "of warnings only one that a busy machine may cause"
    assert "not asked for" not in ended.stdout
    for check in ("CAN bus", "limits, 0x351", "GX, 0x305", "one battery", "web page", "REST status", "settings",
                  "MQTT broker", "MQTT presence", "MQTT state", "firmware version", "same gateway"):  # fmt: skip
        assert any(line.startswith(check) for line in lines), check


def test_what_is_not_asked_for_is_not_green(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_check, "LATE_AFTER_US", LIMITS_LOST_US)  # a busy machine may be late
    with playing("plain", {identifier: HEALTHY[identifier] for identifier in HEALTHY}, every_s=1.0):
        result = run("--can", "virtual:plain", "--seconds", "30", "--json")
    assert result.exit_code == 0, result.output
    rows = by_check(result)
    for check in ("web page", "REST status", "settings", "MQTT", "firmware version"):
        assert rows[check]["result"] == "not asked for", check
    assert {row["result"] for row in rows.values()} == {"good", "not asked for"}
    report = json.loads(result.stdout)
    assert report["passed"] is True
    assert report["seconds"] < 20, "it ends when all is known"


def test_faults_on_a_bus() -> None:
    frames = {
        0x351: "22 00 E8 03 DC 05 00 00",
        0x355: "50 00 63",
        0x356: HEALTHY[0x356],
        0x35A: "55 55 55 01 55 55 55 09",
    }
    with playing("faulty", frames, gx=False):
        result = run("--can", "virtual:faulty", "--seconds", "3")
    assert result.exit_code == 1
    for seen in ("CVL 3.4 V", "3 bytes", "13 alarms at once", "no GX was heard"):
        assert seen in result.stdout
    assert result.stdout.splitlines()[-1].startswith("FAILED: ")


def test_the_check_plays_a_gx_only_when_told() -> None:
    for options, sent in (((), set()), (("--keepalive",), {0x305, 0x307})):
        with can.Bus(interface="virtual", channel="listener") as bus:
            run("--can", "virtual:listener", "--seconds", "1", *options)
            seen = set()
            while (message := bus.recv(0.0)) is not None:
                seen.add(message.arbitration_id)
        assert seen == sent, options


def test_when_nothing_is_reached_each_says_so_in_a_line() -> None:
    port = port_of_nobody()
    result = run("--can", f"socketcand:{port}", "--url", f"http://127.0.0.1:{port}", "--mqtt", f"mqtt://127.0.0.1:{port}",
                 "--expect-version", "1.2.3")  # fmt: skip
    assert result.exit_code == 1
    failures = [line.split("  ")[0] for line in result.stdout.splitlines() if " failed " in line[:40]]
    assert failures == ["CAN bus", "web page", "MQTT broker", "firmware version"]
    assert "Traceback" not in result.output


def test_one_that_hangs_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "WEB_WITHIN_S", 1.0)
    over = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        while not over.wait(0.05):
            request.wfile.write(b"X")  # a header without an end: each byte comes in time, the whole never does
            request.wfile.flush()

    with web_server({"/": drip}) as url:
        started = time.monotonic()
        report = probes.run(Target("socketcand:1", 1.0, url=url))
        took = time.monotonic() - started
        over.set()
    rows = {finding.check: finding for finding in report.findings}
    assert rows["web page"].seen == "not finished after 1 s"
    assert "refused" in rows["CAN bus"].seen
    assert took < 10


def test_a_bus_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "OPEN_BUS_WITHIN_S", 0.5)
    monkeypatch.setattr(probes, "CLOSE_WITHIN_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        report = probes.run(Target(f"socketcand:{server.getsockname()[1]}", 0.3))
    assert (report.findings[0].check, report.findings[0].result.value) == ("CAN bus", "failed")
    assert "not finished after" in report.findings[0].seen


def test_what_breaks_a_library_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise IndexError("bytearray index out of range")

    monkeypatch.setattr(probes, "_web", broken)
    report = probes.run(Target("socketcand:1", 1.0, url="http://127.0.0.1:1"))
    assert any(finding.check == "web page" and "IndexError" in finding.seen for finding in report.findings)


@pytest.mark.parametrize(
    ("told", "expected", "ok", "seen"),
    [
        ("1.2.3", "1.2.3", True, "1.2.3 by web"),
        ("1.2.2", "1.2.3", False, "1.2.2 by web, not 1.2.3"),
        ("1.2.3-rc.1", "1.2.3", False, "1.2.3-rc.1 by web"),
        ("new", "1.2.3", False, "not reported"),
    ],
)
def test_version(told: str, expected: str, ok: bool, seen: str) -> None:
    body = json.dumps({"version": told, "device": "gw7"}).encode()
    with web_server({"/api/v1/status": answer(body, "application/json")}) as url:
        rows = by_check(run("--can", "socketcand:1", "--url", url, "--expect-version", expected, "--json"))
    assert rows["firmware version"]["result"] == ("good" if ok else "failed")
    assert seen in rows["firmware version"]["seen"]


def test_web_and_mqtt_of_different_gateways(broker: Ports) -> None:
    where = ("--mqtt", f"mqtt://127.0.0.1:{broker.plain}", "--fresh", "2", "--device", "gw8")
    with publisher(broker.plain) as client, web_server() as url:
        client.publish("mqtt_bms/gw8/ota", b'{"version": "1.2.2"}', retain=True)
        rows = by_check(run("--can", "socketcand:1", "--url", url, *where, "--json"))
        client.publish("mqtt_bms/gw8/ota", b"", retain=True)
    assert rows["firmware version"]["result"] == "failed"
    assert rows["firmware version"]["seen"] == "1.2.3 by web, 1.2.2 by MQTT"
    assert rows["same gateway"]["result"] == "warning"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--can", "can0"], "KIND:CHANNEL"),
        (["--can", "socketcan:"], "KIND:CHANNEL"),
        (["--url", "192.168.1.20"], "http://HOST"),
        (["--url", "ftp://host"], "http://HOST"),
        (["--url", "http://"], "http://HOST"),
        (["--url", "http://host:99999"], "http://HOST"),
        (["--url", "http://host/?q=1"], "only the address of the gateway"),
        (["--url", "http://[oops"], "http://HOST"),
        (["--url", "http://a b"], "http://HOST"),
        (["--mqtt", "broker"], "mqtt://HOST"),
        (["--mqtt", "mqtt://host:0"], "mqtt://HOST"),
        (["--mqtt", "mqtt://host/topic"], "without a path"),
        (["--mqtt", "mqtt://host", "--mqtt-password-file", "nowhere"], "No such file"),
        (["--mqtt", "mqtt://ops@host", "--mqtt-password-file", "/dev/null"], "one line, the password"),
        (["--device", "a/b"], "letters, digits"),
        (["--device", "+"], "letters, digits"),
        (["--expect-version", "latest", "--url", "http://host"], "give X.Y.Z"),
        (["--expect-version", "1.2.3"], "add --url or --mqtt"),
        (["--ca", "nowhere.pem"], "no such file"),
        (["--record", "nowhere.json"], "'tinybms-gw release record' makes it"),
        (["--site", "Boathouse"], "give --record too"),
        (["--seconds", "nan"], "--seconds"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(arguments: list[str], complaint: str) -> None:
    bus = [] if "--can" in arguments else ["--can", "socketcand:1"]
    result = run(*bus, *arguments)
    assert result.exit_code == 2, result.output
    assert complaint in result.output
    assert result.output.startswith("Error: ") or "Usage:" in result.output


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    for option, address in (("--mqtt", f"mqtt://{USER}:{PASSWORD}@host"), ("--url", f"http://{USER}:{PASSWORD}@host")):
        result = run("--can", "socketcand:1", option, address)
        assert result.exit_code == 2, option
        assert PASSWORD not in result.output, option


def test_where_the_password_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def login(path: Path | None) -> tuple[str | None, str | None]:
        broker = parse_broker("mqtts://ops@host", path)
        return broker.user, broker.password

    file = tmp_path / "password"
    file.write_text("from file\r\n")
    monkeypatch.setenv("TINYBMS_MQTT_PASSWORD", "from environment")
    assert login(None) == (USER, "from environment")
    assert login(file) == (USER, "from file")
    assert parse_broker("mqtts://host", None).password is None, "it is for a user"
    assert "from" not in repr(parse_broker("mqtts://ops@host", file))
    with pytest.raises(ValueError, match="needs a user"):
        parse_broker("mqtts://host", file)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"a\nb\n", b"x" * 10_000])
def test_a_file_that_holds_no_password(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "password").write_bytes(content)
    with pytest.raises(ValueError, match="one line, the password"):
        parse_broker("mqtts://ops@host", tmp_path / "password")


def test_the_password_is_in_no_output(broker: Ports) -> None:
    with web_server() as url:
        result = CliRunner().invoke(
            main,
            ["-v", "check", "--can", "socketcand:1", "--url", url, "--mqtt",
             f"mqtt://{USER}@127.0.0.1:{broker.plain}", "--fresh", "0.2"],
            env={"TINYBMS_MQTT_PASSWORD": PASSWORD},
        )  # fmt: skip
    assert result.exit_code == 1
    assert PASSWORD not in result.output + result.stderr


def test_ctrl_c(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, (tmp_path / "out").open("wb") as out:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with subprocess.Popen(
            [TOOL, "check", "--can", "virtual:nobody", "--url", url], stdout=out, stderr=out
        ) as process:
            server.settimeout(30)
            server.accept()[0].close()  # it is under way
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
    assert (tmp_path / "out").read_text().split() == ["interrupted"]

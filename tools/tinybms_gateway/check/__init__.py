"""``tinybms-gw check``: the short functional test of a gateway in the field: CAN bus, web and MQTT."""

from pathlib import Path

import click

from tinybms_gateway.api.address import parse_url
from tinybms_gateway.api.options import token_option
from tinybms_gateway.api.secrets import find_token
from tinybms_gateway.check import probes, target
from tinybms_gateway.check.record import add_to_record, version_of_record
from tinybms_gateway.check.view import show
from tinybms_gateway.command_line import Seconds, print_json, usage_errors
from tinybms_gateway.progress import progress_bar


@click.command("check")
@click.option("--can", "backend", required=True, metavar="BUS",
              help="The gateway's CAN bus: socketcan:can0, slcan:/dev/ttyACM0, socketcand:PORT, ...")  # fmt: skip
@click.option("--url", metavar="URL", help="Its web server, such as http://192.168.1.20 or https://...")
@token_option
@click.option("--mqtt", metavar="URL",
              help="Its MQTT broker, mqtt://[USER@]HOST[:PORT] or mqtts://...; password: see below.")  # fmt: skip
@click.option("--mqtt-password-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="File whose only line is the password of the broker.")  # fmt: skip
@click.option(
    "--device", metavar="ID", help="Name of the gateway in MQTT; default: as REST reports it, or the only one."
)
@click.option(
    "--expect-version", metavar="X.Y.Z", help="Firmware version that the gateway must have; default: that of --record."
)
@click.option("--ca", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Certificates (PEM) to trust for https and mqtts, instead of those of this machine.")  # fmt: skip
@click.option("--seconds", type=Seconds(), default=15.0, show_default=True,
              help="Longest time to listen on the bus; ends earlier once everything is known.")  # fmt: skip
@click.option("--fresh", type=Seconds(), default=10.0, show_default=True, metavar="SECONDS",
              help="Time within which the state must arrive by MQTT; a retained one does not count.")  # fmt: skip
@click.option("--keepalive", is_flag=True, help="Without a GX: send its 0x305 and 0x307.")
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Add the outcome to this release record.")  # fmt: skip
@click.option("--site", metavar="NAME", help="Site of the gateway, for the record.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def check_command(
    backend: str,
    url: str | None,
    token_file: Path | None,
    mqtt: str | None,
    mqtt_password_file: Path | None,
    device: str | None,
    expect_version: str | None,
    ca: Path | None,
    seconds: float,
    fresh: float,
    keepalive: bool,
    record: Path | None,
    site: str | None,
    as_json: bool,
) -> None:
    """Test a gateway in the field: CAN frames, web page, REST, MQTT, version.

    Only listens, unless --keepalive is given. An active alarm or a missing GX fails the check; an active warning does
    not. What was not asked for is shown as such, and does not count as passed: so are the settings, if the gateway
    wants a login for them and there is no token. The token comes from TINYBMS_TOKEN or --token-file, the broker
    password from TINYBMS_MQTT_PASSWORD or --mqtt-password-file, never from the command line.

    Exit status: 0 nothing failed, 1 a check failed (unreachable counts as failed), 2 an invalid option.

    \b
    Examples:
      tinybms-gw check --can socketcan:can0
      tinybms-gw check --can slcan:/dev/ttyACM0 --url http://192.168.1.20 --expect-version 1.2.0
      tinybms-gw check --can socketcan:can0 --url https://gw7.lan --mqtt mqtts://ops@broker.lan --ca site.pem
      tinybms-gw check --can socketcan:can0 --json --record release.json --site "Boathouse"
    """
    with usage_errors():
        if record is not None:
            version = version_of_record(record, expect_version)
            expect_version = version if url is not None or mqtt is not None else expect_version
        wanted = target.Target(
            can=backend,
            seconds=seconds,
            keepalive=keepalive,
            url=parse_url(url) if url is not None else None,
            token=find_token(token_file) if url is not None else None,
            broker=target.parse_broker(mqtt, mqtt_password_file) if mqtt is not None else None,
            device=device,
            version=expect_version,
            fresh_s=fresh,
            ca=ca,
        )
        target.check_target(wanted)
        if token_file is not None and url is None:
            raise ValueError("--token-file: is for the web server; give --url too")
        if site is not None and record is None:
            raise ValueError("--site: only written to a record; give --record too")
        with progress_bar("checking", seconds) as progress:
            report = probes.run(wanted, progress)
        if as_json:
            print_json(report.as_json())
        else:
            show(report)
        if record is not None:
            add_to_record(record, report, site)
    raise SystemExit(0 if report.passed else 1)

"""``tinybms-gw config push``: bring a file to a gateway."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tinybms_gateway.api.error import InvalidError, RefusedError
from tinybms_gateway.api.options import OpenGateway, of_gateway
from tinybms_gateway.command_line import UsageProblem, consent, lazy_imports
from tinybms_gateway.config.document import Document, DocumentError, read
from tinybms_gateway.foreign_text import shortened

with lazy_imports():
    from tinybms_gateway.api import client, view
    from tinybms_gateway.config import difference, schema

SETTINGS_PATH = "/api/v1/settings"
REGISTERS_PATH = "/api/v1/bms/registers"
WRITE_WITHIN_S = 180.0
"""For up to 44 registers, each written, repeated and read back."""
NOTHING_DONE = "nothing was changed"
LONGEST = 1000
"""Characters of what a plan says: it may name many registers."""


@dataclass(frozen=True)
class Comparison:
    """A document beside what a gateway has."""

    differences: "list[difference.Difference]"
    answer: Mapping[str, Any]
    """Settings of the gateway, or its plan for the registers."""


@contextmanager
def document_errors() -> Iterator[None]:
    """Turn what is wrong with a file into a line for each, and exit status 2."""
    try:
        yield
    except DocumentError as error:
        *first, last = str(error).splitlines()
        for line in first:
            click.echo(line, err=True)
        raise UsageProblem(last) from error
    except OSError as error:
        raise UsageProblem(f"{error.filename}: {error.strerror}") from error


def compare(gateway: "client.GatewayClient", document: Document) -> Comparison:
    """Check a document, and compare it with a gateway. Changes nothing.

    Raises:
        DocumentError: a value is not allowed.
        GatewayError: there is no good answer.
    """
    if document.is_profile:
        with _told_by(document):
            plan = gateway.post(f"{REGISTERS_PATH}/plan", document.with_values(document.values))
        return Comparison(difference.of_profile(plan), plan)
    rules = schema.Schema(gateway.object(f"{SETTINGS_PATH}/schema"))
    rules.check(document)
    answer = gateway.object(SETTINGS_PATH)
    return Comparison(difference.of_settings(document, answer, rules), answer)


@click.command("push")
@of_gateway
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask; for scripts. What loosens a protection needs --loosen too.")
@click.option("--loosen", is_flag=True, help="Also write what loosens a protection of the battery, without asking.")
@click.option("--dry-run", is_flag=True, help="Only show and check what would be changed.")
def push_command(gateway: OpenGateway, file: Path, yes: bool, loosen: bool, dry_run: bool) -> None:
    """Bring settings, or registers of the BMS, from a file to a gateway.

    FILE is what 'tinybms-gw config pull' writes. What it does not name stays. The gateway judges the whole first, then
    the difference is shown, and you are asked. Settings are changed all together or not at all, and only if nobody else
    has changed any meanwhile. Registers are written one after another and read back; a failure in the middle ends it,
    and says what was written. This takes a token of the right 'full'.

    \b
    Examples:
      tinybms-gw config push config.json --url http://192.168.1.20 --token-file deploy.token
      tinybms-gw config push docs/config/backup-lfp-15s/config.json --url http://192.168.1.20 --dry-run
      tinybms-gw config push bms-profile.json --url http://192.168.1.20 --yes
    """
    with document_errors():
        document = read(file)
        with gateway() as opened:
            compared = compare(opened, document)
            push = _push_profile if document.is_profile else _push_settings
            push(opened, document, compared, _Consent(yes, loosen, dry_run))


@dataclass(frozen=True)
class _Consent:
    yes: bool
    loosen: bool
    dry_run: bool


def _push_settings(gateway: "client.GatewayClient", document: Document, compared: Comparison, agreed: _Consent) -> None:
    if not compared.differences:
        click.echo(f"{document.path}: the gateway has these settings already", err=True)
        return
    wanted = document.with_values({one.key: document.values[one.key] for one in compared.differences})
    revision = difference.revision_of(compared.answer)
    with _told_by(document):
        gateway.post(f"{SETTINGS_PATH}/import?dry_run=1", wanted, revision=revision)
    difference.print_differences(compared.differences)
    if agreed.dry_run:
        return
    consent("change these settings?", agreed.yes, NOTHING_DONE)
    with _told_by(document):
        done = gateway.post(f"{SETTINGS_PATH}/import", wanted, revision=revision)
    click.echo(f"changed: {_names(done.get('changed'))}")
    if done.get("restart"):
        click.echo(f"from the next start of the gateway: {_names(done['restart'])}")


def _push_profile(gateway: "client.GatewayClient", document: Document, compared: Comparison, agreed: _Consent) -> None:
    verdict, message = compared.answer.get("verdict"), shortened(str(compared.answer.get("message") or ""), LONGEST)
    if not compared.differences:
        click.echo(f"{document.path}: the BMS has these values already", err=True)
        return
    difference.print_differences(compared.differences)
    if verdict not in ("may_write", "needs_confirmation"):
        raise click.ClickException(f"{document.path}: {message or 'refused'}; nothing was written")
    loosens = verdict == "needs_confirmation"
    if loosens:
        click.echo(f"warning: {message or 'this loosens a protection of the battery'}", err=True)
    if agreed.dry_run:
        return
    consent("write to the BMS?", agreed.yes, "nothing was written")
    if loosens and agreed.yes and not agreed.loosen:
        raise UsageProblem("it loosens a protection of the battery; nothing was written: give --loosen if it is meant")
    if loosens:
        consent("a protection gets looser: write all the same?", agreed.loosen, "nothing was written")
    changes = [
        {name: change.get(name) for name in ("name", "from", "to")}
        for change in view.records(compared.answer, "changes")
    ]
    try:
        done = gateway.post(REGISTERS_PATH, {"changes": changes, "confirm": loosens}, within_s=WRITE_WITHIN_S)
    except RefusedError as error:
        _show_written(error.told, changes)
        raise
    _show_written(done, changes)


def _show_written(answer: Mapping[str, Any], changes: list[dict[str, Any]]) -> None:
    """What was written, and, if not all was, what was not."""
    listed = answer.get("written")
    written = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    for one in written:
        name, held = shortened(str(one.get("name"))), one.get("read_back")
        click.echo(f"{name}: written, " + ("not read back" if held is None else f"reads back {shortened(str(held))}"))
    left = [change["name"] for change in changes if change["name"] not in [one.get("name") for one in written]]
    if left:
        click.echo(f"not known to be written: {_names(left)}", err=True)


def _names(names: object) -> str:
    return ", ".join(shortened(str(name)) for name in names) if isinstance(names, list) and names else "nothing"


@contextmanager
def _told_by(document: Document) -> Iterator[None]:
    """Turn what the gateway finds wrong with the values of a file into lines of that file.

    Raises:
        DocumentError: it names values.
        GatewayError: anything else is wrong.
    """
    try:
        yield
    except InvalidError as error:
        if not error.problems:
            raise
        raise document.errors(error.problems) from error

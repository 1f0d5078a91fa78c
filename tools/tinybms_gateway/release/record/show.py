"""``tinybms-gw release record show``: a record as lines of text."""

from collections.abc import Iterator
from pathlib import Path

import click

from tinybms_gateway.command_line import lazy_imports, print_json
from tinybms_gateway.release.options import in_tree, record_file, version_argument

with lazy_imports():
    from tinybms_gateway.release import record_model
    from tinybms_gateway.release.record import contents


def lines(record: "record_model.Record") -> Iterator[str]:
    """What a record says."""
    subject = record.subject
    build = subject.build
    dirty = f", DIRTY: {len(subject.git.changed)} files differ" if subject.git.dirty else ""
    yield _line("version", subject.version)
    yield _line("commit", f"{subject.git.hash} of {subject.git.committed:%F %T} UTC{dirty}")
    yield _line("ESP-IDF", f"{build.idf_version}, target {build.target or 'not known'}")
    compiler = " ".join(part for part in (build.compiler, build.compiler_version, build.tool_chain) if part)
    yield _line("compiler", compiler or "not known")
    yield _line("recorded", f"{record.created:%F %T} UTC")
    for name, artefact in subject.artefacts.items():
        yield _line("artefact", f"{name}, {artefact.size:,} bytes, sha256 {artefact.sha256}")
    removed = f", removed: {', '.join(subject.sdkconfig.removed)}" if subject.sdkconfig.removed else ""
    yield _line("sdkconfig", f"sha256 {subject.sdkconfig.sha256}{removed}")
    for name, schema in subject.schemas.items():
        yield _line(
            name, f"{schema.path}, {'version ' + schema.version + ', ' if schema.version else ''}sha256 {schema.sha256}"
        )
    signed = record.valid_sign_offs()
    for role in record_model.ROLES:
        who = signed.get(role)
        stale = any(sign_off.role == role for sign_off in record.sign_offs)
        missing = "signed another build" if stale else "not signed"
        comment = f": {who.comment}" if who and who.comment else ""
        yield _line(f"sign-off {role}", f"{who.by}, {who.time:%F}{comment}" if who else missing)
    for entry in record.entries:
        yield _line(entry.kind, _entry(entry))


def _line(what: str, text: str) -> str:
    return f"{what:18}{''.join(letter for letter in ' '.join(text.split()) if letter.isprintable())}"


def _entry(entry: "record_model.Entry") -> str:
    data = entry.data
    summary = data.get("summary")
    if entry.kind == "deployment":
        return f"{data.get('site')}, {data.get('date')}"
    if entry.kind == "result" and not summary:
        return f"{data.get('name')}, {data.get('size')} bytes, sha256 {data.get('sha256')}"
    if isinstance(summary, dict) and isinstance(summary.get("figures"), dict):
        failed = summary.get("failed")
        outcome = f"failed: {', '.join(map(str, failed))}" if isinstance(failed, list) and failed else "all hold"
        return f"{data.get('name')}, {len(summary['figures'])} figures, {outcome}"
    shown = summary if isinstance(summary, dict) else data
    plain = [f"{key} {value}" for key, value in shown.items() if not isinstance(value, dict | list)]
    named = [str(data["name"])] if isinstance(summary, dict) and "name" in data else []
    return ", ".join([*named, f"{entry.time:%F %T} UTC", *plain])


@click.command("show")
@version_argument(required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, without the text of the sdkconfig.")
@in_tree
def show_command(root: Path, releases: Path, version: str | None, as_json: bool) -> None:
    """Show a record; default: that of version.txt.

    \b
    Examples:
      tinybms-gw release record show 0.2.0
    """
    show_record(record_file(root, releases, version), as_json)


def show_record(path: Path, as_json: bool) -> None:
    """Print a record."""
    record = record_model.load_record(path)
    if as_json:
        print_json(contents.summary(path, record))
        return
    for line in lines(record):
        click.echo(line)

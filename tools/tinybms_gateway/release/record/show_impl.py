"""A record as lines of text."""

from collections.abc import Iterator

from tinybms_gateway.release.record_model import ROLES, Entry, Record


def lines(record: Record) -> Iterator[str]:
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
    for role in ROLES:
        who = signed.get(role)
        stale = any(sign_off.role == role for sign_off in record.sign_offs)
        missing = "signed another build" if stale else "not signed"
        comment = f": {who.comment}" if who and who.comment else ""
        yield _line(f"sign-off {role}", f"{who.by}, {who.time:%F}{comment}" if who else missing)
    for entry in record.entries:
        yield _line(entry.kind, _entry(entry))


def _line(what: str, text: str) -> str:
    return f"{what:18}{' '.join(text.split())}"


def _entry(entry: Entry) -> str:
    data = entry.data
    if entry.kind == "deployment":
        return f"{data.get('site')}, {data.get('date')}"
    name = data.get("name") or data.get("site") or ""
    summary = data.get("summary")
    if isinstance(summary, dict) and isinstance(summary.get("figures"), dict):
        failed = summary.get("failed") or []
        outcome = f"failed: {', '.join(map(str, failed))}" if failed else "all hold"
        return f"{name}, {len(summary['figures'])} figures, {outcome}"
    plain = {
        key: value
        for key, value in (summary if isinstance(summary, dict) else data).items()
        if not isinstance(value, dict | list)
    }
    details = ", ".join(f"{key} {value}" for key, value in plain.items() if key != "name")
    return f"{name}, {entry.time:%F %T} UTC{': ' + details if details else ''}"

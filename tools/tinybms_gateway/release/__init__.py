"""``tinybms-gw release``: record, archive, notes, check and tag of a release."""

import click

from tinybms_gateway.command_line import LazyGroup


@click.group(
    "release",
    cls=LazyGroup,
    paths={
        "record": "tinybms_gateway.release.record:record_group",
        "archive": "tinybms_gateway.release.archive:archive_command",
        "notes": "tinybms_gateway.release.notes:notes_command",
        "check": "tinybms_gateway.release.check:check_command",
        "tag": "tinybms_gateway.release.tag:tag_command",
    },
)
def release_group() -> None:
    """Make a release: record what was built, archive it, write the notes, tag.

    See docs/releases.md."""

"""``tinybms-gw release``: record, archive, notes, check and tag of a release."""

import click

from tinybms_gateway.command_group import CommandGroup
from tinybms_gateway.release.archive import archive_command
from tinybms_gateway.release.check import check_command
from tinybms_gateway.release.notes import notes_command
from tinybms_gateway.release.record import record_group
from tinybms_gateway.release.tag import tag_command


@click.group("release", cls=CommandGroup)
def release_group() -> None:
    """Make a release: record what was built, archive it, write the notes, tag.

    See docs/releases.md."""


for command in (record_group, archive_command, notes_command, check_command, tag_command):
    release_group.add_command(command)

"""A group of commands whose help says each command's first sentence in full."""

import click


class CommandGroup(click.Group):
    """As click's, which cuts the sentences off where a terminal is narrow; here they go on in the next line."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the section of the commands."""
        named = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [
            (name, command.get_short_help_str(limit=500)) for name, command in named if command and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

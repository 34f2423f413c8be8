"""In charge of the command line `tabularium`: which commands there are and how they end. The work is core's.

    common     consoles, settings, work on projects, messages
    serve      the server and its first start
    projects   project create, list, copy, delete
    users      user create, password
    config     config import-php
    schema     schema snapshot, diff, apply
    transfer   import
    export     export
    doctor     doctor
    extensions extensions
    upkeep     upgrades, caches, logs, maintenance
    v8         the commands of Directus 8 by their names

Modules that are slow to import are imported by the commands that need them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from rich.table import Table

from core.cli.common import out
from core.cli.config import config
from core.cli.doctor import doctor
from core.cli.export import export
from core.cli.extensions import extensions
from core.cli.projects import project
from core.cli.schema import schema
from core.cli.serve import serve
from core.cli.transfer import import_file
from core.cli.users import user
from core.cli.v8 import COMMANDS

USAGE = 2
"""The status of a command that was not understood, as typer has it; ours is 1, as scripts for Directus 8 expect."""

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="A data API server over your SQL databases.")
cli.command()(serve)
cli.command()(doctor)
cli.command()(extensions)
cli.command("import")(import_file)
cli.command()(export)
cli.add_typer(project, name="project")
cli.add_typer(user, name="user")
cli.add_typer(config, name="config")
cli.add_typer(schema, name="schema")
for _name, _command in COMMANDS.items():
    cli.command(_name, rich_help_panel="Commands of Directus 8")(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Raises SystemExit: 0, or 1 for what was refused, not found or not understood."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    words = _asked_for_help(given)
    if words is not None:
        listed = _commands_of(words[0]) if len(words) == 1 else []
        if listed:
            _show(listed)
            raise SystemExit(0)
        given = [*words, "--help"]
    try:
        cli(args=given, prog_name="tabularium")
    except SystemExit as end:
        raise SystemExit(1 if end.code == USAGE and given else end.code) from None


def _asked_for_help(arguments: list[str]) -> list[str] | None:
    """What `help`, `help <module>` or `<module>:help <command>` asks about; None when it is no such question."""
    if not arguments:
        return None
    first, rest = arguments[0], arguments[1:]
    if first == "help":
        return rest
    module, colon, word = first.partition(":")
    if colon and word == "help":
        return [f"{module}:{rest[0]}"] if rest else [module]
    return None


def _commands_of(module: str) -> list[str]:
    """The commands of a module of Directus 8; none of a group of ours, which has a help of its own."""
    if module in {group.name for group in cli.registered_groups}:
        return []
    return [name for name in COMMANDS if name.partition(":")[0] == module]


def _show(names: Sequence[str]) -> None:
    table = Table.grid(padding=(0, 2))
    for name in names:
        table.add_row(name, (COMMANDS[name].__doc__ or "").partition("\n")[0])
    out.print(table)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"tabularium {version('tabularium')}")
        raise typer.Exit


@cli.callback()
def _common(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Take what all commands have in common."""

"""In charge of the commands `tabularium schema …`: files, plans on the screen, questions before changes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from core.cli.common import Of, Yes, on_projects, out, stop

if TYPE_CHECKING:
    from core.ddl.code import Shown
    from core.projects import Projects

DIFFERS = 3
"""The status of `diff --exit-code` when something differs; 1 is that of what went wrong."""
MOST_SHOWN = 120
"""Characters of a value on the screen."""
SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}

File = Annotated[Path, typer.Argument(help="A document in YAML or JSON; - is the standard input.")]

schema = typer.Typer(no_args_is_help=True, help="The schema of a project as a file: take it, compare it, apply it.")


class Form(StrEnum):
    """Forms of a document."""

    YAML = "yaml"
    JSON = "json"


@schema.command("snapshot")
def take_snapshot(
    of: Of = "main",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; the screen by default.")] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="The form; by default that of the file's name, else yaml.")
    ] = None,
) -> None:
    """Write down collections, fields, relations, roles, permissions, settings and presets of a project."""
    from core.accounts import as_operator
    from core.ddl import code
    from core.ddl.document.text import dumps

    async def work(projects: Projects) -> dict[str, Any]:
        return await code.snapshot(await as_operator(projects.get(of)))

    chosen = form or (Form.JSON if output is not None and output.suffix.lower() == ".json" else Form.YAML)
    text = dumps(on_projects(work), chosen.value)
    if output is None:
        typer.echo(text, nl=False)
    else:
        _write(output, text)


@schema.command("diff")
def show_difference(
    file: File,
    of: Of = "main",
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with status 3 when something differs.")] = False,
) -> None:
    """Show what would have to be done so that a project becomes what a file says. Nothing is changed."""
    from core.accounts import as_operator
    from core.ddl import code

    data = _read(file)

    async def work(projects: Projects) -> Shown:
        return await code.diff(await as_operator(projects.get(of)), data)

    shown = on_projects(work)
    _show(shown)
    if shown.steps and exit_code:
        raise typer.Exit(DIFFERS)


@schema.command("apply")
def apply_document(
    file: File,
    of: Of = "main",
    yes: Yes = False,
    allow_destructive: Annotated[
        bool, typer.Option("--allow-destructive", help="Also drop collections, fields and roles, and narrow types.")
    ] = False,
) -> None:
    """Make a project what a file says: the plan is shown, then asked about, then carried out as it was shown."""
    from core.accounts import as_operator
    from core.ddl import code

    data = _read(file)

    async def work(projects: Projects) -> int:
        project = projects.get(of)
        shown = await code.diff(await as_operator(project), data)
        _show(shown)
        if not shown.steps:
            return 0
        if shown.destructive and not allow_destructive:
            raise stop("Some steps destroy what is stored. --allow-destructive allows them; nothing was changed.")
        if not yes and not typer.confirm(f"Carry out {_counted(len(shown.steps))}?"):
            raise typer.Abort
        done = await code.apply(await as_operator(project), data, shown.plan, allow_destructive=allow_destructive)
        return len(done.steps)

    count = on_projects(work)
    if count:
        out.print(f"Done: {_counted(count)}.")


# --- files and the screen -----------------------------------------------------------------------------------------


def _read(path: Path) -> Any:
    """The data of a file; `-` is the standard input."""
    from core.ddl.document.text import MOST_BYTES, loads
    from core.errors import TabulariumError

    try:
        if str(path) == "-":
            raw = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with path.open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise stop(f"{path}: {error.strerror}") from None
    try:
        return loads(raw)
    except TabulariumError as error:
        raise stop(error.message) from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise stop(f"{path}: {error.strerror}") from None


def _counted(count: int) -> str:
    return "one step" if count == 1 else f"{count} steps"


def _show(shown: Shown) -> None:
    if not shown.steps:
        out.print("Nothing differs.")
        return
    table = Table("", "What", Column("Name", overflow="fold"), Column("Changes", overflow="fold"), box=None)
    for step in shown.steps:
        lines = [_line(step["action"], name, one) for name, one in step["changes"].items()]
        if step["reason"]:
            lines.append(f"[red]{escape(step['reason'])}[/red]")
        sign, colour = SIGNS[step["action"]]
        table.add_row(f"[{colour}]{sign}[/{colour}]", step["kind"], escape(step["name"]), "\n".join(lines))
    out.print(table)
    lost = sum(step["destructive"] for step in shown.steps)
    out.print(f"{_counted(len(shown.steps))}, {lost or 'none'} of them destructive.")


def _line(action: str, name: str, change: Mapping[str, Any]) -> str:
    after = _value(change["after"])
    return escape(f"{name}: {after}" if action == "create" else f"{name}: {_value(change['before'])} → {after}")


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"

"""In charge of the commands `tabularium schema …`: files, plans on the screen, questions before changes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.common import Of, on_projects

if TYPE_CHECKING:
    from core.projects import Projects

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


def _write(path: Path, text: str) -> None:
    from core.cli.common import stop

    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise stop(f"{path}: {error.strerror}") from None

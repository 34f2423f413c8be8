"""In charge of the command `tabularium export`: a list of a project as a file. The work is core's."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.cli.common import Of, err, on_projects, stop

if TYPE_CHECKING:
    from core.projects import Project, Projects
    from core.session import Session


class Form(StrEnum):
    """Forms of a file."""

    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"


def export(
    collection: Annotated[str, typer.Argument(help="The collection.")],
    of: Of = "main",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; the standard output by default.")
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", "-f", help="The form; by default that of the file's name, else csv.")
    ] = None,
    fields: Annotated[str | None, typer.Option(help="Paths separated by commas, as in REST; all columns.")] = None,
    sort: Annotated[str | None, typer.Option(help="Fields separated by commas, - before those that descend.")] = None,
    status: Annotated[str | None, typer.Option(help="Statuses separated by commas; * is all.")] = None,
    limit: Annotated[int | None, typer.Option(help="Most items; all by default.")] = None,
    user: Annotated[str | None, typer.Option(help="E-mail address: export what this user may read.")] = None,
    role: Annotated[int | None, typer.Option(help="Id: export what this role may read.")] = None,
) -> None:
    """Write the items of a collection into a file, as the operator or with the rights of a user or a role."""
    from core.query.selection import KEY_ONLY, ReadRequest
    from core.transfer.export import export_items

    if user is not None and role is not None:
        raise stop("Either --user or --role")
    chosen = form or _form_of(output)
    request = ReadRequest(collection, KEY_ONLY, sort=_listed(sort), status=_listed(status), limit=limit)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

    async def work(projects: Projects) -> None:
        found = await export_items(await _session(projects.get(of), user, role), request, chosen, _listed(fields))
        total = await found.count()
        with ExitStack() as stack:
            bar = stack.enter_context(Progress(*columns, console=err))
            task = bar.add_task(escape(collection), total=total)
            async with found.open(lambda items: bar.advance(task, items)) as pieces:
                file: BinaryIO = sys.stdout.buffer if output is None else stack.enter_context(output.open("wb"))
                try:
                    async for piece in pieces:
                        file.write(piece)
                    file.flush()
                except BrokenPipeError:  # `| head` has enough; nor may the end of the process write anything more
                    os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())

    on_projects(work)


async def _session(project: Project, user: str | None, role: int | None) -> Session:
    from core.accounts import as_operator, as_role, as_user

    if user is not None:
        return await as_user(project, user)
    return await as_operator(project) if role is None else await as_role(project, role)


def _form_of(output: Path | None) -> str:
    ending = output.suffix.lower().removeprefix(".") if output is not None else ""
    return ending if ending in tuple(Form) else Form.CSV.value


def _listed(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())

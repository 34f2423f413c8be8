"""In charge of the command `tabularium import`: a file on the disk, a bar on the screen. The work is core's."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from core.cli.common import Of, err, on_projects, out, stop

if TYPE_CHECKING:
    from core.errors import Problem
    from core.projects import Projects
    from core.transfer.imports import ImportResult

MOST_SHOWN = 20
"""Refused rows on the screen; how many more there are is told."""


def import_file(
    file: Annotated[Path, typer.Argument(help="A file of CSV, JSON (an array) or NDJSON; - is the standard input.")],
    collection: Annotated[str, typer.Option("--collection", "-c", help="The collection that the items go into.")],
    of: Of = "main",
    form: Annotated[
        str | None, typer.Option("--format", help="csv, json or ndjson; by default what the file's name says.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Items are found by this field and changed, else created.")
    ] = None,
    delimiter: Annotated[str, typer.Option("--delimiter", help="Between two cells of a CSV file.")] = ",",
    atomic: Annotated[
        bool, typer.Option("--atomic/--no-atomic", help="All rows or none; else rows that are refused are left out.")
    ] = True,
) -> None:
    """Import the items of a file into a collection; each is checked and recorded like one that is sent."""
    from core.accounts import as_operator
    from core.errors import TabulariumError
    from core.transfer.imports import ImportRequest, import_items
    from core.transfer.source import Source

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with ExitStack() as held:
        content, size = _opened(file, held)
        bar = held.enter_context(Progress(*columns, console=err))
        task = bar.add_task("0 rows", total=size)

        def seen(rows: int, place: int) -> None:
            bar.update(task, description=f"{rows} rows", completed=place)

        source = Source(content, name=file.name)
        request = ImportRequest(collection, source, format=form, atomic=atomic, key=key, delimiter=delimiter, seen=seen)

        async def work(projects: Projects) -> ImportResult | TabulariumError:
            session = await as_operator(projects.get(of))
            try:
                return await import_items(session, request)
            except TabulariumError as error:
                return error

        found = on_projects(work)
    if isinstance(found, TabulariumError):
        _show(found.problems, found.count)
        raise stop(found.message)
    out.print(f"{found.created} items are created, {found.updated} changed.")
    if found.failed:
        for one in found.errors[:MOST_SHOWN]:
            err.print(f"Row {one.row}: {escape(one.message)}")
        _rest(found.failed, min(len(found.errors), MOST_SHOWN))
        raise stop(f"{found.failed} rows were refused; they are counted from 0.")


def _opened(file: Path, held: ExitStack) -> tuple[BinaryIO, int | None]:
    """The file and its size. The standard input is copied to the disk first: a file is read more than once."""
    if str(file) == "-":
        copy = held.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        shutil.copyfileobj(sys.stdin.buffer, copy)
        return copy, copy.tell()
    try:
        return held.enter_context(file.open("rb")), file.stat().st_size
    except OSError as error:
        raise stop(f"{file}: {error.strerror}") from None


def _show(problems: tuple[Problem, ...], count: int) -> None:
    listed = [one for one in problems if one.path and isinstance(one.path[0], int)][:MOST_SHOWN]
    for one in listed:
        place = ".".join(map(str, one.path[1:]))
        err.print(f"Row {one.path[0]}: {escape(f'{place}: {one.message}' if place else one.message)}")
    if listed:
        _rest(count, len(listed))


def _rest(count: int, shown: int) -> None:
    if count > shown:
        err.print(f"… and {count - shown} more.")

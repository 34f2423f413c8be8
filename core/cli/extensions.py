"""In charge of `tabularium extensions`: showing which hooks and endpoints a project has, and which it goes without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from core.cli.common import on_projects, out

if TYPE_CHECKING:
    from core.extend.load import Extensions
    from core.projects import Projects


def extensions(
    key: Annotated[
        str | None, typer.Option("--project", "-p", "-k", help="Key of the project; all projects when not given.")
    ] = None,
) -> None:
    """List hooks and endpoints in Python, those that cannot be loaded too; the exit status is 1 while there are some.

    Files are imported to know what they hold; nothing of them is called.
    """

    async def work(projects: Projects) -> int:
        import asyncio

        from core.extend.load import extensions_of, problems

        left = 0
        for project in [projects.get(key)] if key is not None else projects.all():
            found = await asyncio.to_thread(extensions_of, project.data, project.key)
            _show(project.key, found)
            left += len(problems(found))
        return left

    if on_projects(work):
        raise typer.Exit(1)


def _show(project: str, found: Extensions) -> None:
    out.print(f"Project [bold]{escape(project)}[/bold]: {_counted(len(found.listed))}")
    for one in found.listed:
        told = f"[red]{escape(one.error)}[/red]" if one.error is not None else escape(", ".join(one.holds))
        out.print(f"  {one.kind:9}  {escape(one.place)}  {told}")
    for place in found.foreign:
        out.print(f"  {'PHP':9}  {escape(place)}  [yellow]not run[/yellow]")


def _counted(count: int) -> str:
    return "no extensions" if not count else "one extension" if count == 1 else f"{count} extensions"

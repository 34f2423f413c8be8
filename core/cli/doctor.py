"""In charge of `tabularium doctor`: showing what is odd in projects, asking, and showing what a repair did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from core.cli.common import Yes, on_projects, out

if TYPE_CHECKING:
    from core.doctor import Finding
    from core.projects import Project, Projects


def doctor(
    key: Annotated[
        str | None, typer.Option("--project", "-p", "-k", help="Key of the project; all projects when not given.")
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what can be repaired, after asking.")] = False,
    yes: Yes = False,
) -> None:
    """Report what is odd in a project's database and files, and repair it if told to.

    Without --repair nothing is changed. The exit status is 1 while something is left.
    """

    async def work(projects: Projects) -> int:
        chosen = [projects.get(key)] if key is not None else projects.all()
        return sum([await _look_after(project, repair=repair, sure=yes) for project in chosen])

    if on_projects(work):
        raise typer.Exit(1)


async def _look_after(project: Project, *, repair: bool, sure: bool) -> int:
    """How many findings are left in a project."""
    from core.doctor import examine
    from core.doctor import repair as mend
    from core.projects.project import connect

    # Not the project's own store: opening that one upgrades the database, and looking shall change nothing.
    store = await connect(project.config, project.data, pool_size=2)
    try:
        findings = await examine(store, project.config, project.data)
        out.print(f"Project [bold]{escape(project.key)}[/bold]: {_counted(len(findings))}")
        if not findings:
            return 0
        _show(findings)
        mendable = [one for one in findings if one.repair is not None]
        if not repair or not mendable:
            if mendable and not repair:
                out.print(f"Nothing was changed. --repair takes care of {len(mendable)} of {len(findings)}.")
            return len(findings)
        if not sure and not typer.confirm(f"Repair {len(mendable)} of {len(findings)}?"):
            return len(findings)
        report = await mend(store, findings)
        for one, changed in report.repaired:
            out.print(f"Repaired {one.name}: {changed}")
        return len(report.left)
    finally:
        await store.close()


def _counted(count: int) -> str:
    return "nothing odd" if not count else "one finding" if count == 1 else f"{count} findings"


def _show(findings: tuple[Finding, ...]) -> None:
    # The names are what --help and the documentation speak of: a narrow terminal may not cut them.
    table = Table(Column("Finding", no_wrap=True, min_width=max(len(one.name) for one in findings)), box=None)
    for heading in ("Count", "What", "For example", "A repair"):
        table.add_column(heading, overflow="fold")
    for one in findings:
        cells = (one.name, str(one.count), one.told, ", ".join(one.samples), one.remedy)
        table.add_row(*(escape(cell) for cell in cells))
    out.print(table)

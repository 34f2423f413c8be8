"""In charge of the commands `tabularium project …`."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from core.cli.common import Key, Yes, database_of, err, on_projects, out, settings, show_password

if TYPE_CHECKING:
    from core.projects import Projects
    from core.projects.copy import Copied

project = typer.Typer(no_args_is_help=True, help="Make, list, copy and delete projects.")


@project.command("create")
def create_project(
    key: Key,
    database: Annotated[
        str | None,
        typer.Option(help="URL (postgresql://user@host/name, mysql://…) or SQLite file; a new SQLite file by default."),
    ] = None,
    email: Annotated[
        str | None, typer.Option(help="E-mail address of the first admin (TABULARIUM_ADMIN_EMAIL).")
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(help="Password of the first admin (TABULARIUM_ADMIN_PASSWORD); generated when not given."),
    ] = None,
    token: Annotated[str | None, typer.Option(help="Static token of the first admin (TABULARIUM_ADMIN_TOKEN).")] = None,
    name: Annotated[str, typer.Option(help="Name of the project.")] = "Directus",
    private: Annotated[bool, typer.Option("--private", help="Leave the project out of the public list.")] = False,
    existing: Annotated[bool, typer.Option("--existing", help="Keep system tables that are there.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Drop system tables that are there and make new ones.")
    ] = False,
) -> None:
    """Make a project on a new or an existing database; tables that are there stay as they are."""
    found = settings()
    given = password or found.admin_password
    chosen, address = given or secrets.token_urlsafe(12), email or found.admin_email
    body: dict[str, Any] = {
        "project": key,
        "user_email": address,
        "user_password": chosen,
        "user_token": token or found.admin_token,
        "project_name": name,
    }
    body |= {"private": private, "existing": existing, "force": force, **database_of(database, key)}

    async def work(projects: Projects) -> tuple[dict[str, int], bool]:
        made, installed = await projects.make(body, trusted=True)
        await made.store()
        collections = made.snapshot.collections.values()
        return {
            "tables": sum(not one.is_system and not one.is_view for one in collections),
            "views": sum(not one.is_system and one.is_view for one in collections),
        }, installed

    with err.status(f"Making project {key}"):
        counts, installed = on_projects(work, found)
    out.print(
        f"Project [bold]{key}[/bold] serves {counts['tables']} tables and {counts['views']} views of its database."
    )
    if installed:
        show_password(address, chosen, given is None)


@project.command("list")
def list_projects() -> None:
    """List the projects of this server, private ones as well."""

    async def work(projects: Projects) -> list[tuple[str, str, str]]:
        return [
            (one.key, f"{one.config.database.dialect}: {one.config.database.name}", "yes" if one.config.private else "")
            for one in projects.all()
        ]

    table = Table("Project", "Database", "Private", box=None)
    for row in on_projects(work):
        table.add_row(*(escape(cell) for cell in row))
    out.print(table)


@project.command("copy")
def copy_project(
    source: Annotated[str, typer.Option("--from", help="Key of the project to copy.")],
    to: Annotated[
        str,
        typer.Option("--to", help="URL of a database, an SQLite file, or the key of a project whose database it is."),
    ],
    new_key: Annotated[
        str | None, typer.Option("--as", help="Make a project of this key on the copy, configured like the first one.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Drop tables of the same names in the target; others stay.")
    ] = False,
) -> None:
    """Move a whole project to another database, of whatever kind: tables, rows, keys, indexes; verified at the end.

    The source stays as it is. What others write into it meanwhile is not in the copy: turn maintenance on before.
    Files are not copied.
    """
    from core.projects.copy.operate import copy_project as work_on

    is_key = "://" not in to and "/" not in to and "." not in to
    place: str | dict[str, Any] = to if is_key else database_of(to, source)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as bar:
        tasks = {step: bar.add_task(step.capitalize(), total=None) for step in ("copy", "verify")}
        tables: dict[str, dict[str, tuple[int, int]]] = {step: {} for step in tasks}

        def report(step: str, table: str, done: int, rows: int) -> None:
            tables[step][table] = (done, rows)
            bar.update(
                tasks[step],
                description=f"{step.capitalize()} {escape(table)}",
                completed=sum(found for found, _ in tables[step].values()),
                total=sum(rows for _, rows in tables["copy"].values()),
            )

        async def work(projects: Projects) -> Copied:
            return await work_on(projects, source, place, new_key=new_key, force=force, report=report)

        copied = on_projects(work)
    rows = sum(one.rows for one in copied.tables.values())
    out.print(f"{len(copied.tables)} tables with {rows} rows are copied and verified.")
    for note in copied.notes:
        out.print(f"Note: {escape(note)}")
    if new_key is not None:
        out.print(f"Project [bold]{escape(new_key)}[/bold] is on the copy; its files are where those of {source} are.")


@project.command("delete")
def delete_project(key: Key, yes: Yes = False) -> None:
    """Drop the system tables of a project and forget it; its own tables and files stay."""
    if not yes:
        typer.confirm(f"Drop users, roles, permissions and history of project {key}?", abort=True)

    async def work(projects: Projects) -> None:
        await projects.delete(key, None, trusted=True)

    on_projects(work)
    out.print(f"Project [bold]{escape(key)}[/bold] is gone; its own tables are still there.")

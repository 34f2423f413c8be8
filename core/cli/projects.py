"""In charge of the commands `tabularium project …`."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from core.cli.common import Key, Yes, database_of, err, on_projects, out, settings, show_password

if TYPE_CHECKING:
    from core.projects import Projects

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


@project.command("delete")
def delete_project(key: Key, yes: Yes = False) -> None:
    """Drop the system tables of a project and forget it; its own tables and files stay."""
    if not yes:
        typer.confirm(f"Drop users, roles, permissions and history of project {key}?", abort=True)

    async def work(projects: Projects) -> None:
        await projects.delete(key, None, trusted=True)

    on_projects(work)
    out.print(f"Project [bold]{escape(key)}[/bold] is gone; its own tables are still there.")

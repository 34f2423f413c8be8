"""In charge of the command line `tabularium`: reading arguments, showing progress and results. The work is core's.

Modules that are slow to import are imported by the commands that need them.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import unquote, urlsplit

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

if TYPE_CHECKING:
    from core.projects import Projects
    from core.settings import Settings
    from core.start import FirstStart

T = TypeVar("T")

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="A data API server over your SQL databases.")
project = typer.Typer(no_args_is_help=True, help="Make, list and delete projects.")
user = typer.Typer(no_args_is_help=True, help="Make users and set passwords.")
cli.add_typer(project, name="project")
cli.add_typer(user, name="user")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Key = Annotated[str, typer.Argument(help="Key of the project, as it stands in URLs.")]
Of = Annotated[str, typer.Option("--project", "-k", help="Key of the project.")]
Email = Annotated[str, typer.Argument(help="E-mail address of the user.")]
Password = Annotated[str | None, typer.Option(help="Password; asked for when not given.")]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    cli(args=arguments, prog_name="tabularium")


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"tabularium {version('tabularium')}")
        raise typer.Exit


@cli.callback()
def _common(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Take what all commands have in common."""


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (TABULARIUM_HOST).")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on (TABULARIUM_PORT).")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that serve.")] = 1,
    reload: Annotated[bool, typer.Option(help="Start anew when a source file changes.")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Make the first project without the demo.")] = False,
) -> None:
    """Serve all projects; the first start makes one."""
    import uvicorn

    if empty:
        os.environ["TABULARIUM_DEMO"] = "0"  # workers read the environment anew
    settings = _settings()
    made = _first_start(settings)
    where = host or settings.host
    if made is not None:
        _show_first_start(made, f"http://{where}:{settings.port if port is None else port}")
    uvicorn.run(
        "app:app",
        host=where,
        port=settings.port if port is None else port,
        workers=workers if workers > 1 else None,
        reload=reload,
        app_dir=str(Path(__file__).resolve().parents[1]),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whom to trust is a setting of each project
    )


def _settings() -> Settings:
    from core.settings import ConfigurationError, Settings

    try:
        return Settings.read(os.environ)
    except ConfigurationError as error:
        raise _stop(str(error)) from None


def _first_start(settings: Settings) -> FirstStart | None:
    from core.start import prepare

    bar = Progress(TextColumn("Making the first project"), BarColumn(), TextColumn("{task.description}"), console=err)
    with bar:
        task = bar.add_task("", total=None, visible=False)

        def report(step: str, done: int, steps: int) -> None:
            bar.update(task, description=step, completed=done, total=steps, visible=True)

        return _run(prepare(settings, report))


def _show_first_start(made: FirstStart, url: str) -> None:
    lines = Table.grid(padding=(0, 2))
    lines.add_row("Project", f"{made.project}{' with a demo' if made.demo else ''}")
    lines.add_row("Admin", escape(made.email))
    if made.password is not None:
        lines.add_row("Password", f"[bold]{escape(made.password)}[/bold]")
    if made.super_admin_token is not None:
        lines.add_row("Super admin token", escape(made.super_admin_token))
    lines.add_row("GraphQL", f"{url}/{made.project}/gql")
    lines.add_row("REST", f"{url}/{made.project}/items/…")
    out.print("This is the first start. What was generated is shown only now.")
    out.print(lines)


# Projects


@project.command("create")
def create_project(
    key: Key,
    database: Annotated[
        str | None,
        typer.Option(help="URL (postgresql://user@host/name, mysql://…) or SQLite file; a new SQLite file by default."),
    ] = None,
    email: Annotated[str, typer.Option(help="E-mail address of the first admin.")] = "admin@example.com",
    password: Annotated[str | None, typer.Option(help="Password of the first admin; generated when not given.")] = None,
    token: Annotated[str | None, typer.Option(help="Static token of the first admin.")] = None,
    name: Annotated[str, typer.Option(help="Name of the project.")] = "Directus",
    private: Annotated[bool, typer.Option("--private", help="Leave the project out of the public list.")] = False,
    existing: Annotated[bool, typer.Option("--existing", help="Keep system tables that are there.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Drop system tables that are there and make new ones.")
    ] = False,
) -> None:
    """Make a project on a new or an existing database; tables that are there stay as they are."""
    settings = _settings()
    chosen = password or secrets.token_urlsafe(12)
    body: dict[str, Any] = {
        "project": key,
        "user_email": email,
        "user_password": chosen,
        "user_token": token,
        "project_name": name,
    }
    body |= {"private": private, "existing": existing, "force": force, **_database(database, key)}

    async def work(projects: Projects) -> dict[str, int]:
        made = await projects.create(body, trusted=True)
        await made.store()
        collections = made.snapshot.collections.values()
        return {
            "tables": sum(not one.is_system and not one.is_view for one in collections),
            "views": sum(not one.is_system and one.is_view for one in collections),
        }

    with err.status(f"Making project {key}"):
        found = _run(_with_projects(settings, work))
    out.print(f"Project [bold]{key}[/bold] serves {found['tables']} tables and {found['views']} views of its database.")
    if not existing:
        shown = "" if password else f"  Password: [bold]{escape(chosen)}[/bold] (shown only now)"
        out.print(f"Admin: {escape(email)}{shown}")


def _database(place: str | None, key: str) -> dict[str, Any]:
    """The database attributes of a creation body. A relative SQLite path counts from the working directory."""
    if place is None:
        return {"db_type": "sqlite", "db_name": f"{key}.db"}
    scheme, found, _ = place.partition("://")
    if not found:
        return {"db_type": "sqlite", "db_name": str(Path(place).expanduser().absolute())}
    if scheme == "sqlite":
        return {"db_type": "sqlite", "db_name": str(Path(place.removeprefix("sqlite:///")).absolute())}
    try:
        parts = urlsplit(place)
        port = parts.port
    except ValueError:
        raise _stop("The database URL cannot be read") from None
    return {
        "db_type": scheme,
        "db_name": unquote(parts.path.removeprefix("/")),
        "db_user": unquote(parts.username or ""),
        "db_password": unquote(parts.password or ""),
        "db_host": parts.hostname or "localhost",
        "db_port": port,
    }


@project.command("list")
def list_projects() -> None:
    """List the projects of this server, private ones as well."""

    async def work(projects: Projects) -> list[tuple[str, str, str]]:
        return [
            (one.key, f"{one.config.database.dialect}: {one.config.database.name}", "yes" if one.config.private else "")
            for one in projects.all()
        ]

    table = Table("Project", "Database", "Private", box=None)
    for row in _run(_with_projects(_settings(), work)):
        table.add_row(*row)
    out.print(table)


@project.command("delete")
def delete_project(key: Key, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Drop the system tables of a project and forget it; its own tables and files stay."""
    if not yes:
        typer.confirm(f"Drop users, roles, permissions and history of project {key}?", abort=True)

    async def work(projects: Projects) -> None:
        await projects.delete(key, None, trusted=True)

    _run(_with_projects(_settings(), work))
    out.print(f"Project [bold]{key}[/bold] is gone; its own tables are still there.")


# Users


@user.command("create")
def create_user(
    email: Email,
    of: Of = "main",
    role: Annotated[int, typer.Option(help="Id of the role; 1 is the administrators'.")] = 1,
    password: Password = None,
    token: Annotated[str | None, typer.Option(help="Static token.")] = None,
    first_name: Annotated[str | None, typer.Option(help="First name.")] = None,
    last_name: Annotated[str | None, typer.Option(help="Last name.")] = None,
) -> None:
    """Make an active user."""
    from core import accounts

    chosen = password or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    facts = {"email": email, "password": chosen, "role": role, "status": "active"}
    facts |= {"token": token, "first_name": first_name, "last_name": last_name}

    async def work(projects: Projects) -> str:
        return await accounts.create_user(projects.get(of), facts)

    out.print(f"User [bold]{escape(email)}[/bold] has id {_run(_with_projects(_settings(), work))}.")


@user.command("password")
def set_password(email: Email, of: Of = "main", password: Password = None) -> None:
    """Set the password of a user and end the user's sessions."""
    from core import accounts

    chosen = password or typer.prompt("New password", hide_input=True, confirmation_prompt=True)

    async def work(projects: Projects) -> None:
        await accounts.set_password(projects.get(of), email, chosen)

    _run(_with_projects(_settings(), work))
    out.print(f"User [bold]{escape(email)}[/bold] has a new password.")


# Running


async def _with_projects(settings: Settings, work: Any) -> Any:
    from core.projects import Projects

    projects = await Projects.open(settings)
    try:
        return await work(projects)
    finally:
        await projects.close()


def _run(work: Coroutine[Any, Any, T]) -> T:
    """The outcome of asynchronous work; what core refuses ends the command with a message and status 1."""
    from core.errors import TabulariumError
    from core.settings import ConfigurationError

    try:
        return asyncio.run(work)
    except TabulariumError as error:
        raise _stop(error.message) from None
    except ConfigurationError as error:
        raise _stop(str(error)) from None
    except OSError as error:  # a folder that cannot be made or written
        raise _stop(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from None


def _stop(message: str) -> typer.Exit:
    err.print(f"[red]{escape(message)}[/red]")
    return typer.Exit(1)


if __name__ == "__main__":
    main()

"""In charge of the commands of Directus 8 by their names and short options (spec 01 §14). The work is core's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from core.cli import upkeep
from core.cli.common import new_password, on_projects, out, settings, show_password, stop
from core.cli.users import change_password

if TYPE_CHECKING:
    from core.projects import Projects

Project = Annotated[str, typer.Option("-k", "--project", help="Key of the project.")]
Force = Annotated[bool, typer.Option("-f", "--force", help="Replace what is there.")]


def install_config(
    name: Annotated[str, typer.Option("-n", "--db-name", help="Name of the database; for sqlite its file.")],
    user: Annotated[str, typer.Option("-u", "--db-user", help="User of the database.")] = "",
    key: Project = "_",
    kind: Annotated[str, typer.Option("-t", "--type", help="mysql, mariadb, postgres or sqlite.")] = "mysql",
    host: Annotated[str, typer.Option("-h", "--host", help="Host of the database.")] = "localhost",
    port: Annotated[int | None, typer.Option("-P", "--port", help="Port of the database.")] = None,
    password: Annotated[str, typer.Option("-p", "--db-password", help="Password of the database.")] = "",
    socket: Annotated[str, typer.Option("-s", "--socket", help="Socket of the database.")] = "",
    sender: Annotated[str, typer.Option("-e", "--email", help="Address that mail is sent from.")] = "admin@example.com",
    token: Annotated[str | None, typer.Option("-a", "--super-admin-token", help="Super admin token.")] = None,
    cors: Annotated[bool, typer.Option("-c", "--cors", help="Allow requests from other origins.")] = False,
    timezone: Annotated[str, typer.Option("--timezone", help="Not needed: times are UTC.")] = "UTC",
    force: Force = False,
) -> None:
    """Write the file of a project; the database is left alone."""
    from core.projects.installation import configure

    if kind.lower() != "sqlite" and not user:
        raise stop("Missing option '-u' / '--db-user'.")
    body: dict[str, Any] = {
        "project": key, "db_type": kind, "db_host": host, "db_port": port, "db_name": name, "db_user": user,
        "db_password": password, "db_socket": socket, "mail_from": sender, "cors_enabled": cors, "timezone": timezone,
    }  # fmt: skip

    async def work(projects: Projects) -> str | None:
        return configure(projects, body, token=token, force=force)

    generated = on_projects(work)
    out.print(f"Project [bold]{escape(key)}[/bold] is configured.")
    if generated is not None:
        out.print(f"Super admin token: [bold]{escape(generated)}[/bold] (shown only now)")


def install_database(
    key: Project = "_",
    path: Annotated[Path | None, typer.Option("-d", "--path", help="The data folder (TABULARIUM_DATA).")] = None,
    force: Force = False,
) -> None:
    """Make the system tables, without users; -f drops those that are there."""
    from dataclasses import replace

    from core.projects.installation import make_tables

    found = settings()
    if path is not None:
        found = replace(found, data=path.expanduser().absolute())

    async def work(projects: Projects) -> None:
        await make_tables(projects.get(key), force=force)

    on_projects(work, found)
    out.print(f"Project [bold]{escape(key)}[/bold] has its system tables.")


def install_install(
    key: Project = "_",
    email: Annotated[str | None, typer.Option("-e", "--email", help="E-mail address of the admin.")] = None,
    password: Annotated[str | None, typer.Option("-p", "--password", help="Password; asked for or generated.")] = None,
    title: Annotated[str, typer.Option("-t", "--title", help="Name of the project.")] = "Directus",
    app_url: Annotated[str, typer.Option("-a", "--app-url", help="Address of the app.")] = "",
    token: Annotated[str | None, typer.Option("-T", "--token", help="Static token of the admin.")] = None,
    timezone: Annotated[str, typer.Option("--timezone", help="Time zone of the admin.")] = "UTC",
    locale: Annotated[str, typer.Option("--locale", help="Language of the admin.")] = "en-US",
) -> None:
    """Write name and address of a project, and make its admin or give one a new password."""
    from core.projects.installation import first_rows

    found = settings()
    address = email or found.admin_email
    chosen, generated = new_password(password or found.admin_password)
    facts = {
        "email": address, "password": chosen, "token": token or found.admin_token, "timezone": timezone,
        "locale": locale,
    }  # fmt: skip

    async def work(projects: Projects) -> None:
        await first_rows(projects.get(key), facts, {"project_name": title, "app_url": app_url})

    on_projects(work, found)
    out.print(f"Project [bold]{escape(key)}[/bold] is installed.")
    show_password(address, chosen, generated)


def install_seeder() -> None:
    """Nothing: kept because scripts call it."""


def user_password(
    email: Annotated[str, typer.Option("-e", "--email", help="E-mail address of the user.")],
    password: Annotated[str, typer.Option("-p", "--password", help="The new password.")],
    key: Project,
) -> None:
    """Set the password of a user and end the user's sessions."""
    change_password(email, key, password)


COMMANDS: dict[str, Callable[..., None]] = {
    "install:config": install_config,
    "install:database": install_database,
    "install:install": install_install,
    "install:seeder": install_seeder,
    "db:upgrade": upkeep.upgrade,
    "user:password": user_password,
    "cache:clear": upkeep.clear_cache,
    "log:prune": upkeep.prune_logs,
    "maintenance:on": upkeep.maintenance_on,
    "maintenance:off": upkeep.maintenance_off,
    "maintenance:status": upkeep.maintenance_status,
}

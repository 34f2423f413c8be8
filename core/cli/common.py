"""In charge of what all commands share: consoles, settings, running work on projects, ending with a message."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import unquote, urlsplit

import typer
from rich.console import Console
from rich.markup import escape

import core.telemetry.lean  # noqa: F401 - before anything imports structlog

if TYPE_CHECKING:
    from core.projects import Projects
    from core.settings import Settings

T = TypeVar("T")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Key = Annotated[str, typer.Argument(help="Key of the project, as it stands in URLs.")]
Of = Annotated[str, typer.Option("--project", "-k", help="Key of the project.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def settings() -> Settings:
    """The server's settings from the environment; what makes no sense ends the command."""
    from core.settings import ConfigurationError, Settings

    try:
        return Settings.read(os.environ)
    except ConfigurationError as error:
        raise stop(str(error)) from None


def on_projects(work: Callable[[Projects], Awaitable[T]], of: Settings | None = None) -> T:
    """The outcome of work on the projects of this server."""
    chosen = of or settings()

    async def whole() -> T:
        from core.projects import Projects

        projects = await Projects.open(chosen)
        try:
            return await work(projects)
        finally:
            await projects.close()

    return run(whole())


def run(work: Coroutine[Any, Any, T]) -> T:
    """The outcome of asynchronous work; what core refuses ends the command with a message and status 1."""
    from core.errors import TabulariumError
    from core.settings import ConfigurationError
    from core.telemetry.log import beside_output

    beside_output()
    try:
        return asyncio.run(work)
    except TabulariumError as error:
        raise stop(error.message) from None
    except ConfigurationError as error:
        raise stop(str(error)) from None
    except OSError as error:  # a folder that cannot be made or written
        raise stop(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from None


def stop(message: str) -> typer.Exit:
    """What ends a command with a message and status 1. To be raised."""
    err.print(f"[red]{escape(message)}[/red]")
    return typer.Exit(1)


def new_password(given: str | None) -> tuple[str, bool]:
    """A password, and whether it was generated: given, asked for at a terminal, else random. There is no default."""
    if given:
        return given, False
    if sys.stdin.isatty():
        asked = typer.prompt("Password", hide_input=True, confirmation_prompt=True, default="", show_default=False)
        if asked:
            return str(asked), False
    return secrets.token_urlsafe(12), True


def show_password(email: str, password: str, generated: bool) -> None:
    """Tell the operator whom to sign in as."""
    shown = f"  Password: [bold]{escape(password)}[/bold] (shown only now)" if generated else ""
    out.print(f"Admin: {escape(email)}{shown}")


def database_of(place: str | None, key: str) -> dict[str, Any]:
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
        raise stop("The database URL cannot be read") from None
    return {
        "db_type": scheme,
        "db_name": unquote(parts.path.removeprefix("/")),
        "db_user": unquote(parts.username or ""),
        "db_password": unquote(parts.password or ""),
        "db_host": parts.hostname or "localhost",
        "db_port": port,
    }

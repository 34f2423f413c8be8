"""In charge of the commands `tabularium user …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from core.cli.common import Of, on_projects, out

if TYPE_CHECKING:
    from core.projects import Projects

user = typer.Typer(no_args_is_help=True, help="Make users and set passwords.")

Email = Annotated[str, typer.Argument(help="E-mail address of the user.")]
Password = Annotated[str | None, typer.Option(help="Password; asked for when not given.")]


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

    out.print(f"User [bold]{escape(email)}[/bold] has id {on_projects(work)}.")


@user.command("password")
def set_password(email: Email, of: Of = "main", password: Password = None) -> None:
    """Set the password of a user and end the user's sessions."""
    change_password(email, of, password or typer.prompt("New password", hide_input=True, confirmation_prompt=True))


def change_password(email: str, of: str, password: str) -> None:
    """Set a password, and say so."""
    from core import accounts

    async def work(projects: Projects) -> None:
        await accounts.set_password(projects.get(of), email, password)

    on_projects(work)
    out.print(f"User [bold]{escape(email)}[/bold] has a new password.")

"""In charge of `tabularium serve`: the first start as the operator sees it, then the server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from core.cli.common import err, out, run, settings

if TYPE_CHECKING:
    from core.settings import Settings
    from core.start import FirstStart

SOURCES = Path(__file__).resolve().parents[2]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (TABULARIUM_HOST).")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on (TABULARIUM_PORT).")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that serve.")] = 1,
    reload: Annotated[bool, typer.Option(help="Start anew when a source file or an extension changes.")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Make the first project without the demo.")] = False,
) -> None:
    """Serve all projects; the first start makes one."""
    import uvicorn

    if empty:
        os.environ["TABULARIUM_DEMO"] = "0"  # workers read the environment anew
    found = settings()
    made = _first_start(found)
    where = host or found.host
    if made is not None:
        _show_first_start(made, f"http://{where}:{found.port if port is None else port}")
    uvicorn.run(
        "app:app",
        host=where,
        port=found.port if port is None else port,
        workers=workers if workers > 1 else None,
        reload=reload,
        reload_dirs=_watched(found) if reload else None,
        app_dir=str(SOURCES),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whom to trust is a setting of each project
    )


def _watched(found: Settings) -> list[str]:
    """The folders whose Python files start the server anew when they change."""
    from core.extend.load import FOLDER

    return [str(folder) for folder in (SOURCES, found.data / FOLDER) if folder.is_dir()]


def _first_start(found: Settings) -> FirstStart | None:
    from core.start import prepare

    bar = Progress(TextColumn("Making the first project"), BarColumn(), TextColumn("{task.description}"), console=err)
    with bar:
        task = bar.add_task("", total=None, visible=False)

        def report(step: str, done: int, steps: int) -> None:
            bar.update(task, description=step, completed=done, total=steps, visible=True)

        return run(prepare(found, report))


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

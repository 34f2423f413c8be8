"""In charge of the commands that look after a running server: caches, logs, maintenance, upgrades."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from core.cli.common import on_projects, out, settings, stop

if TYPE_CHECKING:
    from core.projects import Project, Projects

OfAll = Annotated[
    str | None, typer.Option("--project", "-k", "-N", help="Key of the project; all projects when not given.")
]


def _chosen(projects: Projects, key: str | None) -> list[Project]:
    return [projects.get(key)] if key is not None else projects.all()


def upgrade(key: OfAll = None) -> None:
    """Run the steps of Directus 8 that a database has not seen."""
    from core.migrate.install import ensure
    from core.migrate.upgrade import upgrade as run_steps
    from core.projects.project import connect

    async def work(projects: Projects) -> None:
        for project in _chosen(projects, key):
            store = await connect(project.config, project.data, pool_size=2)
            try:
                await ensure(store)
                names = await run_steps(store)
            finally:
                await store.close()
            told = f"ran {', '.join(names)}" if names else "nothing to do"
            out.print(f"Project [bold]{escape(project.key)}[/bold]: {told}")

    on_projects(work)


def clear_cache(key: OfAll = None) -> None:
    """Make every process forget what it remembers of a project: schema, settings, permissions, answers."""
    from core.catalog.changes import KINDS, log_change

    async def work(projects: Projects) -> list[str]:
        chosen = _chosen(projects, key)
        for project in chosen:
            store = await project.store()
            async with store.write() as connection:
                for kind in KINDS:
                    await log_change(connection, kind)
        return [project.key for project in chosen]

    out.print(f"The cache of {', '.join(on_projects(work)) or 'no project'} is cleared.")


def prune_logs(days: Annotated[int, typer.Argument(help="Files older than this many days go.")] = 30) -> None:
    """Delete old log files."""
    import asyncio
    import time

    from core.telemetry.files import prune

    if days <= 0:
        raise stop("The number of days must be greater than zero")

    async def work(projects: Projects) -> int:
        data = projects.settings.data
        paths = {data / "logs"} | {
            data / path for one in projects.all() if (path := one.config.get("logger.path")) is not None
        }
        before = time.time() - days * 86400
        return sum([await asyncio.to_thread(prune, path, before) for path in sorted(paths)])

    gone = on_projects(work)
    out.print(f"{gone} log {'file is' if gone == 1 else 'files are'} gone.")


def maintenance_on() -> None:
    """Answer every request to a project with 503."""
    from core.projects import maintenance

    try:
        maintenance.turn_on(settings().data)
    except OSError as error:
        raise stop(f"{error.filename}: {error.strerror}") from None
    out.print("maintenance mode is on.")


def maintenance_off() -> None:
    """Answer again."""
    from core.projects import maintenance

    try:
        maintenance.turn_off(settings().data)
    except OSError as error:
        raise stop(f"{error.filename}: {error.strerror}") from None
    out.print("maintenance mode is off.")


def maintenance_status() -> None:
    """Say whether maintenance is on."""
    from core.projects import maintenance

    out.print(f"maintenance mode is {'on' if maintenance.is_on(settings().data) else 'off'}.")

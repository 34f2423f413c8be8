"""In charge of making projects for tests, as an operator would: on a fresh database, through the product's own code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from core.projects import Project, Projects
from core.settings import Settings

ADMIN_EMAIL = "admin@example.com"
ADMIN_PASSWORD = "an Admin's pass-phrase"
ADMIN_TOKEN = "admin-token"


def body(url: str, project: str = "main", **more: Any) -> dict[str, Any]:
    """The body of a request for a project on the database of this URL."""
    place = urlsplit(url)
    database: dict[str, Any]
    if place.scheme == "sqlite":
        database = {"db_type": "sqlite", "db_name": url.removeprefix("sqlite:///")}
    else:
        database = {
            "db_type": "postgres" if place.scheme == "postgresql" else "mysql",
            "db_name": place.path.removeprefix("/"),
            "db_user": unquote(place.username or ""),
            "db_password": unquote(place.password or ""),
            "db_host": place.hostname,
            "db_port": place.port,
        }
    user = {"user_email": ADMIN_EMAIL, "user_password": ADMIN_PASSWORD, "user_token": ADMIN_TOKEN}
    # Cheap hashes: the suite shall not spend its time in argon2.
    auth = {"hashing": {"time": 1, "memory": 64, "parallelism": 1}, **more.pop("auth", {})}
    return {"project": project, **database, **user, "auth": auth, **more}


def configure(file: Path, **branches: Any) -> None:
    """Change the file of a project as an operator does; a running server takes notice."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps({**json.loads(file.read_text()), **branches}))
    new.replace(file)


@asynccontextmanager
async def projects(data: Path, **settings: Any) -> AsyncIterator[Projects]:
    """The projects of a server whose data folder is `data`."""
    found = await Projects.open(Settings(data=data, **settings))
    try:
        yield found
    finally:
        await found.close()


@asynccontextmanager
async def project(url: str, data: Path, **more: Any) -> AsyncIterator[Project]:
    """One fresh project named main on the database of this URL."""
    async with projects(data) as found:
        yield await found.create(body(url, **more), trusted=True)

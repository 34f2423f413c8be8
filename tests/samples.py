"""In charge of putting the shared sample databases into fresh test databases, with the databases' own clients.

It must not use Tabularium: what is loaded is what another program left behind.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest


def load_chinook(url: str, shared: Path) -> None:
    """The Chinook music store (11 tables) into the empty database of this URL; skips where a client is missing."""
    folder = shared / "data" / "chinook"
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        shutil.copyfile(_present(folder / "Chinook_Sqlite_AutoIncrementPKs.sqlite"), url.removeprefix("sqlite:///"))
    elif scheme == "postgresql":
        run_postgres(url, _without_database(_present(folder / "Chinook_PostgreSql_SerialPKs.sql")))
    else:
        run_mysql(url, _without_database(_present(folder / "Chinook_MySql_AutoIncrementPKs.sql")))


def load_directus8(url: str, shared: Path) -> None:
    """A database that a real Directus 8.8.1 left, into the empty MySQL or MariaDB database of this URL."""
    run_mysql(url, _present(shared / "data" / "directus8" / "main.sql").read_text("utf-8"))


def run_postgres(url: str, sql: str) -> None:
    """Run a script with psql; skips where it is missing, fails at the first error."""
    place = urlsplit(url)
    _run(
        "psql",
        ["-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", f"{url.split('://')[0]}://{place.netloc}{place.path}"],
        "SET client_encoding = 'UTF8';\n" + sql,
    )


def run_mysql(url: str, sql: str) -> None:
    """Run a script with the client of MariaDB or MySQL; skips where both are missing, fails at the first error."""
    place = urlsplit(url)
    arguments = ["--default-character-set=utf8mb4", "-h", place.hostname or "127.0.0.1", "-P", str(place.port or 3306)]
    arguments += ["-u", unquote(place.username or "root")]
    if place.password:
        arguments.append(f"--password={unquote(place.password)}")
    client = "mariadb" if shutil.which("mariadb") else "mysql"
    _run(client, [*arguments, place.path.removeprefix("/")], sql)


def _run(client: str, arguments: list[str], sql: str) -> None:
    program = shutil.which(client)
    if program is None:
        pytest.skip(f"the client {client} is not installed")
    done = subprocess.run([program, *arguments], input=sql.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]


def _without_database(script: Path) -> str:
    """The script without the lines that make a database of its own and go there."""
    own = ("DROP DATABASE", "CREATE DATABASE", "USE ", "\\c ")
    return "\n".join(line for line in script.read_text("utf-8").splitlines() if not line.startswith(own))


def _present(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not in the folder of shared material")
    return path

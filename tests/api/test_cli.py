"""The command line: what its commands do to projects, how they end, and v8's names for them (schema spec 14)."""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.auth.login import authenticate, gate_of
from core.cli import main
from core.db.gateway import Store
from core.enter import enter
from core.settings import files
from tests.backends import in_thread
from tests.projects import projects

Run = Callable[..., tuple[int, str, str]]

PHP = """<?php
return [
    'database' => ['type' => 'sqlite', 'name' => 'films.db', 'driver_options' => []],
    'auth' => ['secret_key' => 'a-long-secret-of-films', 'public_key' => 'films-public'],
    'storage' => ['adapter' => 'local', 'root' => 'public/uploads/films/originals'],
    'feedback' => ['token' => 'x'],
];
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of the commands; no other variable of ours is set."""
    for name in list(os.environ):
        if name.startswith(("TABULARIUM_", "DIRECTUS_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "data"
    monkeypatch.setenv("TABULARIUM_DATA", str(folder))
    monkeypatch.setenv("COLUMNS", "200")
    return folder


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command: status, output, errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            main(list(arguments))
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return call


def rows(data: Path, sql: str, file: str = "films.db") -> list[tuple[Any, ...]]:
    async def ask() -> list[tuple[Any, ...]]:
        store = await Store.open(f"sqlite:///{data / file}")
        try:
            async with store.read() as connection:
                return [tuple(row) for row in await connection.rows(sql)]
        finally:
            await store.close()

    return in_thread(ask)


def change(data: Path, *statements: str, file: str = "films.db") -> None:
    async def do() -> None:
        store = await Store.open(f"sqlite:///{data / file}")
        try:
            async with store.write() as connection:
                for sql in statements:
                    await connection.execute(sql)
        finally:
            await store.close()

    in_thread(do)


def sign_in(data: Path, key: str, email: str, password: str) -> Any:
    async def do() -> Any:
        async with projects(data) as found:
            session = await enter(found.get(key), check_address=False)
            return (await authenticate(await gate_of(session), email=email, password=password)).user["id"]

    return in_thread(do)


# How commands end


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuch"],
        ["nosuch:command"],
        ["install:nosuch"],
        ["project", "nosuch"],
        ["user:password", "-e", "a@example.com"],
        ["log:prune", "soon"],
        ["log:prune", "0"],
        ["user:password", "-e", "a@example.com", "-p", "secret", "-k", "nosuch"],
        ["doctor", "-p", "nosuch"],
        ["serve", "--port", "99999"],
    ],
)
def test_what_is_not_understood_ends_with_a_message_and_1(run: Run, arguments: list[str]) -> None:
    status, shown, message = run(*arguments)
    assert (status, shown) == (1, "")
    assert message.strip()
    assert "Traceback" not in message


def test_help_in_the_words_of_directus_8(run: Run) -> None:
    status, shown, _ = run("help")
    assert status == 0
    assert all(name in shown for name in ("serve", "doctor", "project", "install:config", "maintenance:on"))
    status, shown, _ = run("help", "maintenance")
    assert (status, shown.split()[::1][0], shown.count("maintenance:")) == (0, "maintenance:on", 3)
    for words in (("install:help", "config"), ("install:config", "--help")):
        status, shown, _ = run(*words)
        assert status == 0
        assert "--db-name" in shown
    status, shown, _ = run("help", "project")
    assert (status, "copy" in shown) == (0, True)
    assert run("help", "nosuch")[0] == 1
    assert run("--version")[1].startswith("tabularium ")


# Projects


def test_a_project_is_made_by_what_the_environment_says(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABULARIUM_ADMIN_EMAIL", "boss@example.com")
    monkeypatch.setenv("TABULARIUM_ADMIN_PASSWORD", "a pass-phrase")
    monkeypatch.setenv("TABULARIUM_ADMIN_TOKEN", "boss-token")
    status, shown, message = run("project", "create", "films")
    assert (status, message) == (0, "")
    assert "Admin: boss@example.com\n" in shown
    assert "pass-phrase" not in shown
    assert rows(data, "SELECT email, token FROM directus_users") == [("boss@example.com", "boss-token")]
    assert sign_in(data, "films", "boss@example.com", "a pass-phrase") == "1"
    assert run("project", "create", "films")[0] == 1
    assert run("project", "list")[1].split()[-3:] == ["films", "sqlite:", "films.db"]
    assert run("project", "delete", "films", "--yes")[0] == 0
    assert run("project", "list")[1].split() == ["Project", "Database", "Private"]


def test_a_generated_password_is_shown_once_and_works(run: Run, data: Path) -> None:
    status, shown, _ = run("project", "create", "films")
    assert status == 0
    password = re.search(r"Password: (\S+)", shown)
    assert password is not None
    assert len(password[1]) >= 16
    assert sign_in(data, "films", "admin@example.com", password[1]) == "1"
    assert run("project", "delete", "films", "-y")[0] == 0
    # An existing database without system tables gets an admin, whose password must be told as well.
    status, shown, _ = run("project", "create", "films", "--existing")
    assert "Password: " in shown
    (data / "config" / "films.json").unlink()
    status, shown, _ = run("project", "create", "films", "--existing")
    assert (status, "Password: " in shown) == (0, False)


def test_a_project_is_copied(run: Run, data: Path) -> None:
    run("project", "create", "films", "--password", "a pass-phrase", "--token", "films-token")
    change(
        data, "CREATE TABLE movies (id INTEGER PRIMARY KEY, title TEXT)", "INSERT INTO movies VALUES (5, 'Metropolis')"
    )
    copy = data.parent / "copy.db"
    status, shown, _ = run("project", "copy", "--from", "films", "--to", str(copy), "--as", "more")
    assert status == 0
    assert re.match(r"18 tables with \d+ rows are copied and verified\.\n", shown)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert rows(data, "SELECT * FROM movies", str(copy)) == [(5, "Metropolis")]
    assert rows(data, "SELECT token FROM directus_users", str(copy)) == [("films-token",)]
    first, second = (json.loads((data / "config" / f"{key}.json").read_text()) for key in ("films", "more"))
    assert second["database"] == {"type": "sqlite", "name": str(copy)}
    assert second["auth"] == first["auth"]
    assert sign_in(data, "more", "admin@example.com", "a pass-phrase") == "1"

    assert run("project", "copy", "--from", "films", "--to", str(copy), "--as", "more")[0] == 1
    status, _, message = run("project", "copy", "--from", "films", "--to", "more")
    assert (status, "not empty" in message) == (1, True)
    assert run("project", "copy", "--from", "films", "--to", "more", "--force")[0] == 0
    status, _, message = run("project", "copy", "--from", "films", "--to", "films", "--force")
    assert (status, "same database" in message) == (1, True)
    assert run("project", "copy", "--from", "films", "--to", "nosuch")[0] == 1
    assert rows(data, "SELECT count(*) FROM movies") == [(1,)]


def test_users_and_passwords(run: Run, data: Path) -> None:
    run("project", "create", "films", "--password", "a pass-phrase")
    assert run("user", "create", "ed@example.com", "-k", "films", "--password", "eds pass-phrase")[0] == 0
    assert sign_in(data, "films", "ed@example.com", "eds pass-phrase") == "2"
    assert run("user:password", "-e", "ed@example.com", "-p", "another one", "-k", "films")[0] == 0
    assert sign_in(data, "films", "ed@example.com", "another one") == "2"
    status, _, message = run("user:password", "-e", "no@example.com", "-p", "another one", "-k", "films")
    assert (status, message.strip()) == (1, "User not found")
    change(data, "UPDATE directus_settings SET value = '/^.{12,}$/' WHERE key = 'password_policy'")
    status, _, message = run("user", "password", "ed@example.com", "-k", "films", "--password", "short")
    assert (status, message.strip()) == (1, "password: This value is not valid.")


# As Directus 8 is installed


def test_an_installation_step_by_step(run: Run, data: Path) -> None:
    config = ("install:config", "-k", "films", "-t", "sqlite", "-n", "films.db", "-e", "from@example.com", "-c")
    status, shown, _ = run(*config)
    assert status == 0
    token = re.search(r"Super admin token: (\S{16}) ", shown)
    assert token is not None
    assert files.read_token(data) == token[1]
    file = data / "config" / "films.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tree = json.loads(file.read_text())
    assert (tree["mail"]["default"]["from"], tree["cors"]["enabled"]) == ("from@example.com", True)
    assert run(*config)[0] == 1
    assert run(*config, "-f")[2].strip() == "Permission denied: Superadmin Only"
    assert run(*config, "-f", "-a", "wrong")[0] == 1
    assert json.loads(file.read_text()) == tree
    assert run(*config, "-f", "-a", token[1])[0] == 0

    assert run("install:database", "-k", "films")[0] == 0
    assert run("install:database", "-k", "films")[2].strip() == "The database already contains system tables."
    assert rows(data, "SELECT count(*) FROM directus_settings") == [(21,)]
    assert rows(data, "SELECT count(*) FROM directus_users") == [(0,)]
    assert run("install:seeder")[0] == 0

    install = ("install:install", "-k", "films", "-t", "Films", "-a", "https://films.example")
    status, shown, _ = run(*install, "-e", "admin@example.com", "-p", "a pass-phrase", "-T", "films-token")
    assert (status, "a pass-phrase" in shown) == (0, False)
    settings = dict(rows(data, "SELECT key, value FROM directus_settings"))
    assert (settings["project_name"], settings["app_url"], len(settings)) == ("Films", "https://films.example", 23)
    users = "SELECT id, email, role, status, first_name, token, locale FROM directus_users"
    admin = (1, "admin@example.com", 1, "active", "Admin", "films-token", "en-US")
    assert rows(data, users) == [admin]
    assert sign_in(data, "films", "admin@example.com", "a pass-phrase") == "1"
    # Again: the settings change, the admin gets another password, generated this time.
    status, shown, _ = run("install:install", "-k", "films", "-t", "More films")
    password = re.search(r"Password: (\S+)", shown)
    assert password is not None
    assert sign_in(data, "films", "admin@example.com", password[1]) == "1"
    assert rows(data, users) == [admin]
    assert dict(rows(data, "SELECT key, value FROM directus_settings"))["project_name"] == "More films"

    change(data, "CREATE TABLE movies (id INTEGER PRIMARY KEY)")
    assert run("install:database", "-k", "films", "-f")[0] == 0
    assert rows(data, "SELECT count(*) FROM directus_users") == [(0,)]
    assert rows(data, "SELECT count(*) FROM movies") == [(0,)]


def test_upgrades_from_the_command_line(run: Run, data: Path) -> None:
    run("project", "create", "films")
    assert run("db:upgrade", "-N", "films")[1] == "Project films: nothing to do\n"
    change(data, "DELETE FROM directus_migrations WHERE version = 20200303111750")
    assert run("doctor", "-k", "films")[0] == 1
    assert run("db:upgrade", "-k", "films")[1] == "Project films: ran AddAuthTtlField\n"
    assert run("db:upgrade")[0] == 0


def test_a_cleared_cache_is_noticed_by_every_process(run: Run, data: Path) -> None:
    run("project", "create", "films")
    before = rows(data, "SELECT max(id) FROM directus_changes")
    assert run("cache:clear", "-N", "films")[1] == "The cache of films is cleared.\n"
    kinds = rows(data, f"SELECT kind FROM directus_changes WHERE id > {before[0][0]} ORDER BY kind")
    assert kinds == [("policy",), ("schema",), ("settings",), ("webhooks",)]


def test_old_log_files_go_and_nothing_else(run: Run, data: Path) -> None:
    logs = data / "logs"
    logs.mkdir(parents=True)
    old = time.time() - 40 * 86400
    for name in ("info.2020-01-01.log", "error.2020-01-01.log", "notes.txt", "maintenance"):
        (logs / name).write_text("x")
        os.utime(logs / name, (old, old))
    (logs / "info.2026-01-01.log").write_text("x")
    outside = data / "outside.log"
    outside.write_text("x")
    os.utime(outside, (old, old))
    (logs / "link.log").symlink_to(outside)
    assert run("log:prune", "50")[1] == "0 log files are gone.\n"
    assert run("log:prune")[1] == "2 log files are gone.\n"
    assert sorted(path.name for path in logs.iterdir()) == [
        "info.2026-01-01.log", "link.log", "maintenance", "notes.txt",
    ]  # fmt: skip
    assert outside.exists()


def test_maintenance(run: Run, data: Path) -> None:
    assert run("maintenance:status")[1] == "maintenance mode is off.\n"
    assert run("maintenance:on")[1] == "maintenance mode is on.\n"
    assert (data / "logs" / "maintenance").exists()
    assert run("maintenance:status")[1] == "maintenance mode is on.\n"
    assert run("maintenance:off")[1] == "maintenance mode is off.\n"
    assert run("maintenance:off")[0] == 0
    assert run("maintenance:status")[1] == "maintenance mode is off.\n"


# Configuration of Directus 8


def test_a_php_file_becomes_a_project_file(run: Run, data: Path, tmp_path: Path) -> None:
    php = tmp_path / "private.films.php"
    php.write_text(PHP)
    status, shown, _ = run("config", "import-php", str(php))
    assert status == 0
    assert "Not taken over, because nothing reads them: feedback\n" in shown
    file = data / "config" / "private.films.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["auth"]["secret_key"] == "a-long-secret-of-films"
    assert run("project", "list")[1].split()[-4:] == ["films", "sqlite:", "films.db", "yes"]
    assert run("config", "import-php", str(php))[0] == 1
    assert run("config", "import-php", str(php), "-f")[0] == 0


@pytest.mark.parametrize(
    "name, text",
    [
        ("films.php", "<?php return ['auth' => ['secret_key' => getenv('SECRET')]];"),
        ("films.php", "<?php return ['auth' => ['secret_key' => 'secret']];"),
        (
            "films.php",
            "<?php return ['database' => ['type' => 'oracle'], 'auth' => ['secret_key' => 'a-long-secret']];",
        ),
        ("server.php", PHP),
        ("_films.php", PHP),
    ],
)
def test_a_php_file_that_will_not_do_changes_nothing(
    run: Run, data: Path, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    status, _, message = run("config", "import-php", str(tmp_path / name))
    assert status == 1
    assert "a-long-secret" not in message
    assert files.find(data) == []


# The doctor


def test_a_fresh_project_is_well(run: Run, data: Path) -> None:
    run("project", "create", "films")
    assert run("doctor", "-p", "films")[:2] == (0, "Project films: nothing odd\n")


def test_the_doctor_looks_asks_and_repairs(run: Run, data: Path) -> None:
    run("project", "create", "films")
    change(
        data,
        "DELETE FROM directus_settings WHERE key = 'file_naming'",
        "INSERT INTO directus_users (status, role, email) VALUES ('active', 77, 'lost@example.com')",
    )
    names = {"settings.missing_keys", "users.dangling_role", "users.no_external_id"}
    status, shown, _ = run("doctor", "-p", "films")
    assert status == 1
    assert names == {word for word in shown.split() if re.fullmatch(r"[a-z]+\.[a-z_]+", word)}
    assert "Nothing was changed. --repair takes care of 3 of 3." in shown
    assert rows(data, "SELECT role FROM directus_users WHERE id = 2") == [(77,)]
    status, shown, _ = run("doctor", "-p", "films", "--repair", "--yes")
    assert status == 0
    assert all(f"Repaired {name}: 1" in shown for name in names)
    assert rows(data, "SELECT role FROM directus_users WHERE id = 2") == [(None,)]
    assert rows(data, "SELECT value FROM directus_settings WHERE key = 'file_naming'") == [("uuid",)]
    assert run("doctor")[0] == 0


# Extensions


def test_extensions_are_listed_and_the_doctor_tells_of_broken_ones(run: Run, data: Path) -> None:
    run("project", "create", "films")
    assert run("extensions")[:2] == (0, "Project films: no extensions\n")
    hooks = data / "extensions" / "custom" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "fine.py").write_text("actions = {'item.create.films:after': print}\n")
    status, shown, _ = run("extensions", "-p", "films")
    assert status == 0
    assert " ".join(shown.split()) == (
        "Project films: one extension hooks extensions/custom/hooks/fine.py item.create.films:after"
    )
    (hooks / "broken.py").write_text("import nothing_of_this_name\n")
    (hooks / "old.php").write_text("<?php return [];\n")
    status, shown, _ = run("extensions")
    assert status == 1
    assert "Project films: 2 extensions" in shown
    assert "ModuleNotFoundError: No module named 'nothing_of_this_name' (broken.py, line 1)" in shown
    assert re.search(r"PHP +extensions/custom/hooks/old.php +not run", shown)
    status, shown, _ = run("doctor")
    assert status == 1
    assert "extensions.not_loaded" in shown
    assert "extensions.php" in shown
    assert "Project films: 2 findings" in shown
    assert run("user", "create", "-p", "films", "-e", "a@example.org")[0] in (0, 1)  # the project opens all the same
    assert run("project", "list")[0] == 0


def test_a_new_key_is_put_in_place(run: Run, data: Path) -> None:
    assert run("config", "rotate-key")[0] == 1
    path = data / "config" / "shop.json"
    path.parent.mkdir(parents=True)
    given = {"database": {"type": "sqlite", "name": "x.db"}, "auth": {"secret_key": "the first secret"}}
    path.write_text(json.dumps(given))
    status, shown, _ = run("config", "rotate-key", "-k", "shop", "--grace", "2")
    assert (status, "signs with a new key" in shown, "the first secret" in shown) == (0, True, False)
    second = json.loads(path.read_text())
    assert len(second["auth"]["secret_key"]) == 43
    assert [one["secret_key"] for one in second["auth"]["retired_keys"].values()] == ["the first secret"]
    assert second["webhooks"] == {"secret": "the first secret"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run("config", "rotate-key", "-k", "shop", "--compromised")[0] == 0
    third = json.loads(path.read_text())
    assert third["auth"]["retired_keys"] == {}
    assert third["auth"]["secret_key"] not in ("the first secret", second["auth"]["secret_key"])
    assert run("config", "rotate-key", "-k", "shop", "--grace", "0")[0] == 1
    path.rename(path.with_suffix(".toml"))
    assert run("config", "rotate-key", "-k", "shop")[0] == 1

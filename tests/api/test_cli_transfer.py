"""The command `tabularium import`: files of every form, whole or in parts, and how it ends."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.cli import main


class Shell:
    """Commands on one project, whose database is an SQLite file."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        try:
            main(list(arguments))
            status: Any = 0
        except SystemExit as end:
            status = end.code or 0
        shown = self._capsys.readouterr()
        return status, shown.out, shown.err

    def file(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.folder / "films.db") as connection:
            found = connection.execute(sql).fetchall()
        connection.close()
        return found


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    for name in ("TABULARIUM_ADMIN_PASSWORD", "TABULARIUM_ADMIN_TOKEN", "DIRECTUS_USE_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TABULARIUM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    with sqlite3.connect(tmp_path / "films.db") as connection:
        connection.execute(
            "CREATE TABLE films (id INTEGER PRIMARY KEY, title VARCHAR(20) NOT NULL UNIQUE, year INTEGER)"
        )
    connection.close()
    found = Shell(tmp_path, capsys)
    status, _, _ = found.run(
        "project", "create", "main", "--database", str(tmp_path / "films.db"), "--password", "x y z"
    )
    assert status == 0
    return found


def test_files_of_every_form(shell: Shell) -> None:
    for name, text in (
        ("a.csv", "title,year\n'=A,1999\nB,\n"),
        ("b.json", '[{"title": "C"}, {"title": "D", "year": 2001}]'),
        ("c.jsonl", '{"title": "E"}\n{"title": "F"}\n'),
    ):
        status, out, _ = shell.run("import", shell.file(name, text), "--collection", "films")
        assert (status, out) == (0, "2 items are created, 0 changed.\n")
    assert shell.rows("SELECT title, year FROM films ORDER BY id") == [
        ("=A", 1999), ("B", None), ("C", None), ("D", 2001), ("E", None), ("F", None),
    ]  # fmt: skip
    assert shell.rows("SELECT count(*) FROM directus_revisions WHERE collection = 'films'") == [(6,)]
    status, out, _ = shell.run(
        "import", shell.file("d.txt", "title;year\nB;7\nG;8\n"), "-c", "films", "--format", "csv", "--delimiter", ";",
        "--key", "title",
    )  # fmt: skip
    assert (status, out) == (0, "1 items are created, 1 changed.\n")
    assert shell.rows("SELECT year FROM films WHERE title IN ('B', 'G') ORDER BY title") == [(7,), (8,)]


def test_the_standard_input(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"title\nA\n"), isatty=lambda: False))
    assert shell.run("import", "-", "-c", "films", "--format", "csv")[0] == 0
    assert shell.rows("SELECT title FROM films") == [("A",)]


def test_whole_or_in_parts(shell: Shell) -> None:
    path = shell.file("a.csv", "title,year\nA,1\n,2\nB,x\nA,3\n")
    status, out, errors = shell.run("import", path, "-c", "films")
    assert (status, out) == (1, "")
    assert "Row 1: title: This value should not be blank." in errors
    assert "Row 2: year: This value should be of type numeric." in errors
    assert shell.rows("SELECT count(*) FROM films") == [(0,)]
    status, out, errors = shell.run("import", path, "-c", "films", "--no-atomic")
    assert (status, out) == (1, "1 items are created, 0 changed.\n")
    assert "Row 1: title: This value should not be blank." in errors
    assert 'Row 3: Duplicate key "A" for collection "films"' in errors
    assert "3 rows were refused" in errors
    assert shell.rows("SELECT title, year FROM films") == [("A", 1)]


def test_many_refused_rows_are_told_in_few_lines(shell: Shell) -> None:
    path = shell.file("a.csv", "title,year\n" + ",1\n" * 300)
    for more in ((), ("--no-atomic",)):
        status, _, errors = shell.run("import", path, "-c", "films", *more)
        assert status == 1
        assert errors.count("Row ") == 20
        assert "… and 280 more." in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing.csv", "-c", "films"), "No such file or directory"),
        (("a.csv", "-c", "nothing"), "Unable to find collection: nothing"),
        (("a.csv", "-c", "films", "-k", "nothing"), "Unknown Project"),
        (("a.txt", "-c", "films"), "The format of the file is not known."),
        (("broken.csv", "-c", "films"), "Line 2: a quote is not closed."),
        (("a.csv", "-c", "films", "--delimiter", "ab"), "This value should be one character."),
        (("other.csv", "-c", "films"), 'Payload fields: "name" does not exist in "films" collection.'),
    ],
)
def test_what_cannot_be_imported(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    for name, text in (
        ("a.csv", "title\nA\n"),
        ("a.txt", "title\nA\n"),
        ("broken.csv", 'title\n"A\n'),
        ("other.csv", "name\nA\n"),
    ):
        shell.file(name, text)
    status, out, errors = shell.run("import", str(shell.folder / arguments[0]), *arguments[1:])
    assert (status, out) == (1, "")
    assert said in errors
    assert shell.rows("SELECT count(*) FROM films") == [(0,)]


def test_a_collection_is_exported_and_comes_back(shell: Shell) -> None:
    shell.run("import", shell.file("a.csv", "title,year\n'=A,1999\n'-B,-5\nC,\n"), "--collection", "films")
    status, out, shown = shell.run("export", "films", "--sort", "-id")
    assert (status, out) == (0, "id,title,year\r\n3,C,\r\n2,'-B,-5\r\n1,'=A,1999\r\n")
    assert "3/3" in shown
    assert (
        shell.run("export", "films", "--format", "ndjson", "--limit", "1", "--fields", "title")[1] == '{"title":"=A"}\n'
    )
    for name in ("films.csv", "films.json", "films.ndjson"):
        before = shell.rows("SELECT id, title, year FROM films ORDER BY id")
        status, out, _ = shell.run("export", "films", "--output", str(shell.folder / name))
        assert (status, out) == (0, "")
        with sqlite3.connect(shell.folder / "films.db") as connection:
            connection.execute("UPDATE films SET title = 'gone ' || id, year = 0")
        connection.close()
        status, out, _ = shell.run("import", str(shell.folder / name), "-c", "films", "--key", "id")
        assert (status, out) == (0, "0 items are created, 3 changed.\n")
        assert shell.rows("SELECT id, title, year FROM films ORDER BY id") == before


def test_an_export_has_the_rights_of_whom_it_is_for(shell: Shell) -> None:
    shell.run("import", shell.file("a.csv", "title\nA\n"), "--collection", "films")
    assert shell.run("export", "films", "--role", "1", "--fields", "title")[1] == "title\r\nA\r\n"
    assert shell.run("export", "films", "--user", "admin@example.com", "--fields", "title")[1] == "title\r\nA\r\n"
    for arguments, said in (
        (("films", "--role", "2"), 'Reading items from "films" collection was denied'),
        (("films", "--role", "77"), 'Item with id "77" not found'),
        (("films", "--user", "nobody@example.com"), "User not found"),
        (("films", "--user", "a@b.c", "--role", "1"), "Either --user or --role"),
        (("nowhere",), "nowhere"),
    ):
        status, out, shown = shell.run("export", *arguments)
        assert (status, out) == (1, "")
        assert said in shown
    status, _, _ = shell.run("export", "films", "-o", str(shell.folder / "no" / "films.csv"))
    assert status == 1

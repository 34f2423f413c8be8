"""`tabularium schema snapshot|diff|apply`: files, plans on the screen, and how the commands end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command: status, output, errors. There are two projects, `main` and `other`."""
    for name in list(os.environ):
        if name.startswith(("TABULARIUM_", "DIRECTUS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TABULARIUM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            main(list(arguments))
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    for key in ("main", "other"):
        assert call("project", "create", key)[0] == 0
    return call


def document(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def test_a_schema_goes_from_one_project_to_another(run: Run, tmp_path: Path) -> None:
    first, file = tmp_path / "first.yaml", tmp_path / "schema.yaml"
    assert run("schema", "snapshot", "-o", str(first)) == (0, "", "")
    assert run("schema", "diff", str(first), "--exit-code") == (0, "Nothing differs.\n", "")
    assert run("schema", "apply", str(first), "--yes") == (0, "Nothing differs.\n", "")

    wanted = document(first)
    wanted["collections"]["films"] = {
        "fields": {
            "id": {"type": "integer", "column": {"datatype": "INT", "primary_key": True, "auto_increment": True}},
            "title": {"type": "string", "column": {"datatype": "VARCHAR", "length": 100, "default": "[x]"}},
        }
    }
    file.write_text(yaml.safe_dump(wanted), "utf-8")
    status, shown, _ = run("schema", "diff", str(file), "--exit-code")
    assert status == 3
    assert [line.split()[:3] for line in shown.splitlines() if line.split()[:1] == ["+"]] == [
        ["+", "collection", "films"],
        ["+", "field", "films.id"],
        ["+", "field", "films.title"],
    ]
    assert 'column.default: "[x]"' in shown
    assert shown.endswith("3 steps, none of them destructive.\n")
    assert run("schema", "diff", str(file))[0] == 0

    # Nobody says yes.
    status, shown, errors = run("schema", "apply", str(file))
    assert (status, "films.title" in shown, "Carry out 3 steps?" in shown + errors) == (1, True, True)
    assert run("schema", "diff", str(file), "--exit-code")[0] == 3

    status, shown, _ = run("schema", "apply", str(file), "--yes")
    assert (status, shown.splitlines()[-1]) == (0, "Done: 3 steps.")
    assert run("schema", "diff", str(file), "--exit-code") == (0, "Nothing differs.\n", "")
    taken = run("schema", "snapshot")[1]
    assert run("schema", "apply", str(file), "--yes", "--project", "other")[0] == 0
    assert run("schema", "snapshot", "-k", "other")[1] == taken

    status, shown, errors = run("schema", "apply", str(first), "--yes")
    assert (status, "its items are lost" in shown) == (1, True)
    assert errors == ("Some steps destroy what is stored. --allow-destructive allows them; nothing was changed.\n")
    assert run("schema", "snapshot")[1] == taken
    assert run("schema", "apply", str(first), "--yes", "--allow-destructive")[0] == 0
    assert run("schema", "snapshot")[1] == first.read_text("utf-8")


def test_json_says_the_same(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    assert run("schema", "snapshot", "--output", str(file))[0] == 0
    assert json.loads(file.read_text("utf-8")) == yaml.safe_load(run("schema", "snapshot")[1])
    assert run("schema", "snapshot", "--format", "json")[1] == file.read_text("utf-8")
    assert run("schema", "diff", str(file), "--exit-code")[0] == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: &a [1]\nb: *a\n", "Aliases are not taken (line 2)\n"),
        ("tabularium: 1\nusers: {}\n", "The document cannot be read: users: is no section of a document\n"),
        ("[", "The document is no YAML: "),
    ],
)
def test_a_file_that_is_no_document_ends_the_command(run: Run, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "schema.yaml"
    file.write_text(text, "utf-8")
    for command in (["diff"], ["apply", "--yes"]):
        status, shown, errors = run("schema", *command, str(file))
        assert (status, shown) == (1, "")
        assert errors.startswith(told)


def test_a_file_that_is_not_there_ends_the_command(run: Run, tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "schema.yaml"
    told = f"{gone}: No such file or directory\n"
    assert run("schema", "diff", str(gone)) == (1, "", told)
    assert run("schema", "snapshot", "-o", str(gone)) == (1, "", told)

"""In charge of holding the tree to the rules of the house; what the rules are stands in rules.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.architecture import rules

ROOT = Path(__file__).resolve().parents[2]

# Longer than MOST_LINES, each with its reason.
LONG_FILES: dict[str, str] = {
    "core.errors": "one tree, leaf after leaf; it is read as a table",
}


@cache
def sources() -> dict[str, Path]:
    files = [path for room in rules.PRODUCT for path in (ROOT / room).rglob("*.py")]
    files += [ROOT / "app.py"] if (ROOT / "app.py").exists() else []
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(files)}


@cache
def modules() -> tuple[rules.Module, ...]:
    known = {name.removesuffix(".__init__") for name in sources()}
    return tuple(rules.parse(name, path.read_text("utf-8"), known) for name, path in sources().items())


def test_the_house_was_found() -> None:
    assert {name.split(".")[0] for name in sources()} >= {"core"}


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule: Callable[[rules.Module], rules.Found]) -> None:
    broken = [f"{module.name}:{line} {what}" for module in modules() for line, what in rule(module)]
    assert not broken, "\n" + "\n".join(broken)


def test_no_imports_in_a_circle() -> None:
    assert rules.cycles(modules()) == []


def test_files_stay_short() -> None:
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in sources().items()}
    too_long = {name for name, lines in lengths.items() if lines > rules.MOST_LINES}
    assert sorted(too_long - LONG_FILES.keys()) == []
    assert sorted(LONG_FILES.keys() - too_long) == [], "no longer long: take it off the list"


def test_every_test_module_says_what_it_is_for() -> None:
    files = sorted((ROOT / "tests").rglob("*.py"))
    silent = [
        str(path.relative_to(ROOT))
        for path in files
        if list(rules.says_what_it_is_for(rules.parse(path.stem, path.read_text("utf-8"))))
    ]
    assert silent == []

"""In charge of which extensions are found and imported, and of what becomes of those that will not do."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from core.endpoints.table import expression
from core.extend.load import Extensions, extensions_of
from core.hooks import Hooks, Payload
from core.hooks.registry import Registered

ACTIONS = "actions = {'item.create:after': lambda payload, context: None}\n"


def put(data: Path, path: str, text: str = ACTIONS) -> None:
    place = data / "extensions" / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def shown(found: Extensions) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.kind, one.place.removeprefix("extensions/"), one.holds) for one in found.listed if one.error is None]


def errors(found: Extensions) -> dict[str, str]:
    return {one.name: one.error for one in found.listed if one.error is not None}


def test_nothing_is_there(tmp_path: Path) -> None:
    assert extensions_of(tmp_path, "main") == Extensions()


def test_what_is_found_and_in_which_order(tmp_path: Path) -> None:
    put(tmp_path, "main/hooks/own.py")
    put(tmp_path, "custom/hooks/b.py")
    put(tmp_path, "custom/hooks/a/hooks.py", "from .rest import actions\n")
    put(tmp_path, "custom/hooks/a/rest.py")
    put(tmp_path, "custom/hooks/_example.py", "raise RuntimeError")
    put(tmp_path, "custom/hooks/.hidden.py", "raise RuntimeError")
    put(tmp_path, "custom/hooks/empty/notes.txt")
    put(tmp_path, "other/hooks/foreign.py", "raise RuntimeError")
    put(tmp_path, "core/hooks/own.py", "raise RuntimeError")
    put(tmp_path, "custom/endpoints/shelf.py", "endpoints = {'': lambda request, context: 1}")
    after = ("item.create:after",)
    assert shown(extensions_of(tmp_path, "main")) == [
        ("hooks", "custom/hooks/a/hooks.py", after),
        ("hooks", "custom/hooks/b.py", after),
        ("endpoints", "custom/endpoints/shelf.py", ("GET /custom/shelf",)),
        ("hooks", "main/hooks/own.py", after),
    ]
    assert [one[1] for one in shown(extensions_of(tmp_path, "custom"))] == [
        "custom/hooks/a/hooks.py", "custom/hooks/b.py", "custom/endpoints/shelf.py"
    ]  # fmt: skip


def test_each_opening_imports_anew(tmp_path: Path) -> None:
    put(tmp_path, "custom/hooks/a.py")
    first = extensions_of(tmp_path, "main").hooks[0].actions[0].call
    put(tmp_path, "custom/hooks/a.py", "def hear(payload, context): return 2\nactions = {'item.create:after': hear}\n")
    second = extensions_of(tmp_path, "main").hooks[0].actions[0].call
    assert (first(None, None), second(None, None)) == (None, 2)


def test_php_is_told_of_and_not_run(tmp_path: Path) -> None:
    put(tmp_path, "custom/hooks/old.php", "<?php return [];")
    put(tmp_path, "custom/hooks/older/hooks.php", "<?php return [];")
    put(tmp_path, "custom/hooks/ported.php", "<?php return [];")
    put(tmp_path, "custom/hooks/ported.py")
    put(tmp_path, "custom/hooks/_example.php", "<?php return [];")
    put(tmp_path, "custom/interfaces/stars/endpoints.php", "<?php return [];")
    found = extensions_of(tmp_path, "main")
    assert [one.removeprefix("extensions/custom/") for one in found.foreign] == [
        "hooks/old.php", "hooks/older/hooks.php", "interfaces/stars/endpoints.php"
    ]  # fmt: skip
    assert [one.name for one in found.listed] == ["ported"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name' (a.py, line 1)"),
        ("def (", "SyntaxError: invalid syntax (a.py, line 1)"),
        ("raise SystemExit(3)", "SystemExit: 3 (a.py, line 1)"),
        ("x = 1", "ValueError: it has neither a function `register` nor mappings `actions` or `filters`"),
        ("actions = {'item.read:after': print}", "ValueError: there is no action 'item.read:after'"),
        ("actions = {'item.create.articles': 7}", "TypeError: 7 is no function"),
        ("filters = {'item.delete:before': print}", "ValueError: there is no filter 'item.delete:before'"),
        ("filters = [1]", "TypeError: filters must be a mapping of events to functions"),
        ("actions = {'response': lambda payload: 1}", "TypeError: <lambda> must take (payload, context)"),
        (
            "def register(hooks):\n    hooks.action('nonsense')\n",
            "ValueError: there is no action 'nonsense' (a.py, line 3)",
        ),
        (
            "def register(hooks):\n    hooks.filter()\n",
            "ValueError: a filter needs the name of an event (a.py, line 3)",
        ),
    ],
)
def test_what_will_not_do_is_listed_and_the_others_work(tmp_path: Path, text: str, error: str) -> None:
    put(tmp_path, "custom/hooks/a.py", ACTIONS + text if text.startswith("def r") else text)
    put(tmp_path, "custom/hooks/b.py")
    found = extensions_of(tmp_path, "main")
    assert errors(found) == {"a": error}
    assert [one.source for one in found.hooks] == ["extensions/custom/hooks/b.py"]


def test_packages_bring_some_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("a_package_of_hooks")

    def register(hooks: Hooks) -> None:
        hooks.filter("item.create:before")(lambda payload, context: payload)

    module.register = register  # type: ignore[attr-defined]
    module.routes = {"/x": lambda request, context: 1}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    points = {
        "tabularium.hooks": [
            EntryPoint("whole", module.__name__, "tabularium.hooks"),
            EntryPoint("function", f"{module.__name__}:register", "tabularium.hooks"),
            EntryPoint("gone", "no_such_package:register", "tabularium.hooks"),
        ],
        "tabularium.endpoints": [EntryPoint("own", f"{module.__name__}:routes", "tabularium.endpoints")],
    }
    monkeypatch.setattr("core.extend.load.entry_points", lambda group: EntryPoints(points[group]))
    found = extensions_of(tmp_path, "main")
    assert shown(found) == [
        ("hooks", "a_package_of_hooks:register (?)", ("item.create:before",)),
        ("hooks", "a_package_of_hooks (?)", ("item.create:before",)),
        ("endpoints", "a_package_of_hooks:routes (?)", ("GET /custom/own/x",)),
    ]
    assert list(errors(found)) == ["gone"]


def test_higher_priorities_come_first_then_the_order_of_registration() -> None:
    modules = [Hooks("one"), Hooks("two")]
    for number, module in enumerate(modules):
        for priority in (0, 100, -100):
            module.action("response", priority=priority)(lambda payload, context: None)
        assert number == modules.index(module)
    ordered = Registered.of(modules).actions["response"]
    assert [(hook.priority, hook.source.partition(":")[0]) for hook in ordered] == [
        (100, "one"), (100, "two"), (0, "one"), (0, "two"), (-100, "one"), (-100, "two")
    ]  # fmt: skip


def test_payloads() -> None:
    payload = Payload({"a": {"b": {"c": 1}}, "d.e": 2, "n": None}, "articles")
    assert (payload.get("a.b.c"), payload.get("d.e"), payload.get("a.x", 9), payload.get("d")) == (1, 2, 9, None)
    assert (payload.has("n"), payload.has("a.b"), payload.has("a.b.c.d")) == (True, True, False)
    payload.set("a", 5)
    payload.remove("n", "nothing")
    assert payload == {"a": 5, "d.e": 2}
    payload.replace({"z": 1})
    assert (payload, payload.collection_name) == ({"z": 1}, "articles")


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        ("", ["", "/"], ["/a"]),
        ("/", ["", "/"], ["/a", "//"]),
        ("/{id}", ["/1", "/a b/"], ["", "/", "/1/2"]),
        ("/{id:[0-9]+}", ["/12"], ["/x", "/"]),
        ("/{id:[0-9]{2}}/x", ["/12/x"], ["/1/x"]),
        ("/a[/{b}[/{c}]]", ["/a", "/a/1", "/a/1/2", "/a/1/2/"], ["/a/1/2/3", "/ab"]),
        ("/a.b+", ["/a.b+"], ["/axb", "/a.bb"]),
    ],
)
def test_patterns(pattern: str, fits: list[str], fails: list[str]) -> None:
    found = expression(pattern)
    assert [path for path in (*fits, *fails) if found.fullmatch(path)] == fits


@pytest.mark.parametrize("pattern", ["/{a", "/{1}", "/{}", "/[a", "/a]", "/[a]/b", "/{a}/{a}", "/{a:(}"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(ValueError, match="/"):
        expression(pattern)


@pytest.mark.parametrize(
    "given",
    [
        [1], {1: print}, {"a": print}, {"/a": 7}, {"/a": {"handler": None}},
        {"/a": {"method": "LOOK", "handler": print}},
        {"/a": {"method": [], "handler": print}}, {"/a": {"method": 7, "handler": print}},
        {"/a": {"group": True}}, {"/a": lambda request: 1},
    ],
)  # fmt: skip
def test_what_is_no_map_of_endpoints(tmp_path: Path, given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("a_package_of_endpoints")
    module.endpoints = given  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    point = EntryPoint("own", module.__name__, "tabularium.endpoints")
    monkeypatch.setattr(
        "core.extend.load.entry_points", lambda group: EntryPoints([point] if group == point.group else [])
    )
    found = extensions_of(tmp_path, "main")
    assert list(errors(found)) == ["own"]
    assert found.endpoints == ()

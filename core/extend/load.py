"""In charge of finding extensions in the data folder and among installed packages, and of importing them, once.

<data>/extensions/{custom,<project>}/{hooks,endpoints}/<name>.py, or <name>/hooks.py, <name>/endpoints.py; names that
begin with `_` are examples. Packages: the entry points `tabularium.hooks` and `tabularium.endpoints`. It runs code of
the operator's and calls none of the functions found.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from core.endpoints.table import Endpoint, endpoint
from core.hooks.registry import Hooks

FOLDER = "extensions"
HOOKS, ENDPOINTS = "hooks", "endpoints"
KINDS = (HOOKS, ENDPOINTS)
SHARED = "custom"
"""Extensions of all projects."""
PREFIX = "tabularium_extension_"
"""How modules of extensions are called among all modules."""
BUNDLED = ("modules", "interfaces")
"""Kinds of extensions of the admin app that may bring endpoints along."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One extension that was found. `place`: its file below the data folder, or its entry point.

    `holds`: the events, or the paths, that it wants. `error`: why it is not loaded.
    """

    kind: str
    name: str
    place: str
    holds: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Extensions:
    """The extensions of a project. `foreign`: PHP files of Directus 8, which are not run."""

    hooks: tuple[Hooks, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    listed: tuple[Listed, ...] = ()
    foreign: tuple[str, ...] = ()


@dataclass(slots=True)
class _Loading:
    """What has been loaded so far."""

    hooks: list[Hooks] = field(default_factory=list)
    endpoints: dict[tuple[str, str], Endpoint] = field(default_factory=dict)
    listed: list[Listed] = field(default_factory=list)


def extensions_of(data: Path, project: str) -> Extensions:
    """Import the extensions of a project: those of all projects, its own, then those of packages; each by name."""
    folder = data / FOLDER
    loading = _Loading()
    foreign: list[str] = []

    def take(kind: str, mount: str, name: str, path: Path) -> None:
        place = path.relative_to(data).as_posix()
        if path.suffix == ".php":
            foreign.append(place)
        else:
            _load(loading, kind, mount, name, place, lambda: _imported(path, kind))

    for origin in dict.fromkeys((SHARED, project)):
        for kind in KINDS:
            for name, path in _files(folder / origin / kind, kind):
                take(kind, SHARED, name, path)
    for origin in ("core", SHARED):
        for bundle in BUNDLED:
            for name, path in _files(folder / origin / bundle, ENDPOINTS, folders_only=True):
                take(ENDPOINTS, bundle, name, path)
    for kind in KINDS:
        for point in sorted(entry_points(group=f"tabularium.{kind}"), key=lambda one: one.name):
            _load(loading, kind, SHARED, point.name, f"{point.value} ({_package(point)})", point.load)
    return Extensions(tuple(loading.hooks), tuple(loading.endpoints.values()), tuple(loading.listed), tuple(foreign))


def _files(folder: Path, kind: str, *, folders_only: bool = False) -> Iterator[tuple[str, Path]]:
    """The extensions of a folder by name: Python files, and PHP ones where there is nothing else of that name."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:  # there is no such folder, which is the usual case
        return
    for entry in entries:
        if entry.name.startswith(("_", ".")):
            continue
        if not folders_only and entry.suffix in (".py", ".php") and entry.is_file():
            if entry.suffix == ".py" or not entry.with_suffix(".py").is_file():
                yield entry.stem, entry
            continue
        inner = next((path for path in (entry / f"{kind}.py", entry / f"{kind}.php") if path.is_file()), None)
        if inner is not None:
            yield entry.name, inner


def _load(loading: _Loading, kind: str, mount: str, name: str, place: str, make: Any) -> None:
    try:
        if kind == ENDPOINTS:
            known = loading.endpoints.get((mount, name))
            if known is not None:
                raise ValueError(f"there is another endpoint of the name {mount}/{name}")
            made = _endpoint((mount, name), place, make())
            loading.endpoints[made.mount] = made
            paths = tuple(f"{' '.join(one.methods)} /{mount}/{name}{one.path}" for one in made.entries)
            loading.listed.append(Listed(kind, name, place, paths))
        if kind == HOOKS:
            found = _hooks(place, make())
            loading.hooks.append(found)
            holds = tuple(dict.fromkeys(hook.event for hook in (*found.filters, *found.actions)))
            loading.listed.append(Listed(kind, name, place, holds))
    except (Exception, SystemExit) as error:
        loading.listed.append(Listed(kind, name, place, error=_told(error)))


def _hooks(place: str, found: Any) -> Hooks:
    """What a module registers: by its function `register`, by mappings `filters` and `actions`, or by both."""
    hooks = Hooks(place)
    if not isinstance(found, ModuleType) and callable(found):
        found(hooks)
        return hooks
    register = getattr(found, "register", None)
    mappings = getattr(found, "filters", None), getattr(found, "actions", None)
    if register is None and mappings == (None, None):
        raise ValueError("it has neither a function `register` nor mappings `actions` or `filters`")
    hooks.take(*(mapping if mapping is not None else {} for mapping in mappings))
    if register is not None:
        register(hooks)
    return hooks


def _endpoint(mount: tuple[str, str], place: str, found: Any) -> Endpoint:
    """What a module mounts: its mapping `endpoints`, or the mapping itself."""
    if isinstance(found, ModuleType) or not isinstance(found, Mapping):
        if not hasattr(found, "endpoints"):
            raise ValueError("it has no mapping `endpoints`")
        found = found.endpoints
    return endpoint(mount, found, place)


def _imported(path: Path, kind: str) -> ModuleType:
    """The module of a file, imported anew. A file in a folder of its own may import its neighbours relatively."""
    own_folder = path.stem == kind and path.parent.name != kind
    name = PREFIX + hashlib.sha256(str(path).encode()).hexdigest()[:16]
    for known in [one for one in sys.modules if one == name or one.startswith(name + ".")]:
        del sys.modules[known]
    if own_folder:
        package = ModuleType(name)
        package.__path__ = [str(path.parent)]
        sys.modules[name] = package
        name = f"{name}.{kind}"
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _told(error: BaseException) -> str:
    """An error as the operator reads it: its kind, its text, the last line of an extension that it came from."""
    where = ""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith(PREFIX):
            where = f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{where}"


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "?"


def problems(found: Extensions) -> Sequence[Listed]:
    """Those that are not loaded."""
    return [one for one in found.listed if one.error is not None]

"""In charge of the files below <data>/config: one a project, and the super admin token. It must not interpret keys."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.settings.tree import ConfigurationError

SUFFIXES = (".json", ".toml")
PRIVATE = "private."
TOKEN_FILE = "__api.json"  # noqa: S105 - the name of a file
KEY = re.compile(r"[0-9A-Za-z_-]+")


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A project file that was found. `stamp` changes when the file does."""

    key: str
    path: Path
    private: bool
    stamp: tuple[int, int, int]


def folder(data: Path) -> Path:
    """Where project files lie."""
    return data / "config"


def stamp(data: Path) -> int:
    """A number that changes whenever a file is added to, replaced in or taken from the folder; 0 without one."""
    try:
        return folder(data).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def find(data: Path) -> list[ProjectFile]:
    """The project files in order of their keys. Names beginning with `_` are none, except `_` itself (spec 01 §13).

    Raises ConfigurationError when two files name the same project.
    """
    found: dict[str, ProjectFile] = {}
    try:
        paths = sorted(folder(data).iterdir())
    except FileNotFoundError:
        return []
    for path in paths:
        name = path.name.removesuffix(path.suffix)
        private = name.startswith(PRIVATE)
        key = name.removeprefix(PRIVATE)
        if path.suffix not in SUFFIXES or not KEY.fullmatch(key) or (key.startswith("_") and key != "_"):
            continue
        try:
            state = path.stat()
        except FileNotFoundError:
            continue  # deleted in between by another process
        if key in found:
            raise ConfigurationError(f"{found[key].path.name} and {path.name} configure the same project")
        found[key] = ProjectFile(key, path, private, (state.st_mtime_ns, state.st_size, state.st_ino))
    return [found[key] for key in sorted(found)]


def read(path: Path) -> Mapping[str, Any]:
    """The nested mapping in a project file. Raises ConfigurationError when it is not JSON or TOML of that form."""
    try:
        if path.suffix == ".toml":
            return tomllib.loads(path.read_text("utf-8"))
        value = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        # The text of a decoding error may quote the file, which holds secrets: only its kind is told.
        raise ConfigurationError(f"{path.name} cannot be read ({type(error).__name__})") from None
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path.name} must hold an object")
    return value


def write(data: Path, key: str, tree: Mapping[str, Any], *, private: bool) -> Path:
    """Write a project's file as JSON, readable by the owner only, whole or not at all. Gives its path."""
    path = folder(data) / f"{PRIVATE if private else ''}{key}.json"
    _write(path, tree)
    return path


def remove(file: ProjectFile) -> None:
    """Delete a project's file; that it is gone already is no error."""
    file.path.unlink(missing_ok=True)


def read_token(data: Path) -> str | None:
    """The super admin token, or None when none was ever stored."""
    path = folder(data) / TOKEN_FILE
    if not path.exists():
        return None
    token = read(path).get("super_admin_token")
    return token if isinstance(token, str) and token else None


def write_token(data: Path, token: str) -> None:
    """Store the super admin token, readable by the owner only."""
    _write(folder(data) / TOKEN_FILE, {"super_admin_token": token})


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A leading dot and an odd suffix: a half-written file is never taken for a project.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with suppress(FileNotFoundError):
        temporary.unlink()
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=2, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

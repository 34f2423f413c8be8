"""In charge of what the creation of a project takes, and of making its configuration from it (spec 01 §11.3).

It reads nothing and makes nothing; it only looks where paths lead. What comes over HTTP is not trusted with paths and
commands; the operator at the command line is.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from core.auth.hashing import LONGEST
from core.auth.login import BLANK, EMAIL, NO_EMAIL
from core.errors import Problem, ValidationFailed
from core.settings.config import DIALECTS
from core.settings.files import folder
from core.settings.tree import FALSE_TEXTS, plain

INVALID = "This value is not valid."
KEY = re.compile(r"[0-9A-Za-z_-]{1,64}")
RESERVED = frozenset({
    "server", "interfaces", "modules", "layouts", "types", "projects", "admin", "uploads", "downloads", "extensions",
    "gql", "graphql",
})  # fmt: skip
SQLITE_FILE = re.compile(r"[\w./ -]{1,200}")
REQUIRED = ("project", "super_admin_token", "db_name", "db_user", "user_email", "user_password")
FLAGS = ("private", "force", "existing")
BRANCHES = ("cache", "storage", "auth", "rate_limit", "mail", "cors")
COLUMN_SIZES = {"user_email": 128, "user_token": 255}


@dataclass(frozen=True, slots=True)
class NewProject:
    """A valid request for a project. `tree`: its configuration as it is written."""

    key: str
    private: bool
    force: bool
    existing: bool
    super_admin_token: str = field(repr=False)
    user_email: str = ""
    user_password: str = field(default="", repr=False)
    user_token: str | None = field(default=None, repr=False)
    project_name: str = "Directus"
    app_url: str = ""
    timezone: str = "UTC"
    locale: str = "en-US"
    tree: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, body: Mapping[str, Any], data: Path, *, trusted: bool = False) -> NewProject:
        """A request from a body as spec 01 §11.3 has it.

        `trusted`: it comes from the operator: no super admin token, any path, no user when the tables are kept.
        Raises ValidationFailed with all problems, required attributes first and in their order.
        """
        problems = [*_required(body, trusted), *_forms(body)]
        if not trusted:
            problems += _unsafe(body, data)
        if problems:
            raise ValidationFailed.of(problems)
        existing = _flag(body, "existing")
        return cls(
            key=body["project"],
            private=_flag(body, "private"),
            force=_flag(body, "force") and not existing,
            existing=existing,
            super_admin_token=str(body.get("super_admin_token") or ""),
            user_email=str(body.get("user_email") or ""),
            user_password=str(body.get("user_password") or ""),
            user_token=body.get("user_token") or None,
            project_name=body.get("project_name") or "Directus",
            app_url=body.get("app_url") or "",
            timezone=body.get("timezone") or "UTC",
            locale=body.get("locale") or "en-US",
            tree=_tree(body),
        )


def _dialect(body: Mapping[str, Any]) -> str | None:
    kind = body.get("db_type") or "mysql"
    return DIALECTS.get(kind.lower()) if isinstance(kind, str) else None


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    return value.strip().lower() not in FALSE_TEXTS if isinstance(value, str) else bool(value)


def _required(body: Mapping[str, Any], trusted: bool) -> list[Problem]:
    left_out = {"db_user"} if _dialect(body) == "sqlite" else set()
    if trusted:
        left_out.add("super_admin_token")
        if _flag(body, "existing"):
            left_out |= {"user_email", "user_password"}
    problems = []
    for name in REQUIRED:
        value = body.get(name)
        blank = value is None or (isinstance(value, str) and not value.strip())
        if blank and name not in left_out:
            problems.append(Problem((name,), BLANK))
        elif not blank and not _fits(name, value):
            problems.append(Problem((name,), NO_EMAIL if name == "user_email" else INVALID))
    return problems


def _fits(name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    match name:
        case "project":
            usable = KEY.fullmatch(value) and value.lower() not in RESERVED
            return bool(usable) and (not value.startswith("_") or value == "_")
        case "user_email":
            return EMAIL.fullmatch(value) is not None and len(value) <= COLUMN_SIZES["user_email"]
        case "user_password":
            return len(value.encode()) <= LONGEST
    return "\0" not in value


def _forms(body: Mapping[str, Any]) -> list[Problem]:
    problems = []
    if _dialect(body) is None:
        problems.append(Problem(("db_type",), INVALID))
    port = body.get("db_port")
    if port not in (None, "") and not (str(port).isdecimal() and 0 < int(str(port)) < 65536):
        problems.append(Problem(("db_port",), INVALID))
    texts = ("db_host", "db_password", "db_socket", "user_token", "project_name", "app_url", "timezone", "locale")
    for name in (*texts, "mail_from", "logs_path"):
        value = body.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > COLUMN_SIZES.get(name, 1000)):
            problems.append(Problem((name,), INVALID))
    problems += [Problem((name,), INVALID) for name in BRANCHES if not isinstance(body.get(name) or {}, Mapping)]
    return problems


def _unsafe(body: Mapping[str, Any], data: Path) -> list[Problem]:
    """Paths that lead out of the data folder, and commands."""
    found: dict[str, Any] = {"logs_path": body.get("logs_path")}
    if _dialect(body) == "sqlite" and _fits("db_name", body.get("db_name")):
        found["db_name"] = body["db_name"]
    storage = _branch(body, "storage")
    for name in ("root", "thumb_root"):
        # The root of a remote store is a prefix of keys, but what looks like a way out is refused there as well.
        found[f"storage.{name}"] = storage.get(plain(name))
    pool = _branch(body, "cache").get("pool")
    if isinstance(pool, Mapping):
        found["cache.pool.path"] = {plain(str(key)): value for key, value in pool.items()}.get("path")
    problems = [
        Problem((name,), INVALID)
        for name, value in found.items()
        if value not in (None, "") and not _inside(value, data, strict=name == "db_name")
    ]
    for block in _transports(body).values():
        said = {plain(str(key)): value for key, value in block.items()} if isinstance(block, Mapping) else {}
        if "sendmail" in said:
            problems.append(Problem(("mail.sendmail",), INVALID))
        if said.get("path") not in (None, "") and not _inside(said["path"], data, strict=False):
            problems.append(Problem(("mail.path",), INVALID))
    return problems


def _transports(body: Mapping[str, Any]) -> dict[str, Any]:
    """The mail transports by name. What stands beside them is of the one called `default`, as installers send it."""
    found = _branch(body, "mail")
    beside = {name: value for name, value in found.items() if not isinstance(value, Mapping)}
    named = {name: value for name, value in found.items() if isinstance(value, Mapping)}
    return {**named, "default": {**beside, **named.get("default", {})}} if beside else named


def _branch(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    return {plain(str(key)): inner for key, inner in value.items()} if isinstance(value, Mapping) else {}


def _inside(value: Any, data: Path, *, strict: bool) -> bool:
    """Whether a path is relative, has no `..`, and lies below the data folder after links are followed."""
    if not isinstance(value, str) or "\0" in value or "\\" in value or ":" in value:
        return False
    path = Path(value)
    if path.is_absolute() or ".." in path.parts:
        return False
    base = data.resolve()
    target = (base / path).resolve()
    if target == base or not target.is_relative_to(base):
        return False
    # A database must not be made among the configuration files, nor be named so that options hide in the name.
    return not strict or (SQLITE_FILE.fullmatch(value) is not None and not target.is_relative_to(folder(base)))


def _tree(body: Mapping[str, Any]) -> dict[str, Any]:
    key = body["project"]
    dialect = _dialect(body)
    database: dict[str, Any] = {"type": dialect, "name": body["db_name"]}
    if dialect != "sqlite":
        database |= {
            "host": body.get("db_host") or "localhost",
            "port": int(body["db_port"]) if body.get("db_port") else None,
            "username": body["db_user"],
            "password": body.get("db_password") or "",
            "socket": body.get("db_socket") or "",
        }
    cors = {"enabled": body.get("cors_enabled", True), "max_age": 600, "credentials": True}
    storage = {
        "adapter": "local",
        "root": f"public/uploads/{key}/originals",
        "root_url": f"/uploads/{key}/originals",
        "thumb_root": f"public/uploads/{key}/generated",
    }
    tree: dict[str, Any] = {
        "database": database,
        "auth": {"secret_key": secrets.token_urlsafe(32), "public_key": str(uuid4())},
        "cors": cors,
        "storage": storage,
        "mail": {"default": {"from": body.get("mail_from") or "admin@example.com"}},
    }
    if body.get("logs_path"):
        tree["logger"] = {"path": body["logs_path"]}
    for name in BRANCHES:
        given = _transports(body) if name == "mail" else body.get(name) or {}
        tree[name] = _merged(tree.get(name, {}), given, key)
        if not tree[name]:
            del tree[name]
    return tree


def _merged(base: Mapping[str, Any], given: Mapping[str, Any], project: str) -> dict[str, Any]:
    """What was given over what is usual; keys match in any spelling, `{{project}}` is the project's key."""
    names = {plain(name): name for name in base}
    result = dict(base)
    for name, value in given.items():
        known = names.get(plain(str(name)), str(name))
        inner = result.get(known)
        if isinstance(value, Mapping):
            result[known] = _merged(inner if isinstance(inner, Mapping) else {}, value, project)
        elif value is not None:
            result[known] = value.replace("{{project}}", project) if isinstance(value, str) else value
    return result

"""A copy of the admin app below /admin/ (clients spec 2.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

import rest_adapter
from app import compose
from core.settings import ConfigurationError, Settings
from rest_adapter.admin import NOTE, AdminFiles
from schema import execute
from tests import projects as make

SECRET = "a secret"
PAGE = "<!doctype html><title>App</title>"
FILES = {
    "index.html": PAGE,
    "script.js": "// yours",
    "style.css": "/* yours */",
    "manifest.webmanifest": "{}",
    "favicon.ico": "ico",
    "js/app.0a1b2c3d.js": "app()",
    "js/app.0a1b2c3d.js.map": "{}",
    "js/tinymce.min.js": "editor()",
    "css/app.0a1b2c3d.css": "a {}",
    "fonts/sans-0123456789abcdef.woff2": "font",
    "img/logo.0a1b2c3d.svg": "<svg/>",
    "img/plain.png": "png",
    ".env": SECRET,
    ".git/config.js": SECRET,
    "js/.hidden.js": SECRET,
}
REVALIDATED, FOR_EVER = "no-cache", "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("app")
    for name, text in FILES.items():
        place = found / "build" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (found / "secret.js").write_text(SECRET)
    (found / "build" / "js" / "link.js").symlink_to(found / "secret.js")
    (found / "build" / "js" / "env.js").symlink_to("../.env")
    (found / "build" / "out").symlink_to(found)
    (found / "build" / "js" / "folder.js").mkdir()
    return found / "build"


@pytest.fixture(scope="module")
async def app(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    async with make.projects(tmp_path_factory.mktemp("data"), admin_path=folder, admin_policy="default-src *") as found:
        yield compose(found)


async def ask(app: Any, path: str, method: str = "GET", root: str = "", **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app, root_path=root)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.example.com") as client:
        return await client.request(method, root + path, headers=headers)


@pytest.mark.parametrize(
    ("path", "text", "kind", "cache"),
    [
        ("", PAGE, "text/html; charset=utf-8", REVALIDATED),
        ("index.html", PAGE, "text/html; charset=utf-8", REVALIDATED),
        ("main/collections", PAGE, "text/html; charset=utf-8", REVALIDATED),
        ("js", PAGE, "text/html; charset=utf-8", REVALIDATED),
        ("js/", PAGE, "text/html; charset=utf-8", REVALIDATED),
        ("script.js", "// yours", "text/javascript; charset=utf-8", REVALIDATED),
        ("style.css", "/* yours */", "text/css; charset=utf-8", REVALIDATED),
        ("manifest.webmanifest", "{}", "application/manifest+json", REVALIDATED),
        ("favicon.ico", "ico", "image/x-icon", REVALIDATED),
        ("js/app.0a1b2c3d.js", "app()", "text/javascript; charset=utf-8", FOR_EVER),
        ("js/app.0a1b2c3d.js.map", "{}", "application/json", FOR_EVER),
        ("js/tinymce.min.js", "editor()", "text/javascript; charset=utf-8", REVALIDATED),
        ("css/app.0a1b2c3d.css", "a {}", "text/css; charset=utf-8", FOR_EVER),
        ("fonts/sans-0123456789abcdef.woff2", "font", "font/woff2", FOR_EVER),
        ("img/logo.0a1b2c3d.svg", "<svg/>", "image/svg+xml", FOR_EVER),
        ("img/plain.png", "png", "image/png", REVALIDATED),
    ],
)
async def test_files_and_the_app(app: Any, path: str, text: str, kind: str, cache: str) -> None:
    found = await ask(app, f"/admin/{path}")
    assert (found.status_code, found.text) == (200, text)
    told = {name: found.headers[name] for name in ("content-type", "cache-control", "x-frame-options")}
    assert told == {"content-type": kind, "cache-control": cache, "x-frame-options": "SAMEORIGIN"}
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers.get("content-security-policy") == ("default-src *" if text == PAGE else None)
    again = await ask(app, f"/admin/{path}", **{"If-None-Match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await ask(app, f"/admin/{path}", "HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(text)))


@pytest.mark.parametrize(
    "path",
    [
        "js/icons/default/icons.js",
        "nosuch.css",
        ".env",
        ".git/config.js",
        "js/.hidden.js",
        "js/link.js",
        "js/env.js",
        "js/folder.js",
        "out/secret.js",
        "%2e%2e/secret.js",
        "js/..%2f..%2fsecret.js",
        "js/..%5c..%5csecret.js",
        "js/app.0a1b2c3d.js%00.js",
        "%2fetc%2fpasswd.js",
        "/etc/passwd.js",
    ],
)
async def test_everything_else_is_not_there(app: Any, path: str) -> None:
    found = await ask(app, f"/admin/{path}")
    assert SECRET not in found.text
    assert (found.status_code, found.content) == (404, NOTE)
    assert found.headers["content-type"] == "text/html; charset=utf-8"


async def test_the_app_needs_its_slash(app: Any) -> None:
    for root in ("", "/cms"):
        found = await ask(app, "/admin", root=root)
        assert (found.status_code, found.headers["location"]) == (302, "./admin/")
        assert (await ask(app, "/admin/", root=root)).text == PAGE
        assert (await ask(app, "/", root=root)).headers["location"] == "./admin/"


async def test_nothing_is_written_there(app: Any) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        found = await ask(app, "/admin/index.html", method)
        assert (found.status_code, found.json()["error"]["code"], found.headers["allow"]) == (
            405, 6, "GET, HEAD, OPTIONS",
        )  # fmt: skip


async def test_without_an_app_there_is_a_note(tmp_path: Path) -> None:
    async with make.projects(tmp_path) as found:
        for path in ("/admin/", "/admin", "/admin/index.html", "/admin/js/app.js"):
            answer = await ask(compose(found), path)
            assert (answer.status_code, answer.content) == (404, NOTE)


async def test_a_folder_without_an_app_is_told(tmp_path: Path) -> None:
    with capture_logs() as logs:
        files = AdminFiles(tmp_path / "nosuch")
    assert [(log["event"], log["folder"]) for log in logs] == [("no admin app there", str(tmp_path / "nosuch"))]
    async with make.projects(tmp_path) as found:
        answer = await ask(rest_adapter.app(found, execute, admin=files), "/admin/")
    assert (answer.status_code, answer.content) == (404, NOTE)


def test_where_it_is_configured(tmp_path: Path) -> None:
    given = {"TABULARIUM_ADMIN_PATH": str(tmp_path), "TABULARIUM_ADMIN_POLICY": "default-src 'self'"}
    settings = Settings.read(given)
    assert (settings.admin_path, settings.admin_policy) == (tmp_path, "default-src 'self'")
    assert (Settings.read({}).admin_path, Settings.read({}).admin_policy) == (None, None)
    with pytest.raises(ConfigurationError):
        Settings.read({"TABULARIUM_ADMIN_POLICY": "a\r\nSet-Cookie: b"})

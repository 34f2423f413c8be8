"""Extensions of the admin app: their lists, and their files below /extensions (files spec 8.3)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.newsroom import Newsroom, newsroom

HERE = {"X-Directus-Project": "main"}
STARS = {"id": "ignored", "name": "Stars", "version": "1.0.0", "icon": "star", "types": ["integer"], "path": "/etc"}
SECRET = "a secret"


def _write(folder: Path, path: str, text: str | bytes) -> None:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(text.encode() if isinstance(text, str) else text)


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Newsroom]:
    folder = tmp_path_factory.mktemp("extensions")
    data = folder / "data"
    async with newsroom(f"sqlite:///{folder}/x.db", data) as found:
        yield found


@pytest.fixture(scope="module")
def files(api: Newsroom) -> Path:
    """The folder of extensions, with some of each kind and things that must not be seen."""
    folder = api.projects.settings.data / "extensions"
    _write(folder, "custom/interfaces/star-rating/meta.json", json.dumps(STARS))
    _write(folder, "custom/interfaces/star-rating/input.js", "export default 1")
    _write(folder, "custom/interfaces/star-rating/Input.CSS", "a {}")
    _write(folder, "custom/interfaces/star-rating/secret.py", SECRET)
    _write(folder, "custom/interfaces/star-rating/secret.php", SECRET)
    _write(folder, "custom/interfaces/star-rating/.env.json", SECRET)
    _write(folder, "custom/interfaces/broken/meta.json", "{not json")
    _write(folder, "custom/interfaces/listed/meta.json", "[1]")
    _write(folder, "custom/interfaces/_draft/meta.json", json.dumps({"name": 7}))
    _write(folder, "custom/interfaces/without-meta/input.js", "1")
    _write(folder, "custom/interfaces/meta.json", "{}")
    _write(folder, "core/interfaces/zzz/meta.json", json.dumps({"name": "Z"}))
    _write(folder, "core/auth/github/icon.svg", "<svg/>")
    _write(folder, "custom/hooks/h/secret.js", SECRET)
    _write(folder, "custom/mail/secret.html", SECRET)
    _write(folder.parent, "outside/secret.js", SECRET)
    (folder / "custom/interfaces/star-rating/link.js").symlink_to(folder.parent / "outside/secret.js")
    (folder / "custom/interfaces/star-rating/hook.js").symlink_to(folder / "custom/hooks/h/secret.js")
    (folder / "custom/interfaces/star-rating/code.js").symlink_to("secret.py")
    (folder / "custom/interfaces/linked").symlink_to(folder.parent / "outside")
    _write(folder.parent, "outside/meta.json", json.dumps({"name": SECRET}))
    return folder


async def _list(api: Newsroom, path: str) -> Any:
    answer = await api.ask("GET", path, headers=HERE)
    assert answer.status_code == 200
    return answer.json()


async def test_a_plain_installation_has_none(api: Newsroom) -> None:
    for kind in ("interfaces", "layouts", "modules"):
        assert await _list(api, f"//{kind}") == {"data": []}


async def test_lists(api: Newsroom, files: Path) -> None:
    path = "extensions/custom/interfaces/{}/meta.json"
    found = await _list(api, "//interfaces")
    assert found == {
        "data": [
            {"id": "zzz", "path": "extensions/core/interfaces/zzz/meta.json", "name": "Z"},
            {"id": "_draft", "path": path.format("_draft"), "name": 7},
            {"id": "broken", "path": path.format("broken")},
            {"id": "listed", "path": path.format("listed")},
            {
                "id": "star-rating",
                "path": path.format("star-rating"),
                "name": "Stars",
                "version": "1.0.0",
                "icon": "star",
                "types": ["integer"],
            },
        ]
    }
    assert list(found["data"][0])[:2] == ["id", "path"]
    assert await _list(api, "//layouts") == {"data": []}
    typed = await api.graphql("{ server_interfaces { id name path json } }")
    assert typed["data"]["server_interfaces"][1] == {
        "id": "_draft", "name": None, "path": path.format("_draft"), "json": found["data"][1],
    }  # fmt: skip


async def test_files_are_served_to_everybody(api: Newsroom, files: Path) -> None:
    base = "//extensions/custom/interfaces/star-rating"
    found = await api.ask("GET", f"{base}/input.js", None)
    assert (found.status_code, found.text) == (200, "export default 1")
    headers = {name: found.headers[name] for name in ("content-type", "x-content-type-options", "cache-control")}
    assert headers == {
        "content-type": "text/javascript; charset=utf-8",
        "x-content-type-options": "nosniff",
        "cache-control": "no-cache",
    }
    again = await api.ask("GET", f"{base}/input.js", None, headers={"If-None-Match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await api.ask("HEAD", f"{base}/input.js", None)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "16")
    assert (await api.ask("GET", f"{base}/Input.CSS", None)).headers["content-type"] == "text/css; charset=utf-8"
    assert (await api.ask("GET", f"{base}/meta.json", None)).json() == STARS
    icon = await api.ask("GET", "//extensions/core/auth/github/icon.svg", None)
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")


@pytest.mark.parametrize(
    "path",
    [
        "custom/interfaces/star-rating/nosuch.js",
        "custom/interfaces/star-rating/secret.py",
        "custom/interfaces/star-rating/secret.php",
        "custom/interfaces/star-rating/.env.json",
        "custom/interfaces/star-rating/link.js",
        "custom/interfaces/star-rating/hook.js",
        "custom/interfaces/star-rating/code.js",
        "custom/interfaces/linked/secret.js",
        "custom/interfaces/star-rating",
        "custom/interfaces/star-rating/",
        "custom/interfaces/meta.json",
        "custom/hooks/h/secret.js",
        "custom/mail/secret.html",
        "custom/interfaces/../hooks/h/secret.js",
        "custom/interfaces/%2e%2e/hooks/h/secret.js",
        "custom/interfaces/star-rating/..%2f..%2fhooks/h/secret.js",
        "custom/interfaces/star-rating/..%2f..%2f..%2f..%2foutside%2fsecret.js",
        "custom/interfaces/star-rating/%2e%2e/%2e%2e/%2e%2e/%2e%2e/outside/secret.js",
        "custom/interfaces/star-rating/..%5c..%5csecret.js",
        "custom/interfaces/star-rating/secret.py%00.js",
        "custom/interfaces/star-rating/%2fetc%2fpasswd.js",
        "custom//interfaces/star-rating/secret.js",
        "other/interfaces/star-rating/input.js",
        "",
    ],
)
async def test_everything_else_is_not_found(api: Newsroom, files: Path, path: str) -> None:
    found = await api.ask("GET", f"//extensions/{path}", None)
    assert SECRET not in found.text
    assert (found.status_code, found.json()) == (404, {"error": {"code": 1, "message": "Not Found"}})


async def test_nothing_is_written_there(api: Newsroom, files: Path) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert await api.refusal(method, "//extensions/custom/interfaces/star-rating/input.js") == (405, 6)

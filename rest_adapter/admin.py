"""In charge of the operator's own copy of the admin app, as files below `/admin/` (clients spec 2.1). It ships none.

The app finds the API by its own URL: everything before the first segment `admin`. Its routes stand behind `#`, so that
a path without a suffix is the app itself, and one with a suffix is a file, or not there.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from rest_adapter import errors
from rest_adapter.reply import Reply, error_reply
from rest_adapter.request import Request

ADMIN = "admin"
INDEX = "index.html"
HASHED = re.compile(r".*[.-][0-9a-f]{8,}\.(?:[^/]+\.)?[a-z0-9]+", re.IGNORECASE)
FOLDERS = frozenset({"js", "css", "fonts", "img"})
"""Where a build puts files that have a digest of their content in their names."""
FOR_EVER = "public, max-age=31536000, immutable"
TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
"""Suffixes that machines know by different names, or by none."""
NOTE = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>No admin app</title>
<p>This server has no admin app of its own. <code>TABULARIUM_ADMIN_PATH</code> names the folder of yours.</p>
</html>
"""


class AdminFiles:
    """The files below a folder; None where there is none. An ASGI application for requests that middleware has located.

    `policy`: the `Content-Security-Policy` of the page, if any: the app has styles and scripts within its pages.
    """

    def __init__(self, folder: Path | None, policy: str | None = None) -> None:
        self._folder = folder
        self._policy = policy
        self._files = None if folder is None else StaticFiles(directory=folder, check_dir=False)
        if folder is not None and not (folder / INDEX).is_file():
            structlog.get_logger().warning("no admin app there", folder=str(folder))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a GET: a file, the app, 304, or 404; 405 for other methods."""
        request: Request = scope["tabularium.request"]
        if request.method != "GET":
            await error_reply(errors.METHOD_NOT_ALLOWED, [(b"allow", b"GET, HEAD, OPTIONS")]).send(send)
        elif self._folder is None or self._files is None:
            await _not_here().send(send)
        elif len(request.called) == 1 and not scope["path"].endswith("/"):
            await Reply(302, b"", [(b"location", b"./admin/")]).send(send)
        else:
            await self._file(self._folder, self._files, request, receive, send)

    async def _file(self, folder: Path, files: StaticFiles, request: Request, receive: Any, send: Any) -> None:
        below = request.called[1:]
        if not below or "." not in below[-1]:
            below = (INDEX,)
        try:
            if not await asyncio.to_thread(_is_served, folder, below):
                raise HTTPException(404)
            response = await files.get_response(os.path.join(*below), request.scope)
        except HTTPException:
            await _not_here().send(send)
            return
        hashed = len(below) > 1 and below[0] in FOLDERS and HASHED.fullmatch(below[-1])
        response.headers["cache-control"] = FOR_EVER if hashed else "no-cache"
        response.headers["x-content-type-options"] = "nosniff"
        response.headers["x-frame-options"] = "SAMEORIGIN"
        if self._policy and Path(below[-1]).suffix == ".html":
            response.headers["content-security-policy"] = self._policy
        known = TYPES.get(Path(below[-1]).suffix.lower())
        if known is not None and response.status_code in (200, 206):
            response.headers["content-type"] = known
        await response(request.scope, receive, send)


def _is_served(folder: Path, below: Sequence[str]) -> bool:
    """Whether a path names a file of the folder, not hidden, where all links lead to places within the folder."""
    if any(not name or name.startswith(".") or any(sign in name for sign in "/\\\0") for name in below):
        return False
    try:
        root = folder.resolve()
        found = root.joinpath(*below).resolve(strict=True)
        inside = found.relative_to(root).parts
    except (OSError, ValueError):
        return False
    return found.is_file() and not any(name.startswith(".") for name in inside)


def _not_here() -> Reply:
    return Reply(404, NOTE, [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-cache")])

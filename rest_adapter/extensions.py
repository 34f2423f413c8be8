"""In charge of the files of extensions, which the admin app loads by script tag, without signing in (spec 04 §8.3).

Only files of the kinds that an app loads are served: never Python or PHP, nothing that a link finds elsewhere.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from core.errors import NotFound
from rest_adapter import errors
from rest_adapter.reply import error_reply
from rest_adapter.request import Request

ORIGINS = frozenset({"core", "custom"})
KINDS = frozenset({"interfaces", "layouts", "modules", "auth"})
TYPES: Mapping[str, str] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".map": "application/json",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".html": "text/html; charset=utf-8",
}
"""Suffixes that are served, and as what."""


class ExtensionFiles:
    """The files below a folder. An ASGI application for requests that middleware has located."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = StaticFiles(directory=folder, check_dir=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a GET: the file, 304, or 404; 405 for other methods."""
        request: Request = scope["tabularium.request"]
        if request.method != "GET":
            await error_reply(errors.METHOD_NOT_ALLOWED, [(b"allow", b"GET, HEAD, OPTIONS")]).send(send)
            return
        below = request.called[1:]
        try:
            if not await asyncio.to_thread(self._is_served, below):
                raise NotFound
            response = await self._files.get_response(os.path.join(*below), scope)
        except (NotFound, HTTPException):
            await error_reply(errors.answer(NotFound())).send(send)
            return
        response.headers["x-content-type-options"] = "nosniff"
        response.headers["cache-control"] = "no-cache"
        if response.status_code == 200:
            response.headers["content-type"] = TYPES[Path(below[-1]).suffix.lower()]
        await response(scope, receive, send)

    def _is_served(self, below: Sequence[str]) -> bool:
        """Whether the path, and the file that it leads to when links are followed, are among what is served."""
        if not is_allowed(below):
            return False
        try:
            folder = self._folder.resolve()
            return is_allowed(folder.joinpath(*below).resolve(strict=True).relative_to(folder).parts)
        except (OSError, ValueError):
            return False


def is_allowed(below: Sequence[str]) -> bool:
    """Whether a path below the folder of extensions may be served at all, by its names alone."""
    if len(below) < 4 or below[0] not in ORIGINS or below[1] not in KINDS:
        return False
    if any(name.startswith(".") or not name or any(sign in name for sign in "/\\\0") for name in below):
        return False
    return Path(below[-1]).suffix.lower() in TYPES

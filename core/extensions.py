"""In charge of which extensions of the admin app lie in the data folder (spec 04 §8.3). It runs none of them.

<data>/extensions/{core,custom}/{interfaces,layouts,modules}/<id>/meta.json
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson

FOLDER = "extensions"
ORIGINS = ("core", "custom")
KINDS = ("interfaces", "layouts", "modules")
META = "meta.json"
LARGEST_META = 1024 * 1024


async def listed(data: Path, kind: str) -> list[dict[str, Any]]:
    """The extensions of a kind, core ones first, by name: `id`, `path` of the description, and what it says.

    A description that cannot be read as an object says nothing. `data`: the data folder; `kind`: one of KINDS.
    """
    return await asyncio.to_thread(_listed, data / FOLDER, kind)


def _listed(folder: Path, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for origin in ORIGINS:
        try:
            names = sorted(entry.name for entry in (folder / origin / kind).iterdir())
        except OSError:  # there is no such folder, which is the usual case
            continue
        for name in names:
            said = _said(folder, folder / origin / kind / name / META)
            if said is not None:
                path = "/".join((FOLDER, origin, kind, name, META))
                found.append({**said, "id": name, "path": path})
    return [{"id": one.pop("id"), "path": one.pop("path"), **one} for one in found]


def _said(folder: Path, meta: Path) -> dict[str, Any] | None:
    """What a description says; None where there is none, or a link leads out of the folder of extensions."""
    try:
        if not meta.is_file() or not meta.resolve().is_relative_to(folder.resolve()):
            return None
        said = orjson.loads(meta.read_bytes()) if meta.stat().st_size <= LARGEST_META else None
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}

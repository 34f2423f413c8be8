"""In charge of values that no column holds as it is shown: `data` of a file, masked secrets. Pure."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from core.catalog.model import Snapshot

TFA_MASK = "**********"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the items of a node hold. `fields`: response key → field; `rows`: keys of the item in its REST form."""

    collection: str
    fields: tuple[tuple[str, str], ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """What shaping knows of the request: caller, base URL, mount path, project, settings of the project."""

    user: int
    project: str
    base_url: str
    mount: str
    root_url: str
    snapshot: Snapshot
    seen: Callable[[Shown, list[dict[str, Any]]], Awaitable[None]] | None = None
    """Looks at items before anybody else does, and may change what they show; nobody where there are no such hooks."""


MASKS: Mapping[tuple[str, str], Callable[[Any], Any]] = {
    ("directus_users", "2fa_secret"): lambda value: TFA_MASK if value else None,
    ("directus_users", "password_reset_token"): lambda value: None,
}

THUMBNAIL_TYPES = frozenset(
    {"image/jpeg", "image/gif", "image/png", "image/webp", "image/tiff", "image/vnd.adobe.photoshop"}
)


def file_data(row: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
    """The virtual field `data` of a file (spec 04 §4): full_url, url, asset_url, thumbnails, embed."""
    url = f"{scene.root_url.rstrip('/')}/{quote(str(row.get('filename_disk') or ''))}"
    absolute = "://" in url or url.startswith("//")
    naming = scene.snapshot.setting("asset_url_naming") or "private_hash"
    alias = row.get("filename_download" if naming == "filename_download" else "private_hash") or ""
    path = f"/{scene.project}/assets/{quote(str(alias), safe='')}"
    return {
        "full_url": url if absolute else f"{scene.base_url}/{url.lstrip('/')}",
        "url": url,
        "asset_url": scene.mount + path,
        "thumbnails": _thumbnails(row, scene, path),
        "embed": _embed(row),
    }


def _thumbnails(row: Mapping[str, Any], scene: Scene, path: str) -> list[dict[str, Any]] | None:
    kind = row.get("type") or ""
    if not kind.startswith("image/") or kind == "image/svg+xml":
        return None
    sizes = [*_sizes(scene, "asset_whitelist_system"), *_sizes(scene, "asset_whitelist")]
    if kind not in THUMBNAIL_TYPES:  # no transformation: the six system keys show the original (clients spec 2.4)
        sizes = _sizes(scene, "asset_whitelist_system")
    found = []
    for size in sizes:
        key, width, height = str(size.get("key", "")), _int(size.get("width")), _int(size.get("height"))
        target = f"{path}?key={quote(key)}" if kind in THUMBNAIL_TYPES else path
        found.append(
            {
                "key": key,
                "url": f"{scene.base_url}{target}",
                "relative_url": scene.mount + target,
                "dimension": f"{width}x{height}",
                "width": width,
                "height": height,
            }
        )
    return found


def _sizes(scene: Scene, setting: str) -> list[dict[str, Any]]:
    try:
        found = orjson.loads(scene.snapshot.setting(setting) or "[]")
    except orjson.JSONDecodeError:
        return []
    return [size for size in found if isinstance(size, dict)] if isinstance(found, list) else []


def _int(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _embed(row: Mapping[str, Any]) -> dict[str, str] | None:
    kind, embed = row.get("type"), row.get("embed")
    if not embed or kind not in ("embed/youtube", "embed/vimeo"):
        return None
    width, height, name = _int(row.get("width")), _int(row.get("height")), html.escape(str(embed), quote=True)
    if kind == "embed/youtube":
        source, page = f"https://www.youtube.com/embed/{name}", f"https://www.youtube.com/watch?v={embed}"
    else:
        source, page = (
            f"https://player.vimeo.com/video/{name}?title=0&byline=0&portrait=0",
            f"https://vimeo.com/{embed}",
        )
    frame = f'<iframe width="{width}" height="{height}" src="{source}" frameborder="0" allowfullscreen></iframe>'
    return {"html": frame, "url": page}


COMPUTED: Mapping[str, Callable[[Mapping[str, Any], Scene], Any]] = {"file_data": file_data}

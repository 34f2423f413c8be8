"""In charge of the door to stored files by their names on the disk: `/uploads/…` and `/downloads/…` (spec 04 §5.1).

Whoever knows a name may have the file, as with a web server in front of the folder; a project says whether that is so.
Nothing is sent here: the answer is a handle.
"""

from __future__ import annotations

from urllib.parse import quote

from core.assets import Asset
from core.errors import NotFound
from core.files.handle import Stored, media_of, tag
from core.files.kinds import type_of
from core.files.storage import BadName, NotStored
from core.session import Session

DAY = 86400


async def stored_file(session: Session, name: str, folder: str | None = None, *, proxied: bool = False) -> Asset:
    """An original, or with `folder` a variant. `proxied`: from whatever storage, where the project does that.

    Raises NotFound for what is not there or not public, StorageFailed.
    """
    project, config = session.project, session.project.config
    if config.get("assets.private"):
        raise NotFound
    if proxied:
        if not config.get("storage.proxy_downloads"):
            raise NotFound
    elif project.storage.adapter != "local" or not config.get("storage.public_originals"):
        raise NotFound
    area = project.storage.originals if folder is None else project.storage.generated
    try:
        stat = await area.head(name if folder is None else f"{folder}/{name}")
    except (BadName, NotStored):
        raise NotFound from None
    cache = f"max-age={_seconds(session)}" if proxied else "no-cache"
    place = "/".join(quote(part, safe="") for part in (project.key, *_steps(folder, proxied), name))
    url = f"{session.context.base_url}/{'downloads' if proxied else 'uploads'}/{place}"
    return Asset(url, Stored(area, stat, media_of(type_of(name)), name, tag(stat.etag, stat.size), cache=cache))


def _steps(folder: str | None, proxied: bool) -> tuple[str, ...]:
    if proxied:
        return ()
    return ("originals",) if folder is None else ("generated", folder)


def _seconds(session: Session) -> int:
    text = (session.snapshot.setting("proxy_downloads_cache_ttl") or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else DAY

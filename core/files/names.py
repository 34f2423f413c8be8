"""In charge of the names of files (spec 04 §3.4, 3.6): on the disk and for downloads, and titles made of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from core.files.kinds import extension
from core.files.storage import fits

LONGEST = 255
"""Characters of the columns."""
LONGEST_EXTENSION = 20
NAMELESS = "file"
STAGED, KEPT = "tabularium-new-", "tabularium-old-"
"""How names begin of bytes that have no row yet, and of bytes that are being replaced. Clients give no such names."""

_RUNS = re.compile(r"[^\w.^]+")
_OTHERS = re.compile(r"[^a-z0-9_.-]")
_FORMER = re.compile(re.escape(KEPT) + r"([0-9]+)-([0-9]+)-[0-9a-f]{32}")
_HIDDEN = re.compile(r"[\x00-\x1f\x7f]")


def plain(name: str) -> str:
    """The last segment of a client's path, without what no name shows."""
    last = _HIDDEN.sub("", name.replace("\\", "/")).rpartition("/")[2].strip()
    return last if last not in (".", "..") else ""


def title_of(name: str) -> str:
    """The title of a file that was given none: `My_photo-1.JPG` → `My Photo 1`."""
    base = plain(name)
    stem = base.rpartition(".")[0] if "." in base else base
    words = stem.lower().replace("_", " ").replace("-", " ")
    return re.sub(r"(^|[ \t\r\n\f\v])(\w)", lambda found: found[1] + found[2].upper(), words)[:LONGEST]


def former(key: object, seconds: int, chance: str) -> str:
    """The name of bytes of a file that are being replaced, until that is stored. `seconds`: of the epoch."""
    return f"{KEPT}{key}-{seconds}-{chance}"


def read_former(name: str) -> tuple[int, int] | None:
    """The key of the file and the seconds in a name that `former` gave."""
    found = _FORMER.fullmatch(name)
    return (int(found[1]), int(found[2])) if found else None


def by_id(name: str, new_id: UUID) -> str:
    """A random name with the extension of `name`."""
    return sanitised(f"{new_id}.{_clean(extension(plain(name)))}")


def sanitised(name: str) -> str:
    """The name that a file gets on the disk where names are kept: ASCII, lower case, one segment, never hidden."""
    text = _OTHERS.sub("", _RUNS.sub("-", plain(name)).strip("-").lower())
    stem, dot, end = text.rpartition(".")
    if not dot:
        stem, end = text, ""
    end = end[:LONGEST_EXTENSION].strip("-")
    while stem.startswith((STAGED, KEPT)):
        stem = stem.removeprefix(STAGED).removeprefix(KEPT)
    stem = stem.lstrip(".")[: LONGEST - LONGEST_EXTENSION - 8] or NAMELESS
    return f"{stem}.{end}" if end else stem


def numbered(name: str, number: int) -> str:
    """The name with a number before its extension: for one that is taken."""
    stem, dot, end = name.rpartition(".")
    return f"{stem}-{number}.{end}" if dot else f"{name}-{number}"


def is_blocked(name: str, blocked: Iterable[str]) -> bool:
    """Whether another web server might run a file of this name: any of its extensions is one of `blocked`."""
    endings = {part.lower() for part in name.split(".")[1:]}
    return not endings.isdisjoint(one.lower().lstrip(".") for one in blocked)


def is_disk_name(name: object) -> bool:
    """Whether a client may give a file this name on the disk: one segment, not hidden, at most 255 characters."""
    if not isinstance(name, str) or name.lower().startswith((STAGED, KEPT)):
        return False
    return ".." not in name and name == name.strip() and len(name) <= LONGEST and fits(name)


def _clean(end: str) -> str:
    return _OTHERS.sub("", end)

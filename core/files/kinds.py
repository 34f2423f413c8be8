"""In charge of the types of files: by the extension of a name, and by the first bytes (spec 04 §3.4). Pure.

What a client declares is not looked at anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

UNKNOWN = "application/octet-stream"
TEXT = "text/plain"
HTML, SVG, XML = "text/html", "image/svg+xml", "application/xml"
HEAD = 8192
"""Bytes that are looked at."""

TYPES: Mapping[str, str] = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "png": "image/png", "gif": "image/gif",
    "webp": "image/webp", "avif": "image/avif", "svg": SVG, "bmp": "image/bmp", "tif": "image/tiff",
    "tiff": "image/tiff", "heic": "image/heic", "heif": "image/heif", "ico": "image/x-icon",
    "psd": "image/vnd.adobe.photoshop", "jp2": "image/jp2",
    "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "wav": "audio/wav", "ogg": "audio/ogg",
    "oga": "audio/ogg", "opus": "audio/ogg", "flac": "audio/flac", "mid": "audio/midi", "midi": "audio/midi",
    "aif": "audio/aiff", "aiff": "audio/aiff", "weba": "audio/webm",
    "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "mov": "video/quicktime", "qt": "video/quicktime",
    "ogv": "video/ogg", "avi": "video/x-msvideo", "mkv": "video/x-matroska", "wmv": "video/x-ms-wmv",
    "mpg": "video/mpeg", "mpeg": "video/mpeg", "3gp": "video/3gpp", "flv": "video/x-flv",
    "txt": TEXT, "log": TEXT, "csv": "text/csv", "tsv": "text/tab-separated-values", "md": "text/markdown",
    "html": HTML, "htm": HTML, "xhtml": "application/xhtml+xml", "css": "text/css", "js": "text/javascript",
    "mjs": "text/javascript", "json": "application/json", "geojson": "application/geo+json", "xml": XML,
    "yaml": "application/yaml", "yml": "application/yaml", "ics": "text/calendar", "vcf": "text/vcard",
    "vtt": "text/vtt",
    "srt": "application/x-subrip", "gpx": "application/gpx+xml", "kml": "application/vnd.google-earth.kml+xml",
    "pdf": "application/pdf", "rtf": "application/rtf", "ps": "application/postscript", "eps": "application/postscript",
    "ai": "application/postscript", "epub": "application/epub+zip",
    "doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation", "odg": "application/vnd.oasis.opendocument.graphics",
    "zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip", "tar": "application/x-tar",
    "bz2": "application/x-bzip2", "xz": "application/x-xz", "7z": "application/x-7z-compressed",
    "zst": "application/zstd",
    "rar": "application/x-rar-compressed",
    "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf",
    "eot": "application/vnd.ms-fontobject", "swf": "application/x-shockwave-flash", "wasm": "application/wasm",
    "exe": "application/x-msdownload", "sqlite": "application/x-sqlite3",
}  # fmt: skip
"""Extension → type; what is not here is UNKNOWN."""

EXTENSIONS: Mapping[str, str] = {
    "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "image/avif": "avif",
    "image/svg+xml": "svg", "image/bmp": "bmp", "image/tiff": "tif", "image/heic": "heic", "image/x-icon": "ico",
    "image/vnd.microsoft.icon": "ico", "image/vnd.adobe.photoshop": "psd", "application/pdf": "pdf",
}  # fmt: skip
"""Type of what is fetched → extension of its name."""

SAME: Mapping[str, str] = {
    "image/apng": "image/png", "image/jpx": "image/jp2", "audio/x-flac": "audio/flac", "audio/x-wav": "audio/wav",
    "audio/x-aiff": "audio/aiff", "video/x-m4v": "video/mp4", "application/font-woff": "font/woff",
    "application/font-sfnt": "font/ttf",
}  # fmt: skip
"""Names of the library for types that have another one in TYPES."""

CONTAINERS: Mapping[str, tuple[str, ...]] = {
    "application/zip": ("application/vnd.", "application/epub+zip"),
    "application/x-ole-storage": ("application/msword", "application/vnd.ms-"),
    "application/postscript": ("application/postscript",),
    "application/pdf": ("application/postscript",),
    "font/ttf": ("font/otf",),
    "font/woff": ("font/woff2",),
    "audio/ogg": ("video/ogg",),
    "audio/mp4": ("video/mp4",),
    "video/mp4": ("audio/mp4", "video/quicktime", "video/3gpp"),
    "video/webm": ("audio/webm", "video/x-matroska"),
    "video/x-matroska": ("video/webm", "audio/webm"),
    "image/heic": ("image/heif",),
}
"""Type by the first bytes → beginnings of types that are kept in such a container and cannot be told from it."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARK = re.compile(rb"\s*(?:<!--.*?(?:-->|\Z)\s*)*<(!doctype\s+[a-z]+|\?xml|[a-z]+)", re.IGNORECASE | re.DOTALL)
_ACTIVE = re.compile(
    rb"<\s*(?:!doctype\s+html|html|head|body|script|iframe|style|title|meta|table|img|a\s|div|p\s*>|h1)", re.IGNORECASE
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def extension(name: str) -> str:
    """The extension of a name in lower case, without its dot; "" without one."""
    _, dot, found = name.rpartition(".")
    return found.lower() if dot else ""


def type_of(name: str) -> str:
    """The type that a name says."""
    return TYPES.get(extension(name), UNKNOWN)


def sniffed(head: bytes, by_name: str) -> str:
    """The type that the first HEAD bytes say; where they leave it open, `by_name` if it fits them."""
    import filetype  # type: ignore[import-untyped]

    found = filetype.guess(head)
    kind = SAME.get(found.mime, found.mime) if found is not None else None
    if kind in (None, "application/octet-stream"):
        kind = "application/x-ole-storage" if head.startswith(_OLE) else _text(head, by_name)
    return by_name if by_name.startswith(CONTAINERS.get(kind, ("\x00",))) else kind


def is_text(head: bytes) -> bool:
    """Whether bytes are the beginning of text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if _CONTROL.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) >= HEAD  # cut within a character
    return True


def _text(head: bytes, by_name: str) -> str:
    if not is_text(head):
        return UNKNOWN
    body = head.removeprefix(b"\xef\xbb\xbf")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        body = head.decode("utf-16", "replace").encode()
    marked = _markup(body)
    if marked is not None:
        return by_name if marked == XML and by_name.endswith("+xml") and by_name != SVG else marked
    textual = by_name.startswith("text/") or by_name in ("application/json", "application/yaml", "application/rtf")
    textual = textual or by_name in ("application/geo+json", "application/x-subrip", "application/postscript")
    return by_name if textual and by_name != HTML else TEXT


def _markup(body: bytes) -> str | None:
    """What text is if a browser might take it for more than text."""
    begins = _MARK.match(body)
    if begins is not None:
        word = begins[1].lower()
        if word == b"svg" or (word.startswith((b"?xml", b"!doctype")) and b"<svg" in body.lower()):
            return SVG
        if word == b"?xml" or (word.startswith(b"!doctype") and not word.endswith(b"html")):
            return HTML if b"<html" in body.lower() else XML
        if _ACTIVE.match(body[begins.start(1) - 1 :]):
            return HTML
        return XML
    return None


def allowed(whitelist: str | None, *kinds: str) -> bool:
    """Whether a list such as `image/*, application/pdf` has all of the types; an empty one has any."""
    entries = _entries(whitelist)
    return not entries or all(_listed(entries, kind) for kind in kinds)


def _entries(whitelist: str | None) -> tuple[str, ...]:
    return tuple(entry for one in (whitelist or "").split(",") if (entry := one.strip().lower()))


def _listed(entries: Iterable[str], kind: str) -> bool:
    return any(entry in (kind, "*/*", kind.partition("/")[0] + "/*") for entry in entries)

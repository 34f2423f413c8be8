"""In charge of slugs (spec 03 §8.5): ASCII words of a title, joined by hyphens. Pure; looks at no other row.

Uniqueness is the database's to enforce.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from core.catalog.model import Collection
from core.types.structured import scalar_text

# Letters that Unicode does not take apart, or takes apart otherwise than German and its neighbours write them.
LETTERS: Mapping[str, str] = {
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS",
    "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "ng", "Ŋ": "NG",
}  # fmt: skip
CYRILLIC = (
    "а a б b в v г g д d е e ё e ж zh з z и i й j к k л l м m н n о o п p р r с s т t у u ф f х h ц c ч ch ш sh щ sh "
    "ы y э e ю yu я ya і i ї yi є ye ґ g ў u ђ dj ј j љ lj њ nj ћ c џ dz"
)
GREEK = "α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o"
SILENT = "ъь"


def _table() -> dict[int, str]:
    table = {ord(letter): text for letter, text in LETTERS.items()}
    words = f"{CYRILLIC} {GREEK}".split()
    for letter, text in zip(words[::2], words[1::2], strict=True):
        table[ord(letter)] = text
        if letter != "ς":
            table[ord(letter.upper())] = text.capitalize()
    for letter in SILENT:
        table[ord(letter)] = table[ord(letter.upper())] = ""
    return table


TABLE: Mapping[int, str] = _table()
OTHERS = re.compile(r"[^A-Za-z0-9]+")


def slugify(text: str, *, lowercase: bool = True, limit: int | None = None) -> str:
    """The slug of a text, at most `limit` characters; "" when nothing of it is a letter or digit."""
    composed = unicodedata.normalize("NFC", text).translate(TABLE)
    plain = "".join(char for char in unicodedata.normalize("NFKD", composed) if not unicodedata.combining(char))
    slug = OTHERS.sub("-", plain.translate(TABLE)).strip("-")
    if lowercase:
        slug = slug.lower()
    return slug if limit is None else slug[:limit].rstrip("-")


def slugs(collection: Collection, payload: Mapping[str, Any]) -> dict[str, str]:
    """Values of the slug fields that follow their source: it is sent and a string, the slug itself is not sent."""
    found: dict[str, str] = {}
    for field in collection.columns:
        options = field.options or {}
        source = options.get("mirroredField")
        if field.type != "slug" or field.name in payload or not isinstance(source, str) or source not in payload:
            continue
        mirrored = collection.fields.get(source)
        value = payload[source]
        if mirrored is None or mirrored.type != "string" or isinstance(value, (list, tuple, dict)):
            continue
        lowercase = _flag(options.get("forceLowercase", True))
        limit = field.column.characters if field.column else None
        found[field.name] = slugify(scalar_text(value), lowercase=lowercase, limit=limit)
    return found


def _flag(value: Any) -> bool:
    return value not in (False, 0, None, "", "0", "false")

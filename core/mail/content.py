"""In charge of what users may put into a mail: placeholders filled, and of HTML what harms no reader. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

PLACEHOLDER = re.compile(r"\{\{\s*([\w-]+(?:\.[\w-]+)*)\s*\}\}")
TAGS = frozenset({
    "b", "i", "a", "p", "br", "hr", "button", "h1", "h2", "h3", "h4", "h5",
    "table", "thead", "tbody", "tfoot", "th", "tr", "td",
})  # fmt: skip
ANYWHERE = frozenset({"align", "class", "dir", "height", "id", "lang", "style", "title", "valign", "width"})
OF_TABLES = frozenset({"bgcolor", "border", "cellpadding", "cellspacing"})
OF_CELLS = frozenset({"bgcolor", "colspan", "rowspan", "scope"})
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "*": ANYWHERE,
    "a": frozenset({"href", "name", "target"}),
    "table": OF_TABLES,
    "tr": frozenset({"bgcolor"}),
    "td": OF_CELLS,
    "th": OF_CELLS,
}
STYLES = frozenset({
    "background-color", "border", "border-bottom", "border-collapse", "border-color", "border-left", "border-radius",
    "border-right", "border-style", "border-top", "border-width", "color", "display", "font", "font-family",
    "font-size", "font-style", "font-weight", "height", "letter-spacing", "line-height", "margin", "margin-bottom",
    "margin-left", "margin-right", "margin-top", "max-width", "min-width", "padding", "padding-bottom", "padding-left",
    "padding-right", "padding-top", "text-align", "text-decoration", "text-transform", "vertical-align", "width",
})  # fmt: skip
"""Properties that lay a mail out; none of them loads anything."""
SCHEMES = frozenset({"http", "https", "mailto", "tel"})


def filled(text: str, data: Mapping[str, Any] | Sequence[Any], *, html: bool) -> str:
    """The text with `{{name}}` and `{{a.b}}` replaced by values of `data`, escaped in HTML.

    A placeholder without a value stays as it is, so that it is seen; what is no scalar is none.
    """

    def value(match: re.Match[str]) -> str:
        found: Any = data
        for step in match[1].split("."):
            found = _below(found, step)
        shown = _shown(found)
        if shown is None:
            return match[0]
        return escape(shown) if html else shown

    return PLACEHOLDER.sub(value, text)


def clean(html: str) -> str:
    """HTML with the tags that mails may have, without whatever runs, loads or lies over the rest."""
    import nh3

    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes=set(SCHEMES),
        filter_style_properties=set(STYLES),
        link_rel=None,
    )


def _below(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal():
        return value[int(step)] if len(step) < 7 and int(step) < len(value) else None
    return None


def _shown(value: Any) -> str | None:
    if isinstance(value, bool):
        return "1" if value else ""
    return str(value) if isinstance(value, str | int | float) else None

"""In charge of the texts of mails: those in the folder of extensions, else ours, as Jinja templates in a sandbox.

<data>/extensions/<project>/mail, then <data>/extensions/custom/mail; names end in `.twig` or `.html`. Simple templates
of Directus 8 work as they are (spec 04 §8.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import MailFailed

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

OWN = Path(__file__).parent / "templates"
SUFFIXES = (".twig", ".html")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def folders(data: Path, project: str) -> tuple[Path, ...]:
    """Where the templates of a project are looked for, in this order. `data`: the data folder."""
    extensions = data / "extensions"
    return (extensions / project / "mail", extensions / "custom" / "mail", OWN)


def render(places: tuple[Path, ...], name: str, variables: Mapping[str, Any], *, escape: bool = True) -> str:
    """The text of a template. `escape`: values are text in HTML. Reads files.

    Raises MailFailed when it is not there or wrong.
    """
    from jinja2 import TemplateError

    try:
        return _environment(places, escape).get_template(name).render(variables)
    except (TemplateError, ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise MailFailed(f'The mail template "{name}" cannot be used.') from error


@lru_cache(maxsize=64)
def _environment(places: tuple[Path, ...], escape: bool) -> ImmutableSandboxedEnvironment:
    from jinja2 import FunctionLoader
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from markupsafe import Markup

    made = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(lambda name: _found(places, name)),
        autoescape=escape,
        auto_reload=True,
    )
    made.filters["raw"] = Markup  # as Twig calls it
    return made


def _found(places: tuple[Path, ...], name: str) -> tuple[str, str, Callable[[], bool]] | None:
    here = _where(places, name)
    if here is None:
        return None
    return here[0].read_text("utf-8"), str(here[0]), lambda: _where(places, name) == here


def _where(places: tuple[Path, ...], name: str) -> tuple[Path, int] | None:
    """The first file of this name, and when it was changed."""
    stem = _stem(name)
    if not NAME.fullmatch(stem):
        return None
    for place in places:
        for suffix in SUFFIXES:
            path = place / (stem + suffix)
            try:
                return path, path.stat().st_mtime_ns
            except OSError:
                continue
    return None


def _stem(name: str) -> str:
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name

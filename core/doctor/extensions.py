"""In charge of looking at extensions: those that cannot be imported, and those of Directus 8. It imports them to know.

There is no repair: what a file shall be is known to who wrote it.
"""

from __future__ import annotations

import asyncio

from core.doctor.finding import SAMPLES, Check, Finding, Look
from core.extend.load import extensions_of, problems


async def not_loaded(look: Look) -> Finding | None:
    """Hooks and endpoints that the server goes without."""
    found = problems(await asyncio.to_thread(extensions_of, look.data, look.config.key))
    if not found:
        return None
    samples = tuple(f"{one.place}: {one.error}" for one in found[:SAMPLES])
    return Finding("extensions.not_loaded", "extensions that cannot be loaded", len(found), samples)


async def in_php(look: Look) -> Finding | None:
    """Hooks and endpoints of Directus 8."""
    found = (await asyncio.to_thread(extensions_of, look.data, look.config.key)).foreign
    if not found:
        return None
    told = "extensions in PHP, which are not run: write them in Python"
    return Finding("extensions.php", told, len(found), found[:SAMPLES])


CHECKS: tuple[Check, ...] = (not_loaded, in_php)

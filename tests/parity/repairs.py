"""In charge of bringing our state back to the recorded one where a listed difference has left another behind.

Without it one difference would show again in every later answer. Every entry is owed to a row of docs/differences.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Repair:
    """A request of the admin. `path`: in recorded ids, or in our own where it takes them from the answer: `{0…}`."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A row that no request can delete. `statement`: SQL of every dialect, on the database of the project `main`.

    `first`: the collection, where it was the first row: those to come have numbers higher by one.
    """

    statement: str
    first: str | None = None


REPAIRS: Mapping[str, tuple[Repair | Forgotten, ...]] = {
    # v8 kept no history of a new password; there is no other update yet.
    "auth.password.reset": (
        Forgotten("DELETE FROM directus_revisions", first="directus_revisions"),
        Forgotten("DELETE FROM directus_activity WHERE action = 'update'"),
    ),
    # v8 failed; here the collection is made.
    "collections.create.boolean_default_false": (Repair("DELETE", "/main/collections/booldef"),),
    # v8 failed; here the article is made, and its junction row.
    "items.create.article.m2m_scalar_id": (
        Repair("DELETE", "/main/items/articles_categories/{0[data][categories][0][id]}?activity_skip=1"),
        Repair("DELETE", "/main/items/articles/{0[data][id]}?activity_skip=1"),
    ),
    # v8 had changed and deleted what came before the fault.
    "items.read.after_partial_batch": (Repair("PATCH", "/main/items/articles/3", {"views": 77}),),
    "items.read.after_delete_batch_missing": (Repair("DELETE", "/main/items/articles/8"),),
}
"""Name of a record → what is sent after it, where it was answered with success."""

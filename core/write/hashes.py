"""In charge of hashing plaintexts before the transaction begins: it is slow on purpose, and must not hold a write lock.

Nobody gets work done for a collection that he may not write at all.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.access.policy import NONE, Policy
from core.auth.hashing import Cost, hash_field
from core.catalog.model import Field
from core.frozen import EMPTY
from core.types.write import Refused, accept
from core.write.change import Node

Hashes = Mapping[tuple[str, str, str], str]
"""(collection, field, plaintext) → hash."""


async def hashes(policy: Policy, nodes: tuple[Node, ...], dialect: str, cost: Cost, *, known: Hashes = EMPTY) -> Hashes:
    """The hashes of all plaintexts, each made once, beside those already `known`. Raises UnknownHasher (422/1000)."""
    found: dict[tuple[str, str, str], str] = dict(known)
    for field, text in _plaintexts(policy, nodes, dialect):
        if (field.collection, field.name, text) not in found:
            found[field.collection, field.name, text] = await hash_field(field, text, cost)
    return found


def _plaintexts(policy: Policy, nodes: tuple[Node, ...], dialect: str) -> list[tuple[Field, str]]:
    found: list[tuple[Field, str]] = []
    for node in nodes:
        name = node.collection.name
        if node.verb == "delete" or not any(policy.any_level(name, action) > NONE for action in ("create", "update")):
            continue
        for sent, value in node.payload.items():
            field = node.collection.fields[sent]
            if field.type != "hash" or value is None or field.column is None:
                continue
            try:
                text = accept(field, value, dialect=dialect)
            except Refused:
                continue  # validation will say so
            if isinstance(text, str):
                found.append((field, text))
    return found

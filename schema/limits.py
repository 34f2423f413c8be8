"""In charge of how large a document may be. Looks at the text's shape only, before anything is validated or run.

Everything is counted with fragments spread, in one pass that does each fragment once, so a document that doubles itself
in every fragment is refused at the price of its own length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from core.settings import ProjectConfig


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client's document may have at most.

    `relations`: levels of related items; root field, `data` and the leaf come on top. `fields`: leaves and branches
    after fragments are spread; it bounds what one document can cost. `operations`: of one socket at a time.
    `rows`: items of all its lists together, but for one that is sent while it is read.
    """

    length: int = 200_000
    tokens: int = 8_000
    relations: int = 10
    fields: int = 2_000
    root_fields: int = 100
    aliases: int = 500
    batch: int = 20
    operations: int = 100
    rows: int = 10_000

    @classmethod
    def of(cls, config: ProjectConfig) -> Limits:
        """The limits of a project: keys below `graphql` of its configuration."""
        return cls(
            tokens=config.get("graphql.max_tokens"),
            relations=config.get("graphql.max_depth"),
            fields=config.get("graphql.max_fields"),
            batch=config.get("graphql.max_batch"),
            operations=config.get("graphql.max_operations"),
            rows=config.get("graphql.max_rows"),
        )


DEFAULT = Limits()
FRAME = 3
"""Levels of a list that are no relation: root field, `data`, leaf."""
INTROSPECTION = ("__schema", "__type")


@dataclass(frozen=True, slots=True)
class _Size:
    depth: int = 0
    fields: int = 0
    aliases: int = 0


def check(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """What is too much, one error a kind; empty when the document may be validated."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    known: dict[str, _Size | None] = {}
    errors: list[GraphQLError] = []
    for node in document.definitions:
        if not isinstance(node, OperationDefinitionNode):
            continue
        size = _selections(node.selection_set, fragments, known)
        roots = _roots(node.selection_set, fragments)
        for what, found, most in (
            ("deep", size.depth, limits.relations + FRAME),
            ("large", size.fields, limits.fields),
            ("wide at its root", roots, limits.root_fields),
            ("rich in aliases", size.aliases, limits.aliases),
        ):
            if found > most:
                errors.append(GraphQLError(f"The query is too {what}: at most {most} is allowed.", node))
    return errors


def _selections(
    selections: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    known: dict[str, _Size | None],
) -> _Size:
    depth = fields = aliases = 0
    for node in selections.selections:
        if isinstance(node, FieldNode):
            fields += 1
            aliases += node.alias is not None
            inner = _selections(node.selection_set, fragments, known) if node.selection_set else _Size()
            # Introspection nests deeply by nature; graphql-core's own rule bounds what of it can explode.
            depth = max(depth, 1 if node.name.value in INTROSPECTION else inner.depth + 1)
        elif isinstance(node, InlineFragmentNode):
            inner = _selections(node.selection_set, fragments, known)
            depth = max(depth, inner.depth)
        else:
            assert isinstance(node, FragmentSpreadNode)
            inner = _fragment(node.name.value, fragments, known)
            depth = max(depth, inner.depth)
        fields += inner.fields
        aliases += inner.aliases
    return _Size(depth, fields, aliases)


def _fragment(name: str, fragments: Mapping[str, FragmentDefinitionNode], known: dict[str, _Size | None]) -> _Size:
    if name in known:
        return known[name] or _Size()  # None: it contains itself, which validation refuses
    if name not in fragments:
        return _Size()
    known[name] = None
    found = _selections(fragments[name].selection_set, fragments, known)
    known[name] = found
    return found


def _roots(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    count = 0
    seen: set[str] = set()
    waiting = [selections]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                count += 1
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                if node.name.value in fragments:
                    waiting.append(fragments[node.name.value].selection_set)
    return count

"""In charge of reading a payload in v8's free form into nodes (spec 03 §9). Pure: it looks at names and shapes only.

Nothing is judged here: unknown names, elements without key and the like are noted on the node, because who may write
comes before what is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.catalog.model import TO_MANY_TYPES, Collection, Snapshot, ToMany, ToOne
from core.errors import ItemNotFound, Path, Problem, Unprocessable
from core.frozen import EMPTY
from core.query.change import WriteRequest
from core.types.cast import Uncastable
from core.types.cast import key as cast_key
from core.write.autofill import stamped
from core.write.change import Node, Parent, Place, Verb

MAX_DEPTH = 10
DELETE = "$delete"
FILES, CONTENT = "directus_files", "data"

BEFORE, SELF, REMOVED, AFTER = 0, 1, 2, 3
ROOT: Place = ((SELF, ""),)


def normalize(snapshot: Snapshot, request: WriteRequest) -> tuple[Node, ...]:
    """The nodes of a request. Raises Unprocessable: what is no object, has no key in a batch, is nested too deep."""
    collection = snapshot.collections[request.collection]
    builder = _Builder(snapshot)
    sent: tuple[Any, ...] = request.payloads
    for number, payload in enumerate(sent, request.first):
        if not isinstance(payload, Mapping):  # v8 takes a list for an object whose keys are numbers
            message = f'Payload fields: "0" does not exist in "{collection.name}" collection.'
            raise Unprocessable(message, problems=[Problem((number,), message)] if request.batch else ())
    if request.action == "delete":
        for text in dict.fromkeys(request.keys or ()):
            builder.root("delete", collection, {}, text, ())
    elif request.action == "revert":
        for text in dict.fromkeys(request.keys or ()):
            builder.root("update", collection, {}, text, ())
    elif request.keys is not None:
        payload = request.payloads[0] if request.payloads else {}
        for text in dict.fromkeys(request.keys):
            builder.root("update", collection, payload, text, ())
    else:
        for number, payload in enumerate(request.payloads, request.first):
            path: Path = (number,) if request.batch else ()
            builder.from_list(request, collection, payload, path)
    return tuple(builder.nodes)


@dataclass(slots=True)
class _Builder:
    """Collects nodes while it walks down. A node's index is reserved before its children are visited."""

    snapshot: Snapshot
    nodes: list[Node] = field(default_factory=list)
    names: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    """The members of payloads, which many rows have in common."""

    def root(self, verb: Verb, collection: Collection, payload: Mapping[str, Any], key: Any, path: Path) -> None:
        self._node(verb, collection, payload, key, (), path, None)

    def from_list(self, request: WriteRequest, collection: Collection, payload: Mapping[str, Any], path: Path) -> None:
        """A root without key in the path: of a create, an upsert or a batch of updates."""
        name = collection.primary_key or ""
        key = payload.get(name)
        if request.action == "create":
            self.root("create", collection, payload, None, path)
        elif request.action == "upsert":
            verb: Verb = "create" if key is None else "save"
            self.root(verb, collection, payload, key, path)
        elif key is None or key == "":
            message = f"Payload must include the primary key: {name}"
            raise Unprocessable(message, problems=[Problem(path, message)] if path else ())
        else:
            self.root("update", collection, payload, key, path)

    def _node(
        self,
        verb: Verb,
        collection: Collection,
        payload: Mapping[str, Any],
        key: Any,
        above: Place,
        path: Path,
        parent: Parent | None,
        *,
        strict: bool = False,
    ) -> int:
        """Append the node and all below it; its index is returned."""
        if len(above) > MAX_DEPTH:
            message = f"Relations may be nested {MAX_DEPTH} levels at most."
            raise Unprocessable(message, problems=[Problem(path, message)])
        draft = _Draft()
        removed: list[tuple[str, ToOne, Any]] = []
        for name, value in payload.items():
            self._field(draft, removed, verb, collection, name, value, above, path, parent)
        if verb != "create":
            draft.own.pop(collection.primary_key or "", None)
        index, named = len(self.nodes), tuple(payload)
        node = Node(
            index=index,
            collection=collection,
            verb=verb,
            place=(*above, (SELF, "")) if above else ROOT,
            path=path,
            key=None if key is None else key_of(collection, key),
            sent_key=key,
            payload=draft.own,
            named=self.names.setdefault(named, named),
            refers=draft.refers or EMPTY,
            content=draft.content,
            removes=tuple(name for name, _, _ in removed),
            to_many={name: len(items) for name, items in draft.lists.items() if items} or EMPTY,
            unknown=tuple(draft.unknown),
            malformed=tuple(draft.malformed),
            parent=parent,
            strict=strict,
        )
        self.nodes.append(node)
        for name, one, far in removed:
            target = self.snapshot.collections[one.target]
            self._node("delete", target, {}, far, (*above, (REMOVED, name)), (*path, name), None)
        for name, items in draft.lists.items():
            relation = collection.relations[name]
            assert isinstance(relation, ToMany)
            for number, item in items:
                self._element(relation, item, index, (*above, (AFTER, name)), (*path, name, number))
        return index

    def _field(
        self,
        draft: _Draft,
        removed: list[tuple[str, ToOne, Any]],
        verb: Verb,
        collection: Collection,
        name: str,
        value: Any,
        above: Place,
        path: Path,
        parent: Parent | None,
    ) -> None:
        """Sort one member of a payload: own value, to-one object, list of children, or nothing."""
        found = collection.fields.get(name)
        if found is None:
            draft.unknown.append(name)
            return
        link = parent.relation.target_field if parent is not None and parent.linked else None
        if name == link or name in stamped(verb, collection):
            return  # the server decides
        relation = collection.relations.get(name)
        if found.column is None:
            if isinstance(relation, ToMany):
                draft.children(name, value)
            elif found.type in TO_MANY_TYPES and value is not None and not isinstance(value, Sequence):
                draft.malformed.append(name)
            elif name == CONTENT and collection.name == FILES and not isinstance(value, Mapping):
                draft.content = None if value == "" else value  # an object is what was read (clients spec 2.4)
            return  # other aliases say nothing (spec 03 §6.2)
        if not isinstance(relation, ToOne) or not isinstance(value, Mapping):
            draft.own[name] = value
            return
        target = self.snapshot.collections[relation.target]
        far = value.get(target.primary_key or "")
        rest = [member for member in value if member != target.primary_key]
        if not value or (found.type == "file" and far is None):
            return
        if value.get(DELETE) is True and far is not None and DELETE not in target.fields:
            removed.append((name, relation, far))
            draft.own[name] = None
        elif not rest or (found.type == "file"):
            draft.own[name] = far
        else:
            wanted: Verb = "create" if far is None else "save"
            index = self._node(wanted, target, value, far, (*above, (BEFORE, name)), (*path, name), None)
            if far is None:
                draft.refers[name] = index
            else:
                draft.own[name] = far

    def _element(self, relation: ToMany, item: Any, parent: int, above: Place, path: Path) -> None:
        """One element of a to-many list (spec 03 §9.2)."""
        target = self.snapshot.collections[relation.target]
        name = target.primary_key or ""
        if item is None or item == {}:
            return
        payload: Mapping[str, Any] = item if isinstance(item, Mapping) else {name: item}
        key = payload.get(name)
        if payload.get(DELETE) is True and DELETE not in target.fields:
            index = self._node("delete", target, {}, key, above, path, Parent(parent, relation, False))
            if key is None:
                self.nodes[index] = replace(self.nodes[index], keyless=True)
            return
        column = target.fields[name].column if name else None  # a table without one key is refused by `guard`
        generated = column is not None and column.auto_increment
        verb: Verb = "create" if key is None else "save"
        linked = verb == "create" or relation.target_field not in payload
        self._node(verb, target, payload, key, above, path, Parent(parent, relation, linked), strict=generated)


@dataclass(slots=True)
class _Draft:
    """What has been found of one payload so far."""

    own: dict[str, Any] = field(default_factory=dict)
    refers: dict[str, int] = field(default_factory=dict)
    lists: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)
    content: Any = None

    def children(self, name: str, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            self.lists[name] = [(number, item) for number, item in enumerate(value) if item is not None and item != {}]
        else:
            self.malformed.append(name)


def key_of(collection: Collection, sent: Any) -> Any:
    """A key as it was sent → canonical; None when no key of this collection can look like it."""
    found = collection.fields.get(collection.primary_key or "")
    if found is None or isinstance(sent, bool | Mapping | list | tuple):
        return None
    try:
        return cast_key(found, sent if isinstance(sent, str) else str(sent))
    except Uncastable:
        return None


def not_found(node: Node) -> ItemNotFound:
    """The error of a key that names no row; deletions do not repeat it (spec 03 §6.3)."""
    return ItemNotFound() if node.verb == "delete" else ItemNotFound.with_id(node.sent_key)

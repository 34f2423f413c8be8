"""In charge of reading a GraphQL selection set as a core Selection, once per document and nested variable values.

It knows fields only by what the type objects carry (`resolvers.binding`) and must not read anything.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSkipDirective,
    InlineFragmentNode,
    Node,
    SelectionSetNode,
    VariableNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
    is_abstract_type,
)

from core.errors import Unprocessable
from core.query.selection import Condition, Constant, Entry, Leaf, Nested, Row, Selection, Window
from resolvers.binding import KEY, Data, FileData, Fixed, Meta, Own, Related, RowForm, Scalar
from resolvers.context import Info

OWNER = "\x00owner"
"""Response key of a value that is read to decide about others and taken out again."""


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom items are repaired. `done`: ids of items that are, since one related item may be shared by many."""

    user: int
    done: set[int]


Repair = Callable[[dict[str, Any], Caller], None]
"""Brings a shaped item into the form that the schema promises."""


@dataclass(frozen=True, slots=True)
class ItemShape:
    """A selection, and what must be done to each item afterwards (None: nothing, the usual case)."""

    selection: Selection
    repair: Repair | None = None


@dataclass(frozen=True, slots=True)
class Entries:
    """A response key of a wrapper: `items`, `meta` (key → member of core's meta, or a constant) or a constant."""

    key: str
    items: ItemShape | None = None
    meta: tuple[tuple[str, str | None, Any], ...] | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class ListShape:
    """What is asked of a wrapper. `meta`: the members that core must count."""

    entries: tuple[Entries, ...]
    meta: frozenset[str]


@dataclass(frozen=True, slots=True)
class MutatedShape:
    """What is asked of `TMutated`: response key → member (event, key, data) or a constant; the shape of `data`."""

    entries: tuple[tuple[str, str | None, Any], ...]
    data: ItemShape | None


@dataclass(frozen=True, slots=True)
class MeasureEntry:
    """A response key of an aggregate: function and its arguments, or a constant."""

    key: str
    function: str | None
    field: str | None = None
    distinct: bool = False
    value: Any = None


def list_shape(info: Info) -> ListShape:
    """The shape of a root field that answers a wrapper `T`."""
    shape: ListShape = _remembered(info, _list_shape)
    return shape


def item_shape(info: Info) -> ItemShape:
    """The shape of a root field that answers an item or a list of items."""
    shape: ItemShape = _remembered(info, _root_item)
    return shape


def mutated_shape(info: Info) -> MutatedShape:
    """The shape of a root field that answers `TMutated`. Raises Unprocessable when `data` stands under two keys."""
    shape: MutatedShape = _remembered(info, _mutated)
    return shape


def measures(info: Info) -> tuple[MeasureEntry, ...]:
    """The shape of a root field that answers aggregates."""
    found: tuple[MeasureEntry, ...] = _remembered(info, _measures)
    return found


def asked(info: Info, member: str) -> frozenset[str]:
    """The names of the fields selected inside a field of the result, under whatever response keys."""
    parent = _object(info.return_type)
    found: set[str] = set()
    for nodes in _fields(info, parent, _below(info.field_nodes)).values():
        if nodes[0].name.value == member:
            inner = _fields(info, _object(parent.fields[member].type), _below(nodes))
            found.update(one[0].name.value for one in inner.values())
    return frozenset(found)


# The cache


def _remembered(info: Info, make: Callable[[Info], Any]) -> Any:
    """What `make` says, kept with the document under the field's nodes and the values of the variables inside."""
    shapes = info.context.shapes
    node = info.field_nodes[0]
    slot = (id(node), len(info.field_nodes))
    names = shapes.get(slot)
    if names is None:
        names = tuple(sorted(_variables(info)))
        shapes.put(slot, names)
    values = info.variable_values.coerced
    try:
        key = (slot, *[frozen(values[name]) if name in values else _ABSENT for name in names])
        shape = shapes.get(key)
    except TypeError:  # a value that cannot be a key: the walk is made anew
        return make(info)
    if shape is None:
        shape = make(info)
        shapes.put(key, shape)
    return shape


_ABSENT = ("absent",)
PAGE = {"limit": "page", "offset": "page", "page_count": "page"}
"""Members of Metadata that core gives when it is asked for another."""


def frozen(value: Any) -> Hashable:
    """A hashable stand-in for a coerced value; 1, 1.0 and True stay different."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, (bool, int, float)):
        return (type(value).__name__, value)
    if isinstance(value, (list, tuple)):
        return tuple([frozen(item) for item in value])
    if isinstance(value, Mapping):
        return ("map", tuple([(key, frozen(item)) for key, item in value.items()]))
    if isinstance(value, Condition):
        return ("where", value.field, value.op, frozen(value.value), value.either)
    raise TypeError(type(value).__name__)


def _variables(info: Info) -> set[str]:
    """Names of the variables that are used inside the field's selection set, fragments included."""
    found: set[str] = set()
    spread: set[str] = set()
    waiting: list[Any] = [node.selection_set for node in info.field_nodes if node.selection_set]
    while waiting:
        node = waiting.pop()
        if isinstance(node, VariableNode):
            found.add(node.name.value)
            continue
        if isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
            spread.add(node.name.value)
            if node.name.value in info.fragments:
                waiting.append(info.fragments[node.name.value])
        for key in node.keys:
            inner = getattr(node, key, None)
            if isinstance(inner, Node):
                waiting.append(inner)
            elif isinstance(inner, (list, tuple)):
                waiting.extend(item for item in inner if isinstance(item, Node))
    return found


# The walk


def _fields(info: Info, parent: GraphQLObjectType, sets: Sequence[SelectionSetNode]) -> dict[str, list[FieldNode]]:
    """The fields of selection sets by response key, in order: fragments resolved, skipped out, same ones merged."""
    found: dict[str, list[FieldNode]] = {}
    seen: set[str] = set()
    for selections in sets:
        for node in _walk(info, parent, selections, seen):
            found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
    return found


def _walk(info: Info, parent: GraphQLObjectType, selections: SelectionSetNode, seen: set[str]) -> Iterator[FieldNode]:
    for node in selections.selections:
        if node.directives and not _included(info, node):
            continue
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            if _applies(info, parent, node.type_condition.name.value if node.type_condition else None):
                yield from _walk(info, parent, node.selection_set, seen)
        elif isinstance(node, FragmentSpreadNode):
            name = node.name.value
            fragment = info.fragments.get(name)
            if fragment is None or name in seen:
                continue
            seen.add(name)
            if _applies(info, parent, fragment.type_condition.name.value):
                yield from _walk(info, parent, fragment.selection_set, seen)


def _included(info: Info, node: Any) -> bool:
    skip = get_directive_values(GraphQLSkipDirective, node, info.variable_values)
    if skip and skip["if"]:
        return False
    include = get_directive_values(GraphQLIncludeDirective, node, info.variable_values)
    return not include or bool(include["if"])


def _applies(info: Info, parent: GraphQLObjectType, condition: str | None) -> bool:
    if condition is None or condition == parent.name:
        return True
    wanted = info.schema.get_type(condition)
    return is_abstract_type(wanted) and info.schema.is_sub_type(wanted, parent)


def _below(nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set]


# Wrapper, item, aggregate


def _list_shape(info: Info) -> ListShape:
    wrapper = _object(info.return_type)
    entries: list[Entries] = []
    counted: set[str] = set()
    for key, nodes in _fields(info, wrapper, _below(info.field_nodes)).items():
        name = nodes[0].name.value
        if name == "__typename":
            entries.append(Entries(key, value=wrapper.name))
            continue
        field = wrapper.fields[name]
        match field.extensions[KEY]:
            case Data():
                entries.append(Entries(key, items=_item(info, _object(field.type), nodes)))
            case Meta():
                members = _plain(info, _object(field.type), nodes)
                counted.update(PAGE.get(member, member) for _, member, _ in members if member)
                entries.append(Entries(key, meta=members))
    return ListShape(tuple(entries), frozenset(counted))


def _mutated(info: Info) -> MutatedShape:
    parent = _object(info.return_type)
    shapes = [
        _item(info, _object(parent.fields["data"].type), nodes)
        for nodes in _fields(info, parent, _below(info.field_nodes)).values()
        if nodes[0].name.value == "data"
    ]
    if len(shapes) > 1:
        raise Unprocessable("A subscription has `data` once.")
    return MutatedShape(_plain(info, parent, info.field_nodes), shapes[0] if shapes else None)


def _root_item(info: Info) -> ItemShape:
    return _item(info, _object(info.return_type), info.field_nodes)


def _item(info: Info, parent: GraphQLObjectType, nodes: Sequence[FieldNode]) -> ItemShape:
    entries: list[Entry] = []
    repairs: list[Repair] = []
    for key, inner in _fields(info, parent, _below(nodes)).items():
        name = inner[0].name.value
        if name == "__typename":
            entries.append(Constant(key, parent.name))
            continue
        field = parent.fields[name]
        match field.extensions[KEY]:
            case Scalar(column, encoder):
                entries.append(Leaf(key, column, encoder))
            case RowForm():
                paths = get_argument_values(field, inner[0], info.variable_values).get("fields")
                entries.append(Row(key, ("*",) if paths is None else tuple(paths)))
            case Related() as relation:
                below = _item(info, _object(field.type), inner)
                args = get_argument_values(field, inner[0], info.variable_values) if relation.many else {}
                window = _window(args, relation.language) if relation.many else None
                entries.append(Nested(key, relation.field, below.selection, window))
                if relation.single:
                    repairs.append(_in_a_list(key))
                if below.repair:
                    repairs.append(_inside(key, below.repair))
            case Fixed(value):
                entries.append(Constant(key, value))
            case FileData(member):
                target = get_named_type(field.type)
                keys = _plain(info, target, inner) if isinstance(target, GraphQLObjectType) else None
                entries.append(Row(key, ("data",)))
                repairs.append(_file_member(key, member, keys))
            case Own(column, encoder, owner):
                entries.append(Leaf(key, column, encoder))
                if not any(entry.key == OWNER for entry in entries):
                    entries.append(Leaf(OWNER, owner, "int"))
                repairs.append(_own(key))
    if any(entry.key == OWNER for entry in entries):
        repairs.append(_without_owner)
    return ItemShape(Selection(tuple(entries)), _all(repairs))


def _window(args: Mapping[str, Any], language: str | None) -> Window:
    where = tuple(args.get("where") or ())
    filter_ = args.get("filter") or ()
    lang = args.get("lang")
    if lang and language and lang != "*":
        only = ("cond", language, "in", lang)
        filter_ = ("and", (filter_, only)) if filter_ else only
    return Window(
        where=where,
        filter=filter_,
        sort=tuple(args.get("sort") or ()),
        limit=args.get("limit"),
        offset=max(args.get("offset") or 0, 0),
    )


def _plain(
    info: Info, parent: GraphQLObjectType, nodes: Sequence[FieldNode]
) -> tuple[tuple[str, str | None, Any], ...]:
    """Keys of an object whose fields have the names of the data behind them."""
    return tuple(
        (key, None, parent.name) if inner[0].name.value == "__typename" else (key, inner[0].name.value, None)
        for key, inner in _fields(info, parent, _below(nodes)).items()
    )


def _measures(info: Info) -> tuple[MeasureEntry, ...]:
    parent = _object(info.return_type)
    found: list[MeasureEntry] = []
    for key, nodes in _fields(info, parent, _below(info.field_nodes)).items():
        name = nodes[0].name.value
        if name == "__typename":
            found.append(MeasureEntry(key, None, value=parent.name))
            continue
        field = parent.fields[name]
        args = get_argument_values(field, nodes[0], info.variable_values)
        found.append(MeasureEntry(key, name, args.get("field"), bool(args.get("distinct"))))
    return tuple(found)


def _object(type_: Any) -> GraphQLObjectType:
    named = get_named_type(type_)
    assert isinstance(named, GraphQLObjectType)
    return named


# Repairs: where v8's schema promises a form that no column has


def _all(repairs: list[Repair]) -> Repair | None:
    if not repairs:
        return None

    def apply(item: dict[str, Any], caller: Caller) -> None:
        if id(item) in caller.done:
            return
        caller.done.add(id(item))
        for repair in repairs:
            repair(item, caller)

    return apply


def _inside(key: str, repair: Repair) -> Repair:
    def apply(item: dict[str, Any], caller: Caller) -> None:
        inner = item.get(key)
        if isinstance(inner, dict):
            repair(inner, caller)
        elif inner:
            for one in inner:
                repair(one, caller)

    return apply


def _in_a_list(key: str) -> Repair:
    def apply(item: dict[str, Any], caller: Caller) -> None:
        one = item.get(key)
        item[key] = [] if one is None else [one]

    return apply


def _file_member(key: str, member: str, keys: tuple[tuple[str, str | None, Any], ...] | None) -> Repair:
    def apply(item: dict[str, Any], caller: Caller) -> None:
        data = (item.get(key) or {}).get("data") or {}
        value = data.get(member)
        if keys is not None and isinstance(value, list):
            value = [
                {name: const if source is None else one.get(source) for name, source, const in keys} for one in value
            ]
        item[key] = value

    return apply


def _own(key: str) -> Repair:
    def apply(item: dict[str, Any], caller: Caller) -> None:
        if not caller.user or item.get(OWNER) != caller.user:
            item[key] = None

    return apply


def _without_owner(item: dict[str, Any], caller: Caller) -> None:
    item.pop(OWNER, None)

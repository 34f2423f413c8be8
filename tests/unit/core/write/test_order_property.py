"""Random trees of payloads become groups of statements that mean what the nodes mean, one after the other.

A change is carried out twice on rows in memory: node by node in the order of their places, and group by group as the
statements will run. Both must find the rows that they need and leave the same behind.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.query.change import WriteRequest
from core.sql import write as sql
from core.sql.dialect import dialect
from core.write.change import Node, Rows, Stored
from core.write.load import chunks
from core.write.normalize import MAX_DEPTH, normalize
from core.write.order import Group, columns_of, order
from core.write.resolve import resolve
from tests.unit.core.write.shop import SNAPSHOT

KEYS: dict[str, Sequence[Any]] = {
    "articles": (1, 2, 3), "authors": (1, 2), "comments": (1, 2, 3), "tags": ("a", "b"), "articles_tags": (1, 2),
}  # fmt: skip
NEW_TAGS = ("x", "y")
LISTS = {"articles": ("comments", "tags"), "authors": ("articles",)}
PRIMARY = {name: SNAPSHOT.collections[name].primary_key or "" for name in KEYS}

TEXT = st.sampled_from(["p", "q", "r"])


def maps(required: dict[str, Any], **optional: Any) -> Any:
    return st.fixed_dictionaries(required, optional=optional)


def elements(collection: str, full: Any) -> Any:
    """All that may stand in a list of to-many: keys, links, deletions, changes, new rows."""
    key = st.sampled_from(KEYS[collection])
    return st.one_of(
        st.none(),
        st.just({}),
        key,
        st.builds(lambda one: {"id": one}, key),
        st.builds(lambda one: {"id": one, "$delete": True}, key),
        st.builds(lambda one, more: {"id": one, **more}, key, full),
        full,
        full,
    )


def trees(depth: int) -> dict[str, Any]:
    """Payloads of each collection, at most so many relations deep."""
    deeper = trees(depth - 1) if depth else None
    tag = st.sampled_from([*KEYS["tags"], *NEW_TAGS])
    own = {
        "articles": maps({}, title=TEXT, cover=st.none() | st.integers(1, 3), status=st.just("draft")),
        "authors": maps({}, name=TEXT),
        "comments": maps({}, text=TEXT),
        "tags": st.builds(lambda code, more: {"code": code, **more}, tag, maps({}, label=TEXT)),
        "articles_tags": maps({}, tag=tag),
    }
    if deeper is None:
        return own
    author = st.one_of(
        st.none(), st.sampled_from(KEYS["authors"]), deeper["authors"],
        st.builds(lambda key, more: {"id": key, **more}, st.sampled_from(KEYS["authors"]), deeper["authors"]),
        st.builds(lambda key: {"id": key, "$delete": True}, st.sampled_from(KEYS["authors"])),
    )  # fmt: skip
    article = st.one_of(
        st.none(), st.sampled_from(KEYS["articles"]), deeper["articles"],
        st.builds(lambda key, more: {"id": key, **more}, st.sampled_from(KEYS["articles"]), deeper["articles"]),
    )  # fmt: skip
    far = st.one_of(deeper["tags"], tag, st.builds(lambda key: {"code": key, "$delete": True}, tag))
    return own | {
        "articles": maps(
            {}, title=TEXT, cover=st.none() | st.integers(1, 3), author=author,
            comments=st.lists(elements("comments", deeper["comments"]), max_size=3),
            tags=st.lists(elements("articles_tags", deeper["articles_tags"]), max_size=3),
        ),
        "authors": maps({}, name=TEXT, articles=st.lists(elements("articles", deeper["articles"]), max_size=2)),
        "comments": maps({}, text=TEXT, article=article),
        "articles_tags": maps({}, tag=far),
    }  # fmt: skip


PAYLOADS = trees(3)


@st.composite
def requests(draw: Any) -> WriteRequest:
    action = draw(st.sampled_from(["create", "update", "batch", "upsert"]))
    name = draw(st.sampled_from(["articles", "authors", "comments"]))
    if action == "update":
        keys = draw(st.lists(st.sampled_from([str(key) for key in KEYS[name]]), min_size=1, max_size=2))
        return WriteRequest(name, "update", (draw(PAYLOADS[name]),), keys=tuple(keys))
    sent = draw(st.lists(PAYLOADS[name], min_size=1, max_size=3))
    if action != "create":
        for one in sent:
            if action == "batch" or draw(st.booleans()):
                one["id"] = draw(st.sampled_from(KEYS[name]))
    return WriteRequest(name, "update" if action == "batch" else action, tuple(sent), batch=True)


def stored() -> Rows:
    rows = Rows()
    for name, keys in KEYS.items():
        collection = SNAPSHOT.collections[name]
        for key in keys:
            rows.put(collection, Stored({**dict.fromkeys(collection.fields), PRIMARY[name]: key}))
    return rows


def planned(request: WriteRequest) -> tuple[Node, ...]:
    return resolve(normalize(SNAPSHOT, request), stored())


class Memory:
    """Rows by collection and key. Every step says what it needs to find."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        self.nodes = nodes
        self.rows: dict[str, dict[Any, dict[str, Any]]] = {
            name: {key: {PRIMARY[name]: key} for key in keys} for name, keys in KEYS.items()
        }
        self.keys: dict[int, Any] = {}

    def values(self, node: Node) -> dict[str, Any]:
        found = dict(node.payload)
        found.update((name, self.keys[other]) for name, other in node.refers.items())
        if node.link is not None and node.parent is not None:
            found[node.link] = self.keys[node.parent.index]
        return found

    def create(self, name: str, indexes: Sequence[int], values: dict[str, Any]) -> None:
        key = values.get(PRIMARY[name], ("new", indexes[0]))
        assert key not in self.rows[name], "created twice"
        self.rows[name][key] = {PRIMARY[name]: key, **values}
        self.keys.update(dict.fromkeys(indexes, key))

    def update(self, name: str, indexes: Sequence[int], values: dict[str, Any]) -> None:
        key = self.nodes[indexes[-1]].key
        self.rows[name][key].update(values)  # a KeyError is an UPDATE that finds no row
        self.keys.update(dict.fromkeys(indexes, key))

    def delete(self, name: str, indexes: Sequence[int]) -> None:
        del self.rows[name][self.nodes[indexes[-1]].key]

    def one_by_one(self) -> None:
        """What the nodes say, without any thought of statements."""
        for node in sorted(self.nodes, key=lambda node: (node.place, node.index)):
            name = node.collection.name
            if node.empty:
                self.keys[node.index] = node.key
            elif node.verb == "create":
                self.create(name, (node.index,), self.values(node))
            elif node.verb == "delete":
                self.delete(name, (node.index,))
            else:
                self.update(name, (node.index,), self.values(node))

    def by_groups(self, groups: Sequence[Group]) -> None:
        self.keys.update({node.index: node.key for node in self.nodes if node.verb != "create"})
        for group in groups:
            for target in group.targets:
                values: dict[str, Any] = {}
                for index in target.nodes:
                    values.update(self.values(self.nodes[index]))
                if group.verb == "create":
                    self.create(group.collection.name, target.nodes, values)
                elif group.verb == "delete":
                    if self.nodes[target.nodes[0]].verb != "create":
                        self.delete(group.collection.name, target.nodes)
                else:
                    self.update(group.collection.name, target.nodes, values)


def grouped(nodes: tuple[Node, ...]) -> list[Group]:
    return order(nodes, [dict(node.payload) for node in nodes])


@settings(max_examples=250)
@given(requests())
def test_groups_do_what_the_nodes_say(request: WriteRequest) -> None:
    nodes = planned(request)
    assume(not any(node.gone or node.keyless for node in nodes))  # refused before anything is written
    told, run = Memory(nodes), Memory(nodes)
    told.one_by_one()
    run.by_groups(grouped(nodes))
    assert run.rows == told.rows


@settings(max_examples=150)
@given(requests())
def test_nothing_is_lost_or_doubled_and_what_is_needed_comes_first(request: WriteRequest) -> None:
    nodes = planned(request)
    assert [node.index for node in nodes] == list(range(len(nodes)))
    groups = grouped(nodes)
    at = {index: number for number, group in enumerate(groups) for one in group.targets for index in one.nodes}
    counted = Counter(index for group in groups for one in group.targets for index in one.nodes)
    assert counted == Counter(node.index for node in nodes if not node.empty)
    for node in nodes:
        if node.empty:
            continue
        assert all(at[other] < at[node.index] for other in node.refers.values())
        if node.parent is not None and not nodes[node.parent.index].empty:
            assert at[node.parent.index] < at[node.index]
        for other in nodes:
            if other.verb == "delete" and other.place[:-1] == (*node.place[:-1], (2, other.place[-2][1])):
                assert at[node.index] < at[other.index]  # the row lets go of what is deleted


@settings(max_examples=150)
@given(requests())
def test_one_group_for_a_place_an_operation_and_a_set_of_columns(request: WriteRequest) -> None:
    nodes = planned(request)
    seen = Counter()  # type: Counter[tuple[Any, ...]]
    for group in grouped(nodes):
        places = {nodes[index].place for target in group.targets for index in target.nodes}
        assert len(places) == 1
        seen[places.pop(), group.verb, group.columns] += 1
        for target in group.targets:
            members = [nodes[index] for index in target.nodes]
            assert {node.collection.name for node in members} == {group.collection.name}
            written = frozenset().union(*(columns_of(node, dict(node.payload)) for node in members))
            if group.verb in ("create", "update"):
                assert frozenset(group.columns) == written
            else:
                assert group.columns == ()
    assert set(seen.values()) <= {1}


LINKED = {"articles": "author", "comments": "article", "tags": "article"}


def markers(value: Any, field: str = "") -> Iterator[str]:
    """All texts but those under the foreign key of a new child: it is its parent's, whatever was sent."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name in ("title", "name", "text", "label"):
                yield one
            elif "id" in value or name != LINKED.get(field):
                yield from markers(one, name)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from markers(one, field)


def numbered(value: Any, numbers: Iterator[int]) -> Any:
    """The tree with every text made different from all others."""
    if isinstance(value, dict):
        return {
            name: f"{one}{next(numbers)}" if name in ("title", "name", "text", "label") else numbered(one, numbers)
            for name, one in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(numbered(one, numbers) for one in value)
    return value


@settings(max_examples=150)
@given(requests())
def test_every_value_of_the_tree_is_in_one_node(request: WriteRequest) -> None:
    tree = numbered(request.payloads, iter(range(10_000)))
    named = WriteRequest(request.collection, request.action, tree, keys=request.keys, batch=request.batch)
    nodes = normalize(SNAPSHOT, named)
    roots = len(set(request.keys)) if request.keys is not None else 1  # each key gets the payload
    written = Counter(
        value
        for node in nodes
        for name, value in node.payload.items()
        if name in ("title", "name", "text", "label") and value is not None
    )
    assert written == Counter(dict.fromkeys(markers(tree), roots))


@settings(max_examples=200)
@given(PAYLOADS["articles"], st.integers(2, 4))
def test_more_of_the_same_are_more_rows_and_no_more_groups(payload: dict[str, Any], times: int) -> None:
    def shape(sent: list[Any]) -> list[tuple[Any, ...]]:
        nodes = normalize(SNAPSHOT, WriteRequest("articles", "create", tuple(sent), batch=True))
        nodes = tuple(node for node in nodes if not (node.verb == "delete" and node.keyless))
        return [(group.verb, group.collection.name, group.columns) for group in grouped(resolve(nodes, stored()))]

    assert shape([copy.deepcopy(payload) for _ in range(times)]) == shape([payload])


def test_depth_is_bounded_in_every_direction() -> None:
    below: dict[str, Any] = {"text": "x"}
    for _ in range(MAX_DEPTH - 1):
        below = {"article": {"comments": [below]}} if "article" not in below else {"comments": [below]}
    normalize(SNAPSHOT, WriteRequest("comments", "create", (below,)))


# Limits of databases cut statements, and nothing is lost at the cuts


@given(st.sampled_from(["sqlite", "postgres", "mysql"]), st.integers(0, 3), st.integers(-2, 2))
def test_keys_are_cut_at_the_limit_of_parameters(name: str, times: int, more: int) -> None:
    limit = dialect(name).max_parameters
    keys = range(max(times * limit + more, 0))
    cut = chunks(keys, name)
    assert [key for chunk in cut for key in chunk] == list(keys)
    if dialect(name).arrays == "expand":
        assert len(cut) == -(-len(keys) // limit)
        assert all(len(chunk) <= limit for chunk in cut)
    else:
        assert len(cut) == min(len(keys), 1)


@settings(max_examples=60)
@given(
    st.sampled_from(["sqlite", "postgres", "mysql"]),
    st.sampled_from([("title",), ("title", "author"), ("title", "author", "cover", "status")]),
    st.integers(1, 3),
    st.integers(-1, 1),
)
def test_rows_are_cut_at_the_limit_of_parameters(name: str, columns: tuple[str, ...], times: int, more: int) -> None:
    statement = sql.insert(SNAPSHOT.collections["articles"], columns, name, many=True)
    most = statement.most_rows or 1000
    rows = [
        tuple(str(number) if column in ("title", "status") else number for column in columns)
        for number in range(times * most + more)
    ]
    runs = list(statement.runs(iter(rows)))
    if name == "postgres":
        assert [count for _, _, count in runs] == [len(rows)]
        assert [list(one) for one in runs[0][1]] == [list(one) for one in zip(*rows, strict=True)]
        return
    assert [count for _, _, count in runs] == [most] * (len(rows) // most) + [len(rows) % most] * (len(rows) % most > 0)
    assert [value for _, arguments, _ in runs for value in arguments] == [value for row in rows for value in row]
    assert all(len(arguments) <= dialect(name).max_parameters for _, arguments, _ in runs)

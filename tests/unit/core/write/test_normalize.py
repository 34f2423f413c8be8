"""In charge of payloads becoming nodes, and nodes becoming groups of statements: shapes only, no database."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Unprocessable
from core.query.change import WriteRequest
from core.write.change import Node, Rows, Stored
from core.write.normalize import normalize
from core.write.order import order
from core.write.resolve import resolve
from tests.unit.core.write.shop import SNAPSHOT


def nodes_of(action: Any, name: str, *payloads: Any, **more: Any) -> tuple[Node, ...]:
    return normalize(SNAPSHOT, WriteRequest(name, action, payloads, **more))


def told(nodes: tuple[Node, ...]) -> list[tuple[Any, ...]]:
    """(verb, collection, key, own values) of each node."""
    return [(node.verb, node.collection.name, node.key, dict(node.payload)) for node in nodes]


def rows(**stored: list[Any]) -> Rows:
    """Rows that are there, by collection and key."""
    found = Rows()
    for name, keys in stored.items():
        collection = SNAPSHOT.collections[name]
        for key in keys:
            found.put(collection, Stored({**dict.fromkeys(collection.fields), collection.primary_key or "": key}))
    return found


def test_a_tree_in_the_order_of_effects() -> None:
    payload = {
        "comments": [{"text": "a"}, {"id": 5, "$delete": True}], "title": "x",
        "author": {"name": "n", "articles": [{"id": 9}]}, "tags": [{"tag": {"code": "c", "label": "l"}}, {"tag": "d"}],
    }  # fmt: skip
    nodes = nodes_of("update", "articles", payload, keys=("7",))
    assert told(nodes) == [
        ("create", "authors", None, {"name": "n"}),
        ("save", "articles", 9, {}),
        ("update", "articles", 7, {"title": "x"}),
        ("create", "comments", None, {"text": "a"}),
        ("delete", "comments", 5, {}),
        ("save", "tags", "c", {"label": "l"}),
        ("create", "articles_tags", None, {"tag": "c"}),
        ("create", "articles_tags", None, {"tag": "d"}),
    ]
    assert [node.index for node in nodes] == list(range(8))
    assert [node.root for node in nodes] == [False, False, True, False, False, False, False, False]
    root = nodes[2]
    assert (dict(root.refers), dict(root.to_many), root.named) == (
        {"author": 0}, {"comments": 2, "tags": 2}, ("comments", "title", "author", "tags")
    )  # fmt: skip
    assert [node.parent.index if node.parent else None for node in nodes] == [None, 0, None, 2, 2, None, 2, 2]
    assert [node.path for node in nodes[3:6]] == [("comments", 0), ("comments", 1), ("tags", 0, "tag")]


@pytest.mark.parametrize(
    "value, own, others",
    [
        (3, {"author": 3}, []),
        (None, {"author": None}, []),
        ({}, {}, []),
        ({"id": 3}, {"author": 3}, []),
        ({"id": None}, {"author": None}, []),
        ({"id": 3, "name": "x"}, {"author": 3}, [("save", "authors", 3, {"name": "x"})]),
        ({"name": "x"}, {}, [("create", "authors", None, {"name": "x"})]),
        ({"id": 3, "$delete": True}, {"author": None}, [("delete", "authors", 3, {})]),
    ],
)
def test_to_one(value: Any, own: dict[str, Any], others: list[Any]) -> None:
    nodes = nodes_of("update", "articles", {"author": value}, keys=("1",))
    assert sorted(told(nodes), key=str) == sorted([("update", "articles", 1, own), *others], key=str)


def test_members_of_a_file_are_ignored() -> None:
    assert told(nodes_of("create", "articles", {"cover": {"id": 4, "title": "x"}})) == [
        ("create", "articles", None, {"cover": 4})
    ]
    assert told(nodes_of("create", "articles", {"cover": {"title": "x"}})) == [("create", "articles", None, {})]


def test_what_the_server_sets_is_not_the_client_s() -> None:
    payload = {"owner": 5, "modified": "2020-01-01 00:00:00"}
    assert told(nodes_of("create", "articles", payload)) == [("create", "articles", None, {})]
    assert told(nodes_of("update", "articles", payload, keys=("1",))) == [("update", "articles", 1, {"owner": 5})]


def test_findings_wait() -> None:
    """Who may write comes before what is written."""
    [node] = nodes_of("create", "articles", {"nope": 1, "comments": "x", "note": 5, "tags": None})
    assert (node.unknown, node.malformed, dict(node.payload)) == (("nope",), ("comments",), {})
    keyless = nodes_of("update", "articles", {"comments": [{"$delete": True}]}, keys=("1",))[1]
    assert keyless.keyless
    [node, child] = nodes_of("create", "articles", {"comments": [{"$delete": "true"}]})
    assert child.unknown == ("$delete",)


def test_keys() -> None:
    assert [node.key for node in nodes_of("delete", "articles", keys=("1", "02", "x", "1"))] == [1, 2, None]
    assert [node.key for node in nodes_of("update", "articles", {"id": "3"}, {"id": 4}, batch=True)] == [3, 4]
    assert [node.key for node in nodes_of("update", "articles", {"id": True}, {"id": {}}, batch=True)] == [None, None]
    with pytest.raises(Unprocessable):
        nodes_of("update", "articles", {"id": 1}, {"title": "x"}, batch=True)


def test_the_foreign_key_of_a_new_child_is_its_parent() -> None:
    payload = {"comments": [{"text": "x", "article": 99}, {"id": 1, "article": 99}, {"id": 2}]}
    nodes = nodes_of("update", "articles", payload, keys=("1",))
    assert [(dict(node.payload), node.link) for node in nodes[1:]] == [
        ({"text": "x"}, "article"), ({"article": 99}, None), ({}, "article")
    ]  # fmt: skip


def test_save_is_decided_by_what_is_stored() -> None:
    nodes = nodes_of(
        "update", "articles", {"author": {"id": 3, "name": "x"}}, {"author": {"id": 3, "name": "y"}}, keys=("1",)
    )
    stored = rows(articles=[1])
    payload = {"tags": [{"tag": {"code": "a", "label": "1"}}, {"tag": {"code": "a", "label": "2"}}]}
    nodes = resolve(nodes_of("update", "articles", payload, keys=("1",)), stored)
    assert [(node.verb, node.fresh) for node in nodes if node.collection.name == "tags"] == [
        ("create", False), ("update", True)
    ]  # fmt: skip
    nodes = resolve(nodes_of("update", "articles", {"comments": [{"id": 8, "text": "x"}]}, keys=("1",)), stored)
    assert (nodes[1].verb, nodes[1].gone) == ("update", True)
    nodes = resolve(nodes_of("update", "articles", {"author": {"id": 8, "name": "x"}}, keys=("1",)), stored)
    assert (nodes[0].verb, dict(nodes[0].payload)) == ("create", {"id": 8, "name": "x"})


def test_deleted_means_gone_for_what_follows() -> None:
    payload = {"comments": [{"id": 1, "$delete": True}, {"id": 1, "text": "x"}]}
    nodes = resolve(nodes_of("update", "articles", payload, keys=("1",)), rows(articles=[1], comments=[1]))
    assert [(node.verb, node.gone) for node in nodes[1:]] == [("delete", False), ("update", True)]


@pytest.mark.parametrize("payload", [{}, {"id": 1}, {"comments": []}, {"author": {}}, {"note": "x"}, {"modified": "x"}])
def test_nothing_to_do(payload: dict[str, Any]) -> None:
    [node] = resolve(nodes_of("update", "articles", payload, keys=("1",)), rows(articles=[1]))
    assert node.empty


# --- groups -------------------------------------------------------------------------------------------------------


def groups_of(nodes: tuple[Node, ...]) -> list[tuple[Any, ...]]:
    """(verb, collection, columns, nodes of each row) of each group, with the payloads as values."""
    values = [dict(node.payload) for node in nodes]
    return [
        (group.verb, group.collection.name, group.columns, [target.nodes for target in group.targets])
        for group in order(nodes, values)
    ]


def test_parents_the_row_what_it_left_children() -> None:
    payload = {"title": "x", "author": {"name": "n"}, "cover": 1, "comments": [{"text": "t"}]}
    assert groups_of(nodes_of("create", "articles", payload)) == [
        ("create", "authors", ("name",), [(0,)]),
        ("create", "articles", ("title", "author", "cover"), [(1,)]),
        ("create", "comments", ("article", "text"), [(2,)]),
    ]
    nodes = resolve(
        nodes_of("update", "articles", {"author": {"id": 3, "$delete": True}}, keys=("1",)),
        rows(articles=[1], authors=[3]),
    )
    assert [group[:2] for group in groups_of(nodes)] == [("update", "articles"), ("delete", "authors")]


def test_one_group_for_a_set_of_columns() -> None:
    texts = [{"text": str(number)} for number in range(50)]
    payload = {
        "comments": [*texts, {"id": 1, "text": "x"}, {"id": 2}, {"id": 3, "text": "y"}, {"id": 4, "$delete": True}]
    }
    nodes = resolve(nodes_of("update", "articles", payload, keys=("1",)), rows(articles=[1], comments=[1, 2, 3, 4]))
    assert [(verb, columns, len(targets)) for verb, _, columns, targets in groups_of(nodes)] == [
        ("touch", (), 1), ("delete", (), 1), ("create", ("article", "text"), 50), ("update", ("article", "text"), 2),
        ("update", ("article",), 1),
    ]  # fmt: skip


def test_a_row_named_twice_is_written_once() -> None:
    payloads = [
        {"author": {"id": 3, "name": "a"}},
        {"author": {"id": 3, "name": "b"}},
        {"author": {"id": 4, "name": "c"}},
    ]
    nodes = resolve(nodes_of("create", "articles", *payloads, batch=True), rows(authors=[3]))
    assert groups_of(nodes) == [
        ("create", "authors", ("id", "name"), [(4,)]),
        ("update", "authors", ("name",), [(0, 2)]),
        ("create", "articles", ("author",), [(1,), (3,), (5,)]),
    ]

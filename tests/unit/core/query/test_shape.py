"""In charge of showing how fetched rows become items: keys in order, encoders, related items, hidden values."""

from __future__ import annotations

from typing import Any

from core.catalog.model import ToMany, ToOne
from core.query.plan import ColumnOut, ConstantOut, Edge, EdgeOut, KeyOut, Node, Output, RowOut, VirtualOut
from core.query.shape import Hiding, Layout, edges_of, link_field, normaliser, shaper, wanted_columns
from core.query.virtual import Scene
from tests.shop import collection, field, key, shop

SHOP = shop()
ARTICLES, USERS = SHOP.collections["articles"], SHOP.collections["directus_users"]
SCENE = Scene(2, "main", "http://host", "", "/uploads/", SHOP)
NOTHING_HIDDEN = Hiding("id", frozenset(), "status", {})
AUTHOR = Edge(ARTICLES.relations["author"], Node("authors", ()))
COMMENTS = Edge(ARTICLES.relations["comments"], Node("comments", ()))


def shaped(
    outputs: tuple[Output, ...],
    rows: list[tuple[Any, ...]],
    lookups: tuple[dict[Any, Any], ...] = (),
    hiding: Hiding = NOTHING_HIDDEN,
    columns: tuple[str, ...] = (),
    of: Any = ARTICLES,
) -> list[dict[str, Any]]:
    names = list(dict.fromkeys((*wanted_columns(of, outputs), *columns)))
    edges = {id(edge): number for number, edge in enumerate(edges_of(outputs))}
    layout = Layout({name: place for place, name in enumerate(names)}, edges)
    found = shaper(SHOP, of, outputs, layout, hiding)(rows, lookups, SCENE)
    return found


def test_columns_are_wanted_once_in_the_order_of_the_response() -> None:
    outputs = (
        ColumnOut("b", "title", "string"), EdgeOut("x", COMMENTS),
        RowOut("r", (ColumnOut("title", "title", "row", True),)),
        ColumnOut("a", "price", "float"), EdgeOut("y", AUTHOR),
    )  # fmt: skip
    assert wanted_columns(ARTICLES, outputs) == ["title", "id", "price", "author"]
    assert edges_of((*outputs, RowOut("s", (EdgeOut("z", AUTHOR),)))) == [COMMENTS, AUTHOR, AUTHOR]
    assert (link_field(ARTICLES, AUTHOR), link_field(ARTICLES, COMMENTS)) == ("author", "id")


def test_encoders_constants_and_aliases() -> None:
    outputs = (ColumnOut("id", "id", "id"), ConstantOut("t", "Article"), ColumnOut("a", "active", "boolean"),
               ColumnOut("l", "tags", "list"), ColumnOut("raw", "id", "int"))  # fmt: skip
    assert shaped(outputs, [(7, 1, "a,b"), (8, None, None)]) == [
        {"id": "7", "t": "Article", "a": True, "l": ["a", "b"], "raw": 7},
        {"id": "8", "t": "Article", "a": None, "l": [], "raw": 8},
    ]
    assert list(shaped(outputs, [(7, 1, "")])[0]) == ["id", "t", "a", "l", "raw"]


def test_lists_that_stand_for_null_are_not_shared() -> None:
    first, second = shaped((ColumnOut("l", "tags", "list"),), [(None,), (None,)])
    first["l"].append("x")
    assert second["l"] == []


def test_related_items() -> None:
    outputs = (EdgeOut("author", AUTHOR), EdgeOut("comments", COMMENTS), ColumnOut("raw", "author", "int"))
    lookups = ({5: {"name": "Ann"}}, {1: [{"code": "x"}, {"code": "y"}]})
    assert shaped(outputs, [(5, 1), (None, 2), (6, 3)], lookups) == [
        {"author": {"name": "Ann"}, "comments": [{"code": "x"}, {"code": "y"}], "raw": 5},
        {"author": None, "comments": [], "raw": None},
        {"author": None, "comments": [], "raw": 6},
    ]


def test_rows_in_rest_form() -> None:
    inner: tuple[Output, ...] = (
        ColumnOut("id", "id", "row", True),
        KeyOut("author", "author", "authors", "id"),
        EdgeOut("comments", COMMENTS, True),
    )
    rows = [(1, 5), (2, None)]
    assert shaped((RowOut("_row", inner), ColumnOut("id", "id", "id")), rows, ({1: [{"code": "x"}]},)) == [
        {"_row": {"id": 1, "author": {"id": 5}, "comments": [{"code": "x"}]}, "id": "1"},
        {"_row": {"id": 2, "author": None, "comments": []}, "id": "2"},
    ]
    assert shaped((RowOut("_row", ()),), [(1,)]) == [{"_row": None}]
    assert shaped((), [(1,), (2,)]) == [{}, {}]


def test_what_a_status_hides() -> None:
    hiding = Hiding("id", frozenset(), "status", {"draft": frozenset(("title", "author", "comments"))})
    inner: tuple[Output, ...] = (
        ColumnOut("id", "id", "row", True), ColumnOut("title", "title", "row", True),
        EdgeOut("comments", COMMENTS, True),
        KeyOut("author", "author", "authors", "id"),
    )  # fmt: skip
    outputs = (ColumnOut("t", "title", "string"), EdgeOut("c", COMMENTS), RowOut("_row", inner))
    found = shaped(
        outputs, [("x", 1, 5, "draft"), ("y", 2, 5, "public")], ({1: [{}], 2: [{}]},) * 2, hiding, ("status",)
    )
    assert found == [
        {"t": None, "c": None, "_row": {"id": 1}},
        {"t": "y", "c": [{}], "_row": {"id": 2, "title": "y", "comments": [{}], "author": {"id": 5}}},
    ]


def test_secrets_are_shown_to_their_owner_alone() -> None:
    hiding = Hiding("id", frozenset(("token",)), None, {})
    inner: tuple[Output, ...] = (ColumnOut("id", "id", "row", True), ColumnOut("token", "token", "row", True))
    outputs = (ColumnOut("token", "token", "string"), RowOut("_row", inner))
    found = shaped(outputs, [("t2", 2), ("t3", 3)], (), hiding, of=USERS)
    assert found == [{"token": "t2", "_row": {"id": 2, "token": "t2"}}, {"token": None, "_row": {"id": 3}}]


def test_the_second_factor_is_masked() -> None:
    rows = [("SECRET",), ("",), (None,)]
    found = shaped((ColumnOut("2fa_secret", "2fa_secret", "row", True),), rows, of=USERS)
    assert [item["2fa_secret"] for item in found] == ["**********", None, None]


def test_computed_values() -> None:
    files = SHOP.collections["directus_files"]
    (item,) = shaped((VirtualOut("data", "data", "file_data", ("id", "title", "type")),), [(1, "x")], of=files)
    assert item["data"]["thumbnails"] is None


def test_keys_of_an_edge_are_made_alike() -> None:
    """Integers as they are; text by case where a column's collation passes over it; other families by their text."""
    own = collection(
        "own",
        [key("own"), field("own", "text", "m2o", family="text"),
        field("own", "folded", "m2o", family="text", nocase=True)],
        (ToOne("own", "text", "tags", "code"), ToOne("own", "folded", "tags", "code"),
        ToOne("own", "id", "tags", "code"),
         ToMany("own", "many", "links", "own")),
    )  # fmt: skip
    tags = collection("tags", [field("tags", "code", primary_key=True)], primary_key="code")
    links = collection("links", [key("links"), field("links", "own", "m2o", family="bigint")])
    snapshot = shop(own, tags, links)

    def normalised(name: str, value: Any) -> Any:
        convert = normaliser(snapshot, own, Edge(own.relations[name], Node("x", ())))
        return convert(value) if convert else value

    assert normalised("text", "Ab") == "Ab"
    assert normalised("folded", "Ab") == "ab"
    assert normalised("id", 7) == "7"
    assert normalised("many", 7) == 7

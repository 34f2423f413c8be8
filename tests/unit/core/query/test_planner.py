"""In charge of showing the plan of a selection: outputs, edges, windows; and that values stay out of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.catalog.model import ToMany
from core.errors import FieldNotFound, InvalidField, TabulariumError, Unprocessable
from core.query.plan import ColumnOut, ConstantOut, EdgeOut, Order, Output, RowOut, VirtualOut
from core.query.planner import Planning, columns_needed, hoist, outputs_of
from core.query.predicate import EVERYTHING, Compare, In, Param
from core.query.selection import Condition, Constant, Leaf, Nested, Row, Selection, Window
from tests.shop import shop

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SHOP = shop()
ID = Selection((Leaf("id", "id", "id"),))


def plan(*entries: Any, collection: str = "articles", lang: tuple[str, ...] | None = None) -> tuple[Output, ...]:
    return outputs_of(Planning(SHOP, lang), SHOP.collections[collection], Selection(entries))


def keys(outputs: tuple[Output, ...]) -> dict[str, Any]:
    """Response keys, and those below edges."""
    return {one.key: keys(one.edge.node.outputs) if isinstance(one, EdgeOut) else None for one in outputs}


def row(*paths: str, collection: str = "articles") -> dict[str, Any]:
    (found,) = plan(Row("_row", paths), collection=collection)
    assert isinstance(found, RowOut)
    return keys(found.outputs)


COLUMNS = dict.fromkeys(name for name, field in SHOP.collections["articles"].fields.items() if field.column is not None)
COMMENT = {"code": None, "text": None, "article": None}


def test_typed_entries_keep_the_order_of_the_response() -> None:
    assert plan(
        Leaf("b", "title", "string"), Constant("t", "Article"), Leaf("a", "id", "id"), Leaf("l", "line", "string")
    ) == (
        ColumnOut("b", "title", "string"),
        ConstantOut("t", "Article"),
        ColumnOut("a", "id", "id"),
        ConstantOut("l", None),
    )


@pytest.mark.parametrize(
    ("paths", "found"),
    (
        (("*",), COLUMNS),
        (("title", "id"), {"id": None, "title": None}),
        (("*", "-title"), {name: None for name in COLUMNS if name != "title"}),
        (("title.*", "id.x"), {"id": None, "title": None}),
        (("author.name", "id"), {"id": None, "author": {"name": None}}),
        (("author",), {"author": None}),
        (("comments",), {}),
        (("comments", "author.id"), {"author": {"id": None}, "comments": {"article": None}}),
        (("comments.*",), {"comments": COMMENT}),
        (("comments.article.author.name",), {"comments": {"article": {"author": {"name": None}}}}),
        (("line",), {}),
        (("*.*", "-author", "-editor", "-cover", "-maker", "-translations"), {
            **{name: None for name in COLUMNS if name not in ("author", "editor", "cover", "maker")},
            "comments": COMMENT,
        }),
        (("*.id", "author.name", "-editor", "-cover", "-maker", "-translations", "-comments"), {
            **{name: None for name in COLUMNS if name not in ("editor", "cover", "maker")}, "author": {"name": None},
        }),
    ),
)  # fmt: skip
def test_rows(paths: tuple[str, ...], found: dict[str, Any]) -> None:
    assert row(*paths) == found
    assert list(row(*paths)) == [name for name in SHOP.collections["articles"].fields if name in found]


def test_windows_lose_their_values() -> None:
    values: list[Any] = ["before"]
    window = Window(where=(Condition("text", "eq", "x"),), sort=("-code",), limit=3, offset=2)
    selection = Selection((Nested("few", "comments", Selection((Leaf("code", "code", "id"),)), window),))
    hoisted = hoist(SHOP, SHOP.collections["articles"], selection, values, NOW)
    assert values == ["before", "x", 3, 2]
    (found,) = outputs_of(Planning(SHOP, None), SHOP.collections["articles"], hoisted)
    assert isinstance(found, EdgeOut)
    node = found.edge.node
    assert (node.where, node.limit, node.offset) == (Compare("text", "eq", Param(1)), Param(2), Param(3))
    assert node.order == (Order("code", True),)


@pytest.mark.parametrize("window", (None, Window(), Window(limit=-1, offset=4)))
def test_windows_that_cut_nothing(window: Window | None) -> None:
    values: list[Any] = []
    selection = Selection((Nested("all", "comments", Selection((Leaf("code", "code", "id"),)), window),))
    hoisted = hoist(SHOP, SHOP.collections["articles"], selection, values, NOW)
    (found,) = outputs_of(Planning(SHOP, None), SHOP.collections["articles"], hoisted)
    assert isinstance(found, EdgeOut)
    assert (found.edge.node.where, found.edge.node.limit, found.edge.node.offset) == (EVERYTHING, None, None)
    assert values == []


def test_languages_restrict_translations_alone() -> None:
    entries = (Nested("t", "translations", ID), Nested("c", "comments", Selection((Leaf("k", "code", "id"),))))
    for lang, where in ((None, EVERYTHING), (("*",), EVERYTHING), (("en, de",), In("lang", ("en", "de")))):
        texts, comments = plan(*entries, lang=lang)
        assert isinstance(texts, EdgeOut)
        assert isinstance(comments, EdgeOut)
        assert texts.edge.node.where == where
        assert comments.edge.node.where == EVERYTHING


def test_the_data_of_a_file_is_computed() -> None:
    assert [type(one) for one in plan(Leaf("data", "data", "json"), collection="directus_files")] == [VirtualOut]
    assert row("data", collection="directus_files") == {"data": None}


@pytest.mark.parametrize(
    ("entry", "error"),
    (
        (Leaf("a", "nothing", "string"), InvalidField),
        (Nested("a", "title", ID), InvalidField),
        (Nested("a", "nothing", ID), InvalidField),
        (Row("a", ("nothing",)), InvalidField),
        (Row("a", ("-nothing",)), InvalidField),
        (Row("a", ("author.nothing",)), InvalidField),
        (Row("a", ("comments.article.nothing.x",)), InvalidField),
        (Row("a", (".".join("*" * 11),)), Unprocessable),
    ),
)
def test_wrong_names(entry: Any, error: type[TabulariumError]) -> None:
    with pytest.raises(error):
        plan(entry)


def test_typed_depth() -> None:
    selection = ID
    for number in range(11):
        name = "author" if number % 2 else "articles"
        selection = Selection((Nested("x", name, selection),))
    with pytest.raises(Unprocessable):
        outputs_of(Planning(SHOP, None), SHOP.collections["authors"], selection)


def test_columns_needed() -> None:
    assert columns_needed(plan(Leaf("a", "title", "string"), Leaf("b", "title", "row"), Row("c", ("id",)))) == [
        "title",
        "id",
    ]


def test_a_language_without_a_field_for_it() -> None:
    articles = SHOP.collections["articles"]
    translations = articles.relations["translations"]
    assert isinstance(translations, ToMany)
    bare = replace(translations, language_field=None)
    collections = {
        **SHOP.collections,
        "articles": replace(articles, relations={**articles.relations, "translations": bare}),
    }
    snapshot = replace(SHOP, collections=collections)
    with pytest.raises(FieldNotFound):
        outputs_of(Planning(snapshot, ("en",)), collections["articles"], Selection((Nested("t", "translations", ID),)))

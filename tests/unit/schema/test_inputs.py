"""In charge of write inputs: their types, and the free form that they become."""

from __future__ import annotations

from typing import Any

from graphql import print_type

from schema.build import build_schema, names_for
from schema.coerce import coercer
from tests.shop import collection, field, key, shop

ARTICLES = """input ArticlesInput {
  id: ID
  title: String
  price: Float
  active: Boolean
  created: Datetime
  day: Date
  at: Time
  data: JSON
  tags: [String]
  status: String
  place: Int
  slug: String
  author: AuthorsInput
  editor: DirectusUsersInput
  cover: DirectusFilesInput
  maker: DirectusUsersInput
  gone: String
  comments: [CommentsInput]
  translations: [ArticlesTextsInput]
  _delete: Boolean
}"""


def input_of(name: str, *others: Any) -> Any:
    snapshot = shop(*others)
    return build_schema(snapshot, names_for(snapshot)).get_type(name)


def test_nothing_is_required_and_relations_take_the_other_input() -> None:
    assert print_type(input_of("ArticlesInput")) == ARTICLES


def test_an_input_becomes_the_free_form_on_all_levels() -> None:
    given = {
        "title": "x",
        "author": {"id": 3, "_delete": False},
        "comments": [{"code": "a", "_delete": True}, {"text": "new"}],
        "data": {"_delete": True},
        "cover": None,
    }
    assert coercer(input_of("ArticlesInput"))(given, 0) == {
        "title": "x",
        "author": {"id": "3"},
        "comments": [{"code": "a", "$delete": True}, {"text": "new"}],
        "data": {"_delete": True},
        "cover": None,
    }


def test_columns_of_odd_names_are_written_under_their_own() -> None:
    odd = collection("odd", [key("odd"), field("odd", "my field"), field("odd", "_delete")])
    convert = coercer(input_of("OddInput", odd))
    assert convert({"my_field": "a", "_delete": "b", "_delete_2": True}, 0) == {
        "my field": "a",
        "_delete": "b",
        "$delete": True,
    }


def test_generated_columns_cannot_be_written_and_views_are_referred_to_by_key() -> None:
    from core.catalog.model import ToOne

    view = collection("totals", [key("totals")], is_view=True)
    odd = collection(
        "odd",
        [key("odd"), field("odd", "sum", "decimal", generated=True), field("odd", "total", "m2o")],
        (ToOne("odd", "total", "totals", "id"),),
    )
    assert (
        print_type(input_of("OddInput", odd, view)) == "input OddInput {\n  id: ID\n  total: ID\n  _delete: Boolean\n}"
    )

"""In charge of the rules of a whole payload: what is required, what is collected, and which error it becomes."""

from __future__ import annotations

from typing import Any

import pytest

from core.catalog.model import StatusMapping, ToOne
from core.errors import ArrayForScalar, Problem, TabulariumError, Unprocessable, ValidationFailed
from core.types.write import BLANK, EMAIL, INVALID, NULL, NUMERIC
from core.write.validate import Terms, failure, skips_required, unknown, validate
from tests.unit.core.types.fields import alias, collection, field

CREATE = Terms("mysql")
BAD_DATE = "This value is not a valid date."

ARTICLES = collection(
    field("integer", name="id", primary_key=True, auto_increment=True, nullable=False, has_default=True),
    field("text", "status", name="status", nullable=False, default="draft", has_default=True, characters=20),
    field("text", name="title", nullable=False, characters=100, validation="/^[A-Z]/"),
    field("text", "slug", name="slug", characters=100),
    field("integer", name="views", nullable=False, has_default=True, default="0"),
    field("decimal", name="rating", length="10,2", precision=10, scale=2),
    field("date", name="publish_date"),
    field("text", "array", name="tags"),
    field("integer", "m2o", name="author"),
    field("datetime", "datetime_created", name="created_on", nullable=False),
    field("integer", "owner", name="owner", nullable=False),
    field("text", name="shout", generated=True, has_default=True),
    alias("comments", required=True),
    alias("divider", "alias", required=True),
    name="articles",
    status_field="status",
    relations={"author": ToOne("articles", "author", "authors", "id")},
)
GOOD = {"title": "Tide", "comments": [{"text": "x"}]}
STORED = {
    "id": 1, "status": "draft", "title": "Tide", "slug": None, "views": 3, "rating": None, "publish_date": None,
    "tags": None, "author": None, "created_on": "2020-01-01 00:00:00", "owner": 1, "shout": "TIDE",
}  # fmt: skip


def update(stored: dict[str, Any] | None = None, **more: Any) -> Terms:
    return Terms("mysql", update=True, stored=STORED if stored is None else stored, **more)


def broken(payload: dict[str, Any], terms: Terms = CREATE, of: Any = ARTICLES) -> dict[str, str]:
    checked = validate(of, payload, terms)
    return {str(problem.path[-1]) if problem.path else "": problem.message for problem in checked.problems}


def error(payload: dict[str, Any], terms: Terms = CREATE, of: Any = ARTICLES) -> TabulariumError:
    found = failure(of, validate(of, payload, terms).findings)
    assert found is not None
    return found


def test_values_become_canonical() -> None:
    sent = {**GOOD, "views": "42", "tags": ["a", "b"], "author": "7", "rating": None, "shout": "X", "divider": "x"}
    checked = validate(ARTICLES, sent, CREATE)
    assert checked.findings == ()
    assert checked.values == {"title": "Tide", "views": 42, "rating": None, "tags": "a,b", "author": 7}
    assert failure(ARTICLES, checked.findings) is None


def test_an_empty_payload_lacks_what_the_database_demands() -> None:
    assert broken({}) == {"title": BLANK, "comments": BLANK}


@pytest.mark.parametrize("blank", [None, "", []])
def test_blank_is_absent(blank: Any) -> None:
    assert broken({**GOOD, "title": blank}) == {"title": BLANK}


def test_zero_and_false_are_not_blank() -> None:
    one = collection(field("integer", name="n", nullable=False), field("boolean", name="b", nullable=False))
    assert validate(one, {"n": 0, "b": False}, CREATE).values == {"n": 0, "b": False}


def test_keys() -> None:
    manual = collection(field("text", name="code", primary_key=True, nullable=False), name="codes")
    assert broken({}, of=manual) == {"code": BLANK}
    assert validate(ARTICLES, {**GOOD, "id": None}, CREATE).values == {"title": "Tide"}
    assert validate(ARTICLES, {**GOOD, "id": "12"}, CREATE).values == {"id": 12, "title": "Tide"}
    # The path decides which item is updated: the key in the payload is neither checked nor written.
    assert validate(ARTICLES, {"id": "99", "views": 4}, update()).values == {"views": 4}


def test_a_status_without_default_is_required() -> None:
    one = collection(field("text", "status", name="status"), status_field="status")
    assert broken({}, of=one) == {"status": BLANK}
    assert broken({"status": "draft"}, of=one) == {}


def test_null_where_the_column_takes_none() -> None:
    assert broken({**GOOD, "views": None}) == {"views": NULL}


def test_rows_that_this_request_creates_count_as_present() -> None:
    one = collection(field("integer", "m2o", name="author", nullable=False))
    assert broken({}, of=one) == {"author": BLANK}
    assert broken({}, Terms("mysql", pending=frozenset({"author"})), of=one) == {}


def test_findings_are_collected_in_column_order_under_their_path() -> None:
    sent = {"publish_date": "2020-02-30", "tags": "x,y", "views": "abc", "title": "tide", "comments": []}
    checked = validate(ARTICLES, sent, Terms("mysql", path=(3, "articles", 0)))
    assert checked.problems == (
        Problem((3, "articles", 0, "title"), INVALID),
        Problem((3, "articles", 0, "views"), NUMERIC),
        Problem((3, "articles", 0, "publish_date"), BAD_DATE),
        Problem((3, "articles", 0, "tags"), "This value should be of type array."),
        Problem((3, "articles", 0, "comments"), BLANK),
    )
    found = failure(ARTICLES, checked.findings)
    assert isinstance(found, ValidationFailed)
    assert found.code == 4
    assert found.problems == checked.problems
    assert found.message == (
        f"title: {INVALID} views: {NUMERIC} publish_date: {BAD_DATE} tags: This value should be of type array. "
        f"comments: {BLANK}"
    )


def test_unknown_fields_lead() -> None:
    found = error({"nope": 1, "title": ["x"], "rating": "3.14159", "other": 2, "comments": [1]})
    assert isinstance(found, Unprocessable)
    assert (found.code, found.message) == (
        12,
        'Payload fields: "nope", "other" does not exist in "articles" collection.',
    )
    assert [problem.path for problem in found.problems] == [(), ("title",), ("rating",)]
    assert unknown(ARTICLES, ("title", "id"), ()) == ()


def test_then_lists_for_scalars() -> None:
    found = error({**GOOD, "title": ["x"], "rating": "3.14159", "publish_date": "x"})
    assert isinstance(found, ArrayForScalar)
    assert (found.code, found.message) == (
        213,
        'Attempting to write an array as the value for field "title" in "articles"',
    )
    assert len(found.problems) == 3


def test_then_lengths() -> None:
    found = error({**GOOD, "rating": "3.14159", "publish_date": "2020-02-30", "tags": "x,y"})
    assert isinstance(found, Unprocessable)
    assert found.message == (
        "The value submitted (3.14159) for 'Rating' is longer than the field's supported length (10,2). "
        "Please submit a shorter value or ask an Admin to increase the length."
    )


def test_lengths_of_relations_are_not_checked() -> None:
    one = collection(
        field("text", name="country", characters=2),
        relations={"country": ToOne("things", "country", "countries", "code")},
    )
    assert validate(one, {"country": "long"}, CREATE).values == {"country": "long"}


@pytest.mark.parametrize(
    "validation, value, expected",
    [
        ("/^a/i", "Abc", {}),
        ("/^a/i", "bc", {"f": INVALID}),
        ("/^a/i", "", {}),
        ("/^a/i", None, {}),
        ("/^4/", 42, {}),
        ("$email", "ada@example.com", {}),
        ("$email", "nope", {"f": EMAIL}),
        ("^a", "abc", {"f": 'The validation of field "f" is not a valid regular expression.'}),
    ],
)
def test_expressions(validation: str, value: Any, expected: dict[str, str]) -> None:
    assert broken({"f": value}, of=collection(field(validation=validation))) == expected


def test_an_expression_that_does_not_compile_is_unprocessable() -> None:
    assert isinstance(error({"f": "x"}, of=collection(field(validation="/(/"))), Unprocessable)


def test_statuses_that_need_nothing() -> None:
    mapping = StatusMapping(("published", "draft"), required=frozenset({"published"}))
    one = collection(*ARTICLES.fields.values(), name="articles", status_field="status", statuses=mapping)
    assert skips_required(one, {"status": "draft"})
    assert not skips_required(one, {"status": "published"})
    assert not skips_required(one, {})
    assert not skips_required(ARTICLES, {"status": "draft"})
    assert broken({"status": "draft"}, of=one) == {}
    assert broken({"status": "published"}, of=one) == {"title": BLANK, "comments": BLANK}
    # Only required-ness is skipped.
    assert broken({"status": "draft", "title": "tide", "views": "x"}, of=one) == {"title": INVALID, "views": NUMERIC}
    numbers = StatusMapping((1, 2), required=frozenset({1}))
    numeric = collection(field("integer", "status", name="s"), status_field="s", statuses=numbers)
    assert skips_required(numeric, {"s": "2"})
    assert not skips_required(numeric, {"s": "1"})


def test_an_update_checks_what_is_sent_and_requires_of_the_merged_row() -> None:
    assert validate(ARTICLES, {"views": 4}, update()).values == {"views": 4}
    assert broken({"title": None}, update()) == {"title": BLANK}
    assert broken({"title": "tide!"}, update()) == {"title": INVALID}
    # A stored value that breaks a rule is not the business of a request that does not touch it …
    assert broken({"views": 4}, update({**STORED, "title": "lower case"})) == {}
    # … but a required value that is not there is missing.
    assert broken({"views": 4}, update({**STORED, "title": ""})) == {"title": BLANK}


def test_children_are_not_required_of_an_update() -> None:
    assert broken({"comments": [], "views": 4}, update()) == {}


def test_what_was_read_is_sent_back_unharmed() -> None:
    stored = {**STORED, "title": "lower case", "tags": None, "publish_date": "0000-00-00", "rating": 5}
    read = {
        "id": 1, "status": "draft", "title": "lower case", "slug": None, "views": 3, "rating": 5, "publish_date": None,
        "tags": [], "author": None, "created_on": "2020-01-01T00:00:00+00:00", "owner": 1, "shout": "TIDE",
    }  # fmt: skip
    checked = validate(ARTICLES, read, update(stored))
    assert (dict(checked.values), checked.findings) == ({}, ())


def test_passwords_of_users() -> None:
    users = collection(
        field("integer", name="id", primary_key=True, auto_increment=True, nullable=False),
        field("text", "hash", name="password", characters=255),
        name="directus_users",
        is_system=True,
    )
    weak = Terms("mysql", password_policy="/^.{8,}$/")
    assert validate(users, {"password": "long enough"}, weak).values == {"password": "long enough"}
    assert broken({"password": "short"}, weak, users) == {"password": INVALID}
    assert broken({"password": ""}, weak, users) == {"password": BLANK}
    assert validate(users, {"password": None}, weak).values == {"password": None}
    assert broken({"password": "x" * 4097}, CREATE, users) == {"password": INVALID}
    assert broken({"password": "anything"}, CREATE, users) == {}
    bad = Terms("mysql", password_policy="no delimiters")
    assert broken({"password": "x"}, bad, users) == {
        "password": "The password policy is not a valid regular expression."
    }
    kept = Terms("mysql", update=True, stored={"id": 1, "password": "$2y$10$x"}, password_policy="/^.{20,}$/")
    assert validate(users, {"password": "$2y$10$x"}, kept).values == {}

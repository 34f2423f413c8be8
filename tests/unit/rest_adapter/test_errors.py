"""The table of errors: every kind of core has a status, every route its own look for callers without a level."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

import core.errors as kinds
from core.errors import CreateDenied, DeleteDenied, NotAuthenticated, ReadDenied, TabulariumError, UpdateDenied
from rest_adapter import errors
from rest_adapter.errors import Answer


def _leaves(kind: type[TabulariumError]) -> Iterator[type[TabulariumError]]:
    """Leaves of the tree as `core.errors` draws it: rooms that refine one of them may be loaded or not."""
    below = [one for one in kind.__subclasses__() if one.__module__ == kind.__module__]
    if not below:
        yield kind
    for one in below:
        yield from _leaves(one)


LEAVES = sorted(set(_leaves(TabulariumError)), key=lambda k: k.__name__)


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_every_kind_has_a_status(kind: type[TabulariumError]) -> None:
    takes = [name for name, one in inspect.signature(kind).parameters.items() if one.default is one.empty]
    error = kind(*["x" for name in takes if name not in ("details", "problems")])
    answer = errors.answer(error)
    assert answer.status in (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503)
    assert (answer.code, answer.message) == (error.code, error.message)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (kinds.BadRequest(), 400, 2),
        (kinds.ValidationFailed("title: This value should not be blank."), 422, 4),
        (kinds.Unprocessable(), 422, 12),
        (kinds.InvalidPayload(), 400, 13),
        (kinds.PayloadTooLarge(), 413, 601),
        (kinds.InvalidField("x", "a"), 422, 202),
        (kinds.FieldNotFound("x"), 404, 202),
        (kinds.LocationNotAllowed(), 401, 19),
        (kinds.InvalidDatabaseConnection(), 400, 19),
        (kinds.UserInactive(), 401, 103),
        (kinds.UserSuspended(), 404, 103),
        (kinds.InvalidCredentials(), 404, 100),
        (kinds.DuplicateItem("x", "a"), 409, 204),
        (kinds.FieldAccessDenied("x"), 403, 215),
        (kinds.QueryFailed(), 500, 9),
        (kinds.DatabaseUnavailable(), 500, 11),
        (kinds.NotInstalled(), 503, 14),
        (kinds.Maintenance(), 503, 21),
    ],
    ids=lambda value: value.kind if isinstance(value, TabulariumError) else None,
)
def test_statuses_of_the_specification(error: TabulariumError, status: int, code: int) -> None:
    answer = errors.answer(error)
    assert (answer.status, answer.code) == (status, code)


def test_what_is_not_core_s_is_internal_and_says_nothing() -> None:
    assert errors.answer(RuntimeError("secret text")) == Answer(500, None, "Internal Server Error")


MATRIX = [
    ("list", errors.LIST, ReadDenied, (401, 3), (403, 300)),
    ("item", errors.ITEM, ReadDenied, (404, 203), (404, 203)),
    ("several items", errors.AS_IS, ReadDenied, (403, 300), (403, 300)),
    ("collection", errors.HIDDEN_ITEM, ReadDenied, (401, 3), (404, 203)),
    ("create", errors.AS_IS, CreateDenied, (403, 301), (403, 301)),
    ("update", errors.UPDATE, UpdateDenied, (404, 203), (404, 203)),
    ("delete", errors.AS_IS, DeleteDenied, (403, 303), (403, 303)),
    ("own record", errors.OWN, ReadDenied, (401, 3), (401, 3)),
]


@pytest.mark.parametrize(("name", "denied", "kind", "public", "user"), MATRIX, ids=[row[0] for row in MATRIX])
def test_a_caller_without_any_level(
    name: str,
    denied: errors.Denied,
    kind: type[kinds.CollectionDenied],
    public: tuple[int, int],
    user: tuple[int, int],
) -> None:
    error = kind("articles", level=False)
    found = [errors.answer(error, denied, public=who) for who in (True, False)]
    assert [(one.status, one.code) for one in found] == [public, user]


def test_a_list_of_one_is_not_found() -> None:
    error = ReadDenied("articles")
    found = [errors.answer(error, errors.LIST, public=who, single=True) for who in (True, False)]
    assert [(one.status, one.code) for one in found] == [(401, 3), (404, 203)]


def test_a_caller_with_some_level_learns_what_is_missing() -> None:
    assert errors.answer(UpdateDenied("a", level=True), errors.UPDATE, public=False).code == 302
    assert errors.answer(ReadDenied("a", level=True), errors.LIST, public=True).code == 300
    assert errors.answer(ReadDenied("a", level=True), errors.ITEM, public=False).code == 203


def test_nobody_has_no_record_of_his_own() -> None:
    assert errors.answer(NotAuthenticated(), errors.OWN).code == 3
    assert errors.answer(NotAuthenticated(), errors.LIST).code == 108

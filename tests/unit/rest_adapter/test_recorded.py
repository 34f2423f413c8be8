"""Captured answers of the reference product: parameters, links and error codes as it wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from core.errors import TabulariumError
from rest_adapter import errors, params
from rest_adapter.call import Call
from rest_adapter.envelope import PAGE, links
from rest_adapter.request import Request
from rest_adapter.route import Route
from tests.unit.rest_adapter.test_errors import LEAVES

pytestmark = pytest.mark.shared

FAMILIES = ("items", "server", "project", "cors", "error")


@pytest.fixture(scope="module")
def recorded(shared: Path) -> list[dict[str, Any]]:
    """The captured requests that have an answer."""
    path = shared / "parity" / "recordings.jsonl"
    if not path.is_file():
        pytest.skip("there are no captured answers in the folder of shared material")
    with path.open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [one for one in found if one["response"] is not None and one["request"]["method"] not in ("SMTP", "WEBHOOK")]


def _sorted(url: str | None) -> tuple[str, list[tuple[str, str]]] | None:
    if url is None:
        return None
    path, _, query = url.partition("?")
    return path, sorted(parse_qsl(query, keep_blank_values=True))


def test_links_are_those_of_the_reference(recorded: list[dict[str, Any]]) -> None:
    seen = 0
    route = Route("GET", "/items/:collection", "C", PAGE)
    for one in recorded:
        body, (path, _, query) = one["response"]["body"], one["request"]["path"].partition("?")
        meta = body.get("meta") if isinstance(body, dict) else None
        if not isinstance(meta, dict) or "links" not in meta:
            continue
        scope = {"method": "GET", "path": path, "headers": [], "query_string": query.encode()}
        call = Call(route, Request(scope), base_url="http://127.0.0.1")
        found = links(call, meta)
        assert list(found) == list(meta["links"]), one["name"]
        for name, url in meta["links"].items():
            assert _sorted(found[name]) == _sorted(url), (one["name"], name)
        seen += 1
    assert seen >= 10


def test_every_captured_query_string_can_be_read(recorded: list[dict[str, Any]]) -> None:
    for one in recorded:
        query = one["request"]["path"].partition("?")[2]
        found = params.parse(query)
        if isinstance(found.get("filter"), dict):
            assert params.conditions(found["filter"]), one["name"]


def test_captured_errors_have_their_statuses(recorded: list[dict[str, Any]]) -> None:
    known = {(answer.status, answer.code) for answer in map(errors.answer, map(_one_of, LEAVES))}
    known |= {(one.status, one.code) for one in (errors.METHOD_NOT_ALLOWED, errors.INTERNAL)}
    for one in recorded:
        body = one["response"]["body"]
        if one["name"].split(".")[0] in FAMILIES and isinstance(body, dict) and "error" in body:
            pair = (one["response"]["status"], body["error"]["code"] or None)
            assert pair in known, one["name"]


def _one_of(kind: type[TabulariumError]) -> TabulariumError:
    try:
        return kind()
    except TypeError:
        try:
            return kind("x")
        except TypeError:
            return kind("x", "y")  # type: ignore[call-arg]

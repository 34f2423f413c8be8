"""In charge of agreement with recorded traffic of Directus 8: what is claimed agrees, or is listed with a reason."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.parity import recordings
from tests.parity.comparison import compare
from tests.parity.player import replay
from tests.parity.recordings import Answer, Record
from tests.parity.report import CLAIMED, REPORTS, Report, described, judge, listed
from tests.parity.translation import Translation

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "differences.md"


@pytest.fixture(scope="module")
def records(shared: Path) -> list[Record]:
    """What was recorded; skipped where it is absent."""
    file = shared / "parity" / "recordings.jsonl"
    if not file.is_file():
        pytest.skip("the folder of shared material has no recorded traffic")
    return recordings.load(file)


@pytest.fixture(scope="module")
def report(
    dialect: str, records: list[Record], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Report:
    """The verdict on one replay on a dialect."""
    exchanges = asyncio.run(replay(dialect, records, tmp_path_factory.mktemp(dialect)))
    found = judge(dialect, exchanges, listed(DOCUMENT))
    request.config.stash[REPORTS].append(found)
    return found


@pytest.mark.shared
@pytest.mark.parametrize("family", CLAIMED)
def test_a_claimed_family_agrees_or_is_listed(report: Report, family: str) -> None:
    verdicts = report.of(family)
    assert verdicts, "no record of this family is compared"
    assert not [verdict for verdict in verdicts if verdict.open], "\n".join(
        described(verdict) for verdict in verdicts if verdict.open
    )


@pytest.mark.shared
def test_what_is_listed_does_differ(report: Report) -> None:
    assert [(one.name, one.at) for one in report.stale] == []


# The comparison itself


def untranslated() -> Translation:
    return Translation(lambda: "secret")


@pytest.mark.shared
def test_every_recorded_answer_agrees_with_itself(records: list[Record]) -> None:
    for record in records:
        if record.answer is not None:
            assert compare(record, record.answer, untranslated()).differences == [], record.name


def differences(recorded: Any, own: Any, path: str = "/main/items/articles/1", status: int = 200) -> list[str]:
    record = Record("items.read", "GET", path, {}, None, Answer(200, {}, recorded), setup=False)
    found = compare(record, Answer(status, {}, own), untranslated()).differences
    return [f"{one.kind} {one.at}" for one in found]


@pytest.mark.parametrize(
    ("member", "recorded", "own", "found"),
    [
        ("views", 1, 1, None),
        ("views", 1, 2, "value"),
        ("views", 1, "1", "type"),
        ("views", 1, True, "type"),
        ("views", 1, None, "type"),
        ("rating", 1, 1.0, None),
        ("tags", [], {}, None),
        ("tags", [], None, "type"),
        ("tags", ["a"], [], "length"),
        ("publish_at", "2020-01-02 03:04:05", "2020-01-02 03:04:06", "value"),
        ("created_on", "2026-01-02 03:04:05", "2030-11-12 13:14:15", None),
        ("created_on", "2026-01-02 03:04:05", "2030-11-12T13:14:15Z", "value"),
        ("secret", "$2y$10$abc", "$argon2id$v=19$m=1$x", None),
        ("secret", "$2y$10$abc", "plain", "value"),
        ("note", "", "something", None),
        ("note", "", None, "type"),
        ("note", "something", "else", "value"),
        ("url", "http://127.0.0.1/a?x=1&y=2", "https://api.example.com:8055/a?y=2&x=1", None),
        ("url", "http://127.0.0.1/a?x=1&y=2", "http://127.0.0.1/b?x=1&y=2", "value"),
        ("value", '[{"a": 1}]', '[{"a":1}]', None),
        ("value", '[{"a": 1}]', '[{"a": 2}]', "value"),
    ],
)
def test_what_counts_as_a_difference_of_values(member: str, recorded: Any, own: Any, found: str | None) -> None:
    expected = [] if found is None else [f"{found} data.{member}"]
    assert differences({"data": {member: recorded}}, {"data": {member: own}}) == expected


@pytest.mark.parametrize(
    ("recorded", "own", "found"),
    [
        ({"data": {"a": 1, "b": 1}}, {"data": {"a": 1}}, ["keys -data.b"]),
        ({"data": {"a": 1}}, {"data": {"a": 1, "b": 1}}, ["keys +data.b"]),
        ({"data": [{"a": 1}, {"a": 2}]}, {"data": [{"a": 2}, {"a": 1}]}, ["value data.0.a", "value data.1.a"]),
        (
            {"data": [{"collection": "a", "fields": 1}, {"collection": "b", "fields": 1}]},
            {
                "data": [
                    {"collection": "b", "fields": 2},
                    {"collection": "c", "fields": 1},
                    {"collection": "a", "fields": 1},
                ]
            },
            ["keys +data.c", "value data.b.fields", "order data!"],
        ),
        ({"data": []}, {"data": [], "public": True}, ["keys +public"]),
        ({"error": {"code": None, "message": "a"}}, {"error": {"code": 0, "message": "b"}}, []),
        ({"error": {"code": 4, "message": "a"}}, {"error": {"code": 12, "message": "a"}}, ["code code"]),
        ({"error": {"code": 4, "message": "a"}}, {"data": []}, ["keys error"]),
    ],
)
def test_what_counts_as_a_difference_of_answers(recorded: Any, own: Any, found: list[str]) -> None:
    assert differences(recorded, own) == found


def test_a_status_hides_the_rest() -> None:
    assert differences({"data": []}, {"error": {"code": 1}}, status=404) == ["status status"]


def test_ids_are_compared_through_what_was_learned() -> None:
    translation = untranslated()
    made = Record(
        "items.create", "POST", "/main/items/articles", {}, None, Answer(200, {}, {"data": {"id": 6}}), setup=False
    )
    first = compare(made, Answer(200, {}, {"data": {"id": 7}}), translation)
    assert (first.differences, first.bindings) == ([], {("articles", 6): 7})
    translation.bind(first.bindings)
    read = replace(made, method="GET", path="/main/items/articles/6,8?fields=id&filter[id][in]=6,8")
    assert translation.request(read).path == "/main/items/articles/7,9?fields=id&filter[id][in]=7,9"
    query = {"query": "{ articles(filter:{id_eq:6}, limit:6) { data { id } } }"}
    asked = translation.request(replace(made, path="/main/gql", body=query))
    assert asked.body["query"] == "{ articles(filter:{id_eq:7}, limit:6) { data { id } } }"
    assert compare(read, Answer(200, {}, {"data": {"id": 7}}), translation).differences == []
    assert [one.at for one in compare(read, Answer(200, {}, {"data": {"id": 6}}), translation).differences] == [
        "data.id"
    ]

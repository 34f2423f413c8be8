"""Documents as text and as data: what is taken in, what is refused and where, and that both ways meet."""

from __future__ import annotations

from typing import Any

import pytest

from core.ddl.document.admit import admit
from core.ddl.document.render import rendered
from core.ddl.document.text import DEEPEST, MOST_BYTES, dumps, loads
from core.errors import ValidationFailed

FULL = """\
tabularium: 1
collections:
  articles:
    note: What is written.
    fields:
      id:
        type: integer
        column:
          datatype: INT
          nullable: false
          primary_key: true
          auto_increment: true
      title:
        type: string
        interface: text-input
        options:
          b: 1
          a:
          - x
        sort: 1
        group: more
        translation:
        - locale: de-DE
          translation: Titel
        column:
          datatype: VARCHAR
          length: 255
          default: ''
      more:
        type: group
        sort: 2
      price:
        type: decimal
        sort: 3
        width: half
        column:
          datatype: DECIMAL
          length: 10,2
          unsigned: true
      old:
        column:
          datatype: JSON
          native: jsonb
    uniques:
    - - title
      - price
  directus_users:
    fields:
      phone:
        type: string
        column:
          datatype: VARCHAR
          length: 20
relations:
  articles:
    author:
      collection_one: people
      field_one: articles
roles:
  $admin:
    name: Boss
  Writers:
    description: They write.
    ip_whitelist:
    - 10.0.0.0/8
    enforce_2fa: true
permissions:
  Writers:
    articles:
    - create: full
      read: mine
      read_field_blacklist:
      - price
    - status: draft
      comment: update
settings:
  default_limit: '200'
  project_name: Shop
  sort_null_last: null
presets:
- collection: articles
  filters:
  - field: title
    operator: eq
    value: x
- collection: articles
  role: Writers
  title: Mine
  view_type: cards
"""


def test_what_is_written_is_what_was_read() -> None:
    assert dumps(rendered(admit(loads(FULL)))) == FULL


def test_json_says_the_same() -> None:
    document = admit(loads(FULL))
    assert admit(loads(dumps(rendered(document), "json"))) == document


def test_a_section_that_is_not_there_says_nothing() -> None:
    document = admit(loads("tabularium: 1\nroles: {}\n"))
    assert (document.sections, rendered(document)) == ({"roles"}, {"tabularium": 1, "roles": {}})


def test_the_order_of_what_is_sent_says_nothing() -> None:
    shuffled = "tabularium: 1\nsettings: {b: '1', a: '2'}\nroles: {Z: {}, A: {}}\n"
    assert (
        dumps(rendered(admit(loads(shuffled))))
        == "tabularium: 1\nroles:\n  A: {}\n  Z: {}\nsettings:\n  a: '2'\n  b: '1'\n"
    )


def test_short_forms_are_understood() -> None:
    sent = """
    tabularium: 1
    collections:
      a:
        fields:
          b: {type: USER_CREATED, column: {datatype: int, length: 11}}
          c: {type: string, column: {datatype: enum, length: [x, y]}}
    permissions:
      Writers:
        a: {read: full}
        b: {create: mine}
    roles:
      Writers:
    settings: {default_limit: 50, day: 2020-01-01}
    """
    document = admit(loads(sent))
    assert document.fields["a", "b"]["type"] == "owner"
    assert (document.columns["a", "b"]["datatype"], document.columns["a", "b"]["length"]) == ("INT", "11")
    assert document.columns["a", "c"]["length"] == "x,y"
    assert document.permissions["Writers", "a", None]["read"] == "full"
    assert document.permissions["Writers", "b", None]["create"] == "full"
    assert document.settings == {("default_limit",): {"value": "50"}, ("day",): {"value": "2020-01-01"}}


def column(**more: Any) -> dict[str, Any]:
    return {"collections": {"a": {"fields": {"b": {"type": "string", "column": {"datatype": "TEXT", **more}}}}}}


def field(**more: Any) -> dict[str, Any]:
    return {"collections": {"a": {"fields": {"b": more}}}}


WRONG: list[tuple[dict[str, Any], tuple[Any, ...]]] = [
    ({"tabularium": 2}, ("tabularium",)),
    ({"tabularium": True}, ("tabularium",)),
    ({"users": {}}, ("users",)),
    ({"collections": []}, ("collections",)),
    ({"collections": {"a": None}}, ("collections", "a")),
    ({"collections": {1: {}}}, ("collections", "1")),
    ({"collections": {"a" * 65: {}}}, ("collections", "a" * 65)),
    ({"collections": {"a\x00": {}}}, ("collections", "a\x00")),
    ({"collections": {"a": {"hidden": 1}}}, ("collections", "a", "hidden")),
    ({"collections": {"a": {"hidden": None}}}, ("collections", "a", "hidden")),
    ({"collections": {"a": {"icon": "i" * 31}}}, ("collections", "a", "icon")),
    ({"collections": {"a": {"sort": 1}}}, ("collections", "a", "sort")),
    ({"collections": {"a": {"uniques": [["b"]]}}}, ("collections", "a", "uniques")),
    ({"collections": {"a": {"uniques": [["b", "c"]]}}}, ("collections", "a", "uniques")),
    ({"collections": {"directus_nothing": {}}}, ("collections", "directus_nothing")),
    ({"collections": {"Directus_users": {}}}, ("collections", "Directus_users")),
    ({"collections": {"directus_users": {"hidden": True}}}, ("collections", "directus_users", "hidden")),
    (
        {"collections": {"directus_users": {"fields": {"email": {"type": "string", "column": {"datatype": "TEXT"}}}}}},
        ("collections", "directus_users", "fields", "email"),
    ),
    (
        {"collections": {"directus_users": {"fields": {"b": {"type": "alias", "locked": True}}}}},
        ("collections", "directus_users", "fields", "b", "locked"),
    ),
    (field(type="wat", column={"datatype": "TEXT"}), ("collections", "a", "fields", "b", "type")),
    (field(type="string"), ("collections", "a", "fields", "b", "column")),
    (field(type="o2m", column={"datatype": "TEXT"}), ("collections", "a", "fields", "b", "column")),
    (field(note="x", column={"datatype": "TEXT"}), ("collections", "a", "fields", "b", "type")),
    (field(id=7, type="o2m"), ("collections", "a", "fields", "b", "id")),
    (field(type="o2m", sort="1"), ("collections", "a", "fields", "b", "sort")),
    (field(type="o2m", sort=-1), ("collections", "a", "fields", "b", "sort")),
    (field(type="o2m", sort=2**31), ("collections", "a", "fields", "b", "sort")),
    (field(type="o2m", options="{}"), ("collections", "a", "fields", "b", "options")),
    (field(type="o2m", options=[1]), ("collections", "a", "fields", "b", "options")),
    (field(type="o2m", options={1: 2}), ("collections", "a", "fields", "b", "options")),
    (field(type="o2m", options={"a": float("nan")}), ("collections", "a", "fields", "b", "options")),
    (field(type="o2m", options={"a": "\x00"}), ("collections", "a", "fields", "b", "options")),
    (field(type="o2m", note="\ud800"), ("collections", "a", "fields", "b", "note")),
    (column(expression=True), ("collections", "a", "fields", "b", "column", "expression")),
    (column(nullable="no"), ("collections", "a", "fields", "b", "column", "nullable")),
    (column(datatype=None), ("collections", "a", "fields", "b", "column", "datatype")),
    (
        column(default="1", default_expression="now()"),
        ("collections", "a", "fields", "b", "column", "default_expression"),
    ),
    ({"relations": {"a": {"b": {}}}}, ("relations", "a", "b", "collection_one")),
    ({"relations": {"a": {"b": {"collection_one": "directus_fields"}}}}, ("relations", "a", "b", "collection_one")),
    ({"relations": {"a": {"b" * 46: {"collection_one": "c"}}}}, ("relations", "a", "b" * 46)),
    ({"roles": {"$root": {}}}, ("roles", "$root")),
    ({"roles": {"A": {"name": "B"}}}, ("roles", "A", "name")),
    ({"roles": {"A": {}, "a": {}}}, ("roles", "a")),
    ({"roles": {"$admin": {}, "administrator": {}}}, ("roles", "administrator")),
    ({"roles": {"A": {"ip_whitelist": "10.0.0.1"}}}, ("roles", "A", "ip_whitelist")),
    ({"roles": {"A": {"ip_whitelist": ["1,2"]}}}, ("roles", "A", "ip_whitelist")),
    ({"permissions": {"A": {"a": [{"read": "all"}]}}}, ("permissions", "A", "a", 0, "read")),
    ({"permissions": {"A": {"a": [{}, {}]}}}, ("permissions", "A", "a", 1)),
    ({"roles": {}, "permissions": {"A": {"a": []}, "B": {"a": [{}]}}}, ("permissions", "B")),
    ({"settings": {"youtube_api_key": "x"}}, ("settings", "youtube_api_key")),
    ({"settings": {"project_logo": "1"}}, ("settings", "project_logo")),
    ({"settings": {"a": True}}, ("settings", "a")),
    ({"presets": {}}, ("presets",)),
    ({"presets": [{"title": "x"}]}, ("presets", 0, "collection")),
    ({"presets": [{"collection": "a", "user": 1}]}, ("presets", 0, "user")),
    ({"presets": [{"collection": "a"}, {"collection": "a", "view_type": "cards"}]}, ("presets", 1)),
]


@pytest.mark.parametrize(("sent", "path"), WRONG, ids=lambda one: ".".join(map(str, one)) if type(one) is tuple else "")
def test_what_is_wrong_is_told_with_its_path(sent: dict[str, Any], path: tuple[Any, ...]) -> None:
    with pytest.raises(ValidationFailed) as caught:
        admit({"tabularium": 1, **sent})
    assert {one.path for one in caught.value.problems} == {path}


@pytest.mark.parametrize("sent", [None, [], "x", 1, {}, {"roles": {}}])
def test_what_is_no_document_is_refused(sent: Any) -> None:
    with pytest.raises(ValidationFailed):
        admit(sent)


def test_problems_are_bounded() -> None:
    with pytest.raises(ValidationFailed) as caught:
        admit({"tabularium": 1, **{f"x{number}": 1 for number in range(1000)}})
    assert len(caught.value.problems) == 100


LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\n" + "".join(
    f"{chr(number + 1)}: &{chr(number + 1)} [*{chr(number)}, *{chr(number)}]\n" for number in range(98, 121)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LAUGHS, "Aliases are not taken (line 2)"),
        ("a: {" * DEEPEST + "x" + "}" * DEEPEST, f"More than {DEEPEST} levels (line 1)"),
        ("[" * 100_000, "The document is no YAML: "),
        ("a: 1\nb: 2\na: 3\n", '"a" is there twice (line 3)'),
        ('{"a": {"b": 1, "b": 2}}', "b: is there twice"),
        ('{"a": NaN}', "NaN is no value of JSON"),
        ("a: [1", "The document is no YAML: "),
        ("a: !!python/object/apply:os.system [id]\n", "The document is no YAML: "),
        ("? [a]\n: 1\n", "A key is a text (line 1)"),
        (b"\xff\xfe\xfa", "The document is no YAML: "),
        ("a: \x01", "The document is no YAML: "),
        ("x" * (MOST_BYTES + 1), f"The document is larger than {MOST_BYTES} bytes"),
    ],
)
def test_text_that_is_no_document_is_refused(text: str | bytes, told: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        loads(text)
    assert caught.value.message.startswith(told), caught.value.message


def test_json_of_any_depth_is_refused() -> None:
    with pytest.raises(ValidationFailed):
        admit(loads('{"tabularium": 1, "x": ' + "[" * 60 + "]" * 60 + "}"))
    with pytest.raises(ValidationFailed):
        loads('{"a":' * 100_000)

"""In charge of random schema documents for the proofs: every section, names that careless code would trip over."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from core.ddl.document.columns import described
from core.ddl.document.model import COLUMN, PERMISSION
from tests.security.models import TABLES, TEXT, tables

ROLES = ("Writers", "o'Brien \\ %s", "Größe: x")
GROUP, ALIAS = "more", "many things"
OBJECT = st.one_of(
    st.none(),
    st.dictionaries(st.sampled_from(["a", "b c", "ü"]), st.one_of(st.integers(-9, 9), TEXT, st.none()), min_size=1),
)
JSON = st.one_of(
    OBJECT,
    st.lists(st.fixed_dictionaries({"locale": st.sampled_from(["de-DE", "en"]), "translation": TEXT}), min_size=1),
)
NOTE = st.one_of(st.none(), TEXT)
CSV = st.lists(st.sampled_from(["id", "title", "a b"]), unique=True, max_size=2)


def _attributes(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the attributes; the others have their defaults."""
    return st.fixed_dictionaries({}, optional=more)


COLLECTION = _attributes(
    managed=st.booleans(), hidden=st.booleans(), single=st.booleans(), icon=NOTE, note=NOTE, translation=JSON
)
FIELD = _attributes(
    interface=NOTE, options=OBJECT, validation=NOTE, required=st.booleans(), readonly=st.booleans(),
    hidden_detail=st.booleans(), hidden_browse=st.booleans(), sort=st.one_of(st.none(), st.integers(0, 9)),
    width=st.sampled_from(["half", "full"]), note=NOTE, translation=JSON,
    locked=st.booleans(), group=st.just(GROUP),
)  # fmt: skip
ROLE = _attributes(
    description=NOTE, ip_whitelist=st.lists(st.sampled_from(["10.0.0.0/8", "::1"]), unique=True),
    enforce_2fa=st.booleans(), module_listing=JSON, collection_listing=JSON,
)  # fmt: skip
RIGHTS = _attributes(
    **{one.name: st.sampled_from(one.choices) if one.choices else CSV for one in PERMISSION},
)
PRESET = _attributes(
    search_query=NOTE, filters=JSON, view_type=st.sampled_from(["cards", "tabular"]), view_query=JSON,
    view_options=JSON, translation=JSON,
)  # fmt: skip


@st.composite
def collections(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A collection with columns of all kinds, some without a row, and aliases."""
    table = draw(tables(name))
    fields: dict[str, Any] = {}
    for spec in table.columns:
        kind = "boolean" if spec.type == "boolean" else draw(st.sampled_from(["string", "integer", "m2o", None]))
        told = described(spec, kind or "", None)
        if kind == "boolean" and told["default"] is not None:
            told["default"] = draw(st.sampled_from(["0", "1"]))
        shown = {one.name: told[one.name] for one in COLUMN if told[one.name] != one.default}
        row = {"type": kind, **draw(FIELD)} if kind is not None else {}
        fields[spec.name] = {**row, "column": shown}
    fields[GROUP] = {"type": "group"}
    if draw(st.booleans()):
        fields[ALIAS] = {"type": draw(st.sampled_from(["o2m", "alias"])), **draw(FIELD)}
    return {**draw(COLLECTION), "fields": fields, "uniques": [list(key) for key in table.uniques]}


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A whole document; relations lead from its fields to its collections and to users."""
    names = draw(st.lists(st.sampled_from(sorted(TABLES)), unique=True, max_size=3))
    found = {name: draw(collections(name)) for name in names}
    if draw(st.booleans()):
        phone = {"type": "string", **draw(FIELD), "column": {"datatype": "VARCHAR", "length": 20}}
        found["directus_users"] = {"fields": {"phone": {**phone, "group": None, "locked": False}}}
    relations: dict[str, Any] = {}
    targets = [*names, "directus_users"]
    for name in names:
        for field in found[name]["fields"]:
            if "column" in found[name]["fields"][field] and draw(st.booleans()):
                relations.setdefault(name, {})[field] = {
                    "collection_one": draw(st.sampled_from(targets)),
                    "field_one": draw(st.sampled_from([None, ALIAS])),
                    "junction_field": draw(st.sampled_from([None, "title"])),
                }
    roles = draw(st.lists(st.sampled_from(ROLES), unique=True))
    acting = ["$admin", "$public", *roles]
    places = [*names, "directus_files", "gone"]
    permissions: dict[str, Any] = {}
    keys = st.tuples(st.sampled_from(acting), st.sampled_from(places), st.sampled_from([None, "draft", "$create"]))
    for role, collection, status in draw(st.lists(keys, unique=True, max_size=6)):
        row = draw(RIGHTS) | ({"status": status} if status is not None else {})
        permissions.setdefault(role, {}).setdefault(collection, []).append(row)
    keys = st.tuples(st.sampled_from(places), st.sampled_from([None, *acting]), st.sampled_from([None, "", "Best"]))
    presets = [
        {"collection": collection, "role": role, "title": title, **draw(PRESET)}
        for collection, role, title in draw(st.lists(keys, unique=True, max_size=4))
    ]
    values = st.one_of(st.none(), st.sampled_from(["", "0", "200", "a: 'b'\n", "{}"]))
    return {
        "tabularium": 1,
        "collections": found,
        "relations": relations,
        "roles": {
            "$admin": {},
            "$public": draw(_attributes(name=st.just("Guests"))),
            **{one: draw(ROLE) for one in roles},
        },
        "permissions": permissions,
        "settings": draw(
            st.dictionaries(st.sampled_from(["project_name", "default_limit", "status_mapping", "é"]), values)
        ),
        "presets": presets,
    }

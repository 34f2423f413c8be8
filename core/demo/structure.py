"""In charge of the shape of the demo: the collections of a small magazine, as data. It holds no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.sql.ddl import ColumnSpec


@dataclass(frozen=True, slots=True)
class DemoField:
    """A field: its row in directus_fields, and its column unless it is an alias."""

    name: str
    type: str
    interface: str
    column: ColumnSpec | None = None
    options: Mapping[str, Any] | None = None
    required: bool = False
    readonly: bool = False
    width: str = "full"
    note: str | None = None


@dataclass(frozen=True, slots=True)
class DemoCollection:
    """A collection: its row in directus_collections, and its fields in order."""

    name: str
    icon: str
    note: str
    fields: tuple[DemoField, ...]
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class DemoRelation:
    """A row of directus_relations."""

    many: str
    field: str
    one: str
    alias: str | None = None
    junction: str | None = None


def _status(name: str, text: str, background: str, *, soft_delete: bool = False, published: bool = False) -> Any:
    return {
        "name": name,
        "value": name.lower(),
        "text_color": text,
        "background_color": background,
        "browse_subdued": not published,
        "browse_badge": not published,
        "soft_delete": soft_delete,
        "published": published,
        "required_fields": published,
    }


STATUSES = {
    "published": _status("Published", "white", "accent", published=True),
    "draft": _status("Draft", "white", "blue-grey-200"),
    "deleted": _status("Deleted", "white", "red", soft_delete=True),
}


def _key() -> DemoField:
    column = ColumnSpec("id", "INT", "11", signed=False, nullable=False, primary_key=True, auto_increment=True)
    return DemoField("id", "integer", "primary-key", column, required=True)


def _text(name: str, length: int, *, required: bool = False, note: str | None = None) -> DemoField:
    column = ColumnSpec(name, "VARCHAR", str(length), nullable=not required)
    return DemoField(name, "string", "text-input", column, required=required, note=note)


def _long(name: str, interface: str = "textarea", note: str | None = None) -> DemoField:
    return DemoField(name, "string", interface, ColumnSpec(name, "TEXT"), note=note)


def _slug(source: str) -> DemoField:
    column = ColumnSpec("slug", "VARCHAR", "150", unique=True)
    return DemoField("slug", "slug", "slug", column, {"mirroredField": source, "forceLowercase": True})


def _to_one(name: str, kind: str = "m2o", note: str | None = None, *, required: bool = False) -> DemoField:
    interface = {"m2o": "many-to-one"}.get(kind, kind)
    column = ColumnSpec(name, "INT", "11", signed=False, nullable=not required)
    return DemoField(name, kind, interface, column, required=required, width="half", note=note)


def _to_many(name: str, interface: str = "one-to-many", kind: str = "o2m", note: str | None = None) -> DemoField:
    return DemoField(name, kind, interface, note=note)


def _moment(name: str, kind: str = "datetime") -> DemoField:
    datatype = "DATE" if kind == "date" else "DATETIME"
    automatic = kind in ("datetime_created", "datetime_updated")
    interface = kind.replace("_", "-")
    return DemoField(name, kind, interface, ColumnSpec(name, datatype), readonly=automatic, width="half")


def _number(name: str, *, unique: bool = False, note: str | None = None) -> DemoField:
    column = ColumnSpec(name, "INT", "11", unique=unique)
    return DemoField(name, "integer", "numeric", column, width="half", note=note)


def _switch(name: str, default: bool) -> DemoField:
    column = ColumnSpec(name, "TINYINT", "1", type="boolean", nullable=False, default=str(int(default)))
    return DemoField(name, "boolean", "switch", column, width="half")


def _decimal(name: str, size: str, note: str | None = None) -> DemoField:
    return DemoField(name, "decimal", "numeric", ColumnSpec(name, "DECIMAL", size), width="half", note=note)


COLLECTIONS = (
    DemoCollection("languages", "translate", "Languages that articles are translated into.", (
        DemoField("code", "string", "text-input", ColumnSpec("code", "CHAR", "5", nullable=False, primary_key=True),
                  required=True, note="Such as en-US."),
        _text("name", 50, required=True),
    )),
    DemoCollection("sections", "account_tree", "The parts of the magazine; a section may lie within another.", (
        _key(),
        _text("name", 80, required=True),
        _slug("name"),
        _to_one("parent", note="The section that this one lies within."),
        DemoField("sort", "sort", "sort", ColumnSpec("sort", "INT", "11")),
        _to_many("children"),
        _to_many("articles"),
    )),
    DemoCollection("authors", "face", "Who writes.", (
        _key(),
        _text("name", 80, required=True),
        _slug("name"),
        _text("email", 128, note="Not for the public."),
        _long("bio"),
        _moment("born", "date"),
        _to_one("portrait", "file"),
        _to_one("account", "user", note="The user of this server that the author is, if any."),
        _to_many("articles"),
    )),
    DemoCollection("issues", "auto_stories", "The monthly issues.", (
        _key(),
        _number("number", unique=True),
        _text("title", 80, required=True),
        _moment("appeared", "date"),
        _decimal("price", "6,2", note="In euros."),
        _number("circulation"),
        _to_many("articles"),
    )),
    DemoCollection("tags", "label", "Words that articles are found by.", (
        _key(),
        DemoField("name", "string", "text-input",
                  ColumnSpec("name", "VARCHAR", "40", nullable=False, unique=True), required=True),
        _text("color", 7),
        _to_many("articles", "many-to-many"),
    )),
    DemoCollection("articles", "article", "What is written.", (
        _key(),
        DemoField("status", "status", "status",
                  ColumnSpec("status", "VARCHAR", "20", nullable=False, default="draft"),
                  {"status_mapping": STATUSES}, required=True),
        _text("title", 150, required=True),
        _slug("title"),
        _to_one("section", required=True),
        _to_one("author"),
        _to_one("issue"),
        _to_one("cover", "file"),
        _long("body", "wysiwyg"),
        DemoField("keywords", "array", "tags", ColumnSpec("keywords", "VARCHAR", "255")),
        DemoField("details", "json", "json", ColumnSpec("details", "TEXT"), note="Whatever a layout needs."),
        _number("minutes", note="Time to read."),
        _decimal("rating", "3,2", note="From 0 to 5, by readers."),
        _switch("featured", False),
        _moment("published_on"),
        _to_one("owner", "owner"),
        _moment("created_on", "datetime_created"),
        DemoField("edited_by", "user_updated", "user-updated", ColumnSpec("edited_by", "INT", "11", signed=False),
                  readonly=True, width="half"),
        _moment("edited_on", "datetime_updated"),
        _to_many("tags", "many-to-many"),
        _to_many("comments"),
        _to_many("translations", "translation", "translation"),
    )),
    DemoCollection("articles_tags", "link", "Joins articles and tags.", (
        _key(), _to_one("article"), _to_one("tag"),
    ), hidden=True),
    DemoCollection("articles_translations", "translate", "Titles and summaries in other languages.", (
        _key(),
        _to_one("article"),
        DemoField("language", "lang", "language", ColumnSpec("language", "CHAR", "5")),
        _text("title", 150),
        _long("summary"),
    ), hidden=True),
    DemoCollection("comments", "forum", "What readers say.", (
        _key(),
        _to_one("article", required=True),
        _text("name", 60, required=True),
        _long("text"),
        _switch("approved", True),
        _moment("created_on", "datetime_created"),
    )),
)  # fmt: skip

RELATIONS = (
    DemoRelation("sections", "parent", "sections", "children"),
    DemoRelation("articles", "section", "sections", "articles"),
    DemoRelation("articles", "author", "authors", "articles"),
    DemoRelation("articles", "issue", "issues", "articles"),
    DemoRelation("articles_tags", "article", "articles", "tags", "tag"),
    DemoRelation("articles_tags", "tag", "tags", "articles", "article"),
    DemoRelation("articles_translations", "article", "articles", "translations"),
    DemoRelation("articles_translations", "language", "languages"),
    DemoRelation("comments", "article", "articles", "comments"),
)

PUBLIC = 2
EDITORS = 3


def _permission(role: int, collection: str, status: str | None = None, **levels: str) -> dict[str, Any]:
    row: dict[str, Any] = {"role": role, "collection": collection, "status": status}
    row |= {
        action: levels.get(action, "none") for action in ("create", "read", "update", "delete", "comment", "explain")
    }
    row |= {"read_field_blacklist": levels.get("hides"), "write_field_blacklist": None, "status_blacklist": None}
    row["status_blacklist"] = levels.get("not_to")
    return row


ALL = {"create": "full", "read": "full", "update": "full", "delete": "full"}

PERMISSIONS = (
    _permission(PUBLIC, "languages", read="full"),
    _permission(PUBLIC, "sections", read="full"),
    _permission(PUBLIC, "authors", read="full", hides="email,account"),
    _permission(PUBLIC, "issues", read="full", hides="circulation"),
    _permission(PUBLIC, "tags", read="full"),
    _permission(PUBLIC, "articles", "published", read="full", hides="owner,edited_by"),
    _permission(PUBLIC, "articles", "draft"),
    _permission(PUBLIC, "articles", "deleted"),
    _permission(PUBLIC, "articles_tags", read="full"),
    _permission(PUBLIC, "articles_translations", read="full"),
    _permission(PUBLIC, "comments", read="full"),
    *(_permission(EDITORS, name, **ALL) for name in ("tags", "articles_tags", "articles_translations", "comments")),
    *(_permission(EDITORS, name, read="full") for name in ("languages", "sections", "authors", "issues")),
    _permission(
        EDITORS, "articles", "draft", create="full", read="role", update="mine", delete="mine", not_to="published"
    ),
    _permission(EDITORS, "articles", "published", read="full", comment="create"),
    _permission(EDITORS, "articles", "deleted"),
)
"""Readers see what is published, editors write drafts; only administrators publish."""

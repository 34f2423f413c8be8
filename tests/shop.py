"""In charge of a small made-up shop as a snapshot, for tests of rooms that need no database. Frozen data only."""

from __future__ import annotations

from typing import Any

from core.catalog.model import Collection, Column, Field, Relation, Snapshot, ToMany, ToOne

FAMILIES = {
    "integer": "integer",
    "sort": "integer",
    "m2o": "integer",
    "file": "integer",
    "owner": "integer",
    "user_updated": "integer",
    "decimal": "decimal",
    "boolean": "boolean",
    "datetime": "datetime",
    "datetime_created": "datetime",
    "date": "date",
    "time": "time",
}


def field(collection: str, name: str, type_: str = "string", **more: Any) -> Field:
    """A field with a column; `nullable=False` and the like go to the column, `interface` and `note` to the field."""
    own = {key: more.pop(key) for key in ("interface", "note", "required") if key in more}
    if type_ in ("alias", "o2m", "translation", "group"):
        return Field(collection, name, type_, None, **own)
    family = more.pop("family", FAMILIES.get(type_, "text"))
    return Field(collection, name, type_, Column(name, "VARCHAR", family, "varchar", **more), id=1, **own)


def key(collection: str, name: str = "id", **more: Any) -> Field:
    """An integer primary key that the database generates."""
    return field(
        collection,
        name,
        "integer",
        interface="primary-key",
        primary_key=True,
        nullable=False,
        auto_increment=True,
        **more,
    )


def collection(name: str, fields: list[Field], relations: tuple[Relation, ...] = (), **more: Any) -> Collection:
    """A managed collection with the key `id`, unless told otherwise."""
    settings: dict[str, Any] = {"primary_key": "id", "key_columns": ("id",), "managed": True, "has_row": True, **more}
    return Collection(name, {one.name: one for one in fields}, {one.field: one for one in relations}, **settings)


def shop(*others: Collection, version: int = 1, **more: Any) -> Snapshot:
    """Articles with authors, comments and translations, files and users as far as they matter; and `others`."""
    articles = collection(
        "articles",
        [
            key("articles"),
            field("articles", "title", nullable=False, note="What it is called."),
            field("articles", "price", "decimal"),
            field("articles", "active", "boolean"),
            field("articles", "created", "datetime_created", nullable=False),
            field("articles", "day", "date", nullable=False),
            field("articles", "at", "time"),
            field("articles", "data", "json"),
            field("articles", "tags", "array"),
            field("articles", "status", "status", nullable=False),
            field("articles", "place", "sort"),
            field("articles", "slug", "slug"),
            field("articles", "author", "m2o", nullable=False),
            field("articles", "editor", "integer"),
            field("articles", "cover", "file"),
            field("articles", "maker", "owner"),
            field("articles", "gone", "m2o"),
            field("articles", "comments", "o2m"),
            field("articles", "lost", "o2m"),
            field("articles", "translations", "translation"),
            field("articles", "line", "alias"),
        ],
        (
            ToOne("articles", "author", "authors", "id", inverse="articles", relation=1),
            ToOne("articles", "editor", "directus_users", "id", relation=5),
            ToOne("articles", "cover", "directus_files", "id"),
            ToOne("articles", "maker", "directus_users", "id"),
            ToMany("articles", "comments", "comments", "article", relation=2),
            ToMany("articles", "translations", "articles_texts", "article", language_field="lang", relation=3),
        ),
        note="Everything that is for sale.",
        status_field="status",
    )
    authors = collection(
        "authors",
        [key("authors"), field("authors", "name", nullable=False), field("authors", "articles", "o2m")],
        (ToMany("authors", "articles", "articles", "author", relation=1),),
    )
    comments = collection(
        "comments",
        [
            field("comments", "code", primary_key=True, nullable=False),
            field("comments", "text"),
            field("comments", "article", "m2o"),
        ],
        (ToOne("comments", "article", "articles", "id", inverse="comments", relation=2),),
        primary_key="code",
        key_columns=("code",),
    )
    texts = collection(
        "articles_texts",
        [key("articles_texts"), field("articles_texts", "lang", "lang"), field("articles_texts", "article", "integer")],
        (ToOne("articles_texts", "article", "articles", "id", inverse="translations", relation=3),),
    )
    users = collection(
        "directus_users",
        [
            key("directus_users"),
            field("directus_users", "email", nullable=False),
            field("directus_users", "token"),
            field("directus_users", "password", "hash"),
            field("directus_users", "2fa_secret"),
            field("directus_users", "role", "m2o"),
            field("directus_users", "nickname"),
        ],
        (ToOne("directus_users", "role", "directus_roles", "id", inverse="users", relation=10),),
        is_system=True,
        managed=False,
    )
    roles = collection(
        "directus_roles",
        [
            key("directus_roles"),
            field("directus_roles", "name", nullable=False),
            field("directus_roles", "users", "o2m"),
        ],
        (ToMany("directus_roles", "users", "directus_users", "role", relation=10),),
        is_system=True,
        managed=False,
    )
    files = collection(
        "directus_files",
        [
            key("directus_files"),
            field("directus_files", "title"),
            field("directus_files", "metadata", "json"),
            field("directus_files", "data", "alias"),
        ],
        is_system=True,
        managed=False,
    )
    found = (articles, authors, comments, texts, users, roles, files, *others)
    return Snapshot(version, "sqlite", {one.name: one for one in found}, **more)

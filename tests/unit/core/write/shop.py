"""In charge of a snapshot for unit tests of writes: articles, authors, comments, tags. No database."""

from __future__ import annotations

from core.catalog.model import Collection, Column, Field, Snapshot, StatusMapping, ToMany, ToOne


def column(name: str, family: str = "text", **more: bool) -> Column:
    return Column(name, "INT" if family == "integer" else "VARCHAR", family, family, **more)


def table(name: str, fields: str, **more: object) -> Collection:
    """`fields`: words `name:type[:family]`; without family an alias, `key` being the generated key."""
    found: dict[str, Field] = {}
    for word in fields.split():
        field, kind, *family = word.split(":")
        made = column(field, family[0]) if family else None
        if kind == "key":
            made = column(field, "integer", primary_key=True, auto_increment=True, nullable=False)
            kind = "integer"
        elif kind == "code":
            made = column(field, "text", primary_key=True, nullable=False)
            kind = "string"
        found[field] = Field(name, field, kind, made)
    return Collection(name, found, primary_key=next(iter(found)), key_columns=(next(iter(found)),), **more)  # type: ignore[arg-type]


STATUSES = StatusMapping(("draft", "published", "deleted"), frozenset({"deleted"}))

SNAPSHOT = Snapshot(
    1,
    "sqlite",
    {
        item.name: item
        for item in (
            table(
                "articles",
                "id:key status:status:text title:string:text owner:owner:integer modified:datetime_updated:datetime"
                " author:m2o:integer cover:file:integer note:alias comments:o2m tags:o2m",
                relations={
                    "author": ToOne("articles", "author", "authors", "id"),
                    "cover": ToOne("articles", "cover", "directus_files", "id"),
                    "comments": ToMany("articles", "comments", "comments", "article"),
                    "tags": ToMany("articles", "tags", "articles_tags", "article", "tag"),
                },
                owner_field="owner",
                updated_field="modified",
                status_field="status",
                statuses=STATUSES,
            ),
            table("authors", "id:key name:string:text articles:o2m", relations={
                "articles": ToMany("authors", "articles", "articles", "author")
            }),
            table("comments", "id:key article:m2o:integer text:string:text", relations={
                "article": ToOne("comments", "article", "articles", "id")
            }),
            table("tags", "code:code label:string:text"),
            table("articles_tags", "id:key article:m2o:integer tag:m2o:text", relations={
                "article": ToOne("articles_tags", "article", "articles", "id"),
                "tag": ToOne("articles_tags", "tag", "tags", "code"),
            }),
            table("directus_files", "id:key title:string:text"),
        )
    },
)  # fmt: skip

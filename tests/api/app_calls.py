"""In charge of what the admin app of Directus 8.8.1 asks for and reads (clients spec 2), as data. It sends nothing.

A call is sent once, in this order; `{name}` in its path or body is a value that an earlier answer gave. A property is a
path into the answer and what must stand there: `[]` is every item of a list (there must be some), `{}` every value of
an object, `?` after a step makes what is below it optional where the value there is null; behind `#` stands what tells
two properties of one path apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

ADMIN, MEMBER = "admin", "member"
BOTH = (ADMIN, MEMBER)
UPLOAD = "a form with one part, `data`"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8DAwMDAxMDAwMDAAAANHQEDasKb6QAAAABJRU5ErkJggg=="
WORKS = "works"
"""In the place of a property: the call is answered 200 or 204."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the app. `path` begins at the mount path; `plain`: without the header that the SDK sets.

    `status`: what is answered; 0 is any 2xx. `reads`: path of a property → kind of the value. `keeps`: name → path of
    what later calls refer to. `who`: the roles that send it.
    """

    name: str
    method: str
    path: str
    body: Any = None
    status: int = 0
    reads: Mapping[str, str] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)
    who: tuple[str, ...] = BOTH
    plain: bool = False


IMAGE = {"": "null|object", "?.full_url": "text", "?.url": "text", "?.asset_url": "text"}


def below(prefix: str, properties: Mapping[str, str]) -> dict[str, str]:
    """The properties of something that stands at a path."""
    return {prefix + path: kind for path, kind in properties.items()}


HOME = {
    "data.api.project_name": "text",
    "data.api.project_color": "text|null",
    "data.api.project_public_note": "text|null",
    "data.api.telemetry": "bool",
    "data.api.default_locale": "text|null",
    **below("data.api.project_logo", IMAGE),
    **below("data.api.project_foreground", IMAGE),
    **below("data.api.project_background", IMAGE),
}
FIELD = {
    "id": "int|null", "collection": "text", "field": "text", "type": "text", "interface": "text|null",
    "options": "object|null",
    "default_value": "any", "length": "any", "signed": "bool|null", "unique": "bool", "primary_key": "bool",
    "auto_increment": "bool", "required": "bool", "readonly": "bool", "hidden_detail": "bool", "hidden_browse": "bool",
    "sort": "int|null", "width": "text|null", "group": "int|null", "note": "text|null", "locked": "bool|int|null",
    "validation": "text|null", "translation": "list|object|null", "datatype": "datatype|null",
}  # fmt: skip
PRESET = {
    "id": "int", "user": "int|null", "view_type": "text", "view_query": "object|list|null",
    "view_options": "object|list|null",
    "filters": "list|null", "search_query": "text|null", "collection": "text", "title": "text|null",
}  # fmt: skip
COUNTS = {"meta.total_count": "int", "meta.result_count": "int", "meta.filter_count": "int"}
PERMISSION = {
    "collection": "text", "status": "text|null", "create": "level", "read": "level", "update": "level",
    "delete": "level",
    "comment": "text", "explain": "text", "status_blacklist": "text|null", "read_field_blacklist": "list|null",
    "write_field_blacklist": "list|null",
}  # fmt: skip
RELATION = {
    "id": "int", "collection_many": "text", "field_many": "text", "collection_one": "text|null",
    "field_one": "text|null",
    "junction_field": "text|null",
}  # fmt: skip
BOOKMARKS = "/main/collection_presets?filter[title][nnull]=1&"
PREFERRED = "/main/collection_presets?filter[collection][eq]=articles&filter[title][null]=1&limit=1&sort=-id&"
ACTIVITY = "fields=id,action,action_on,comment,action_by.id,action_by.first_name,action_by.last_name&sort=-action_on"
LISTED = "meta=total_count,result_count,filter_count&limit=200&offset=0"
ME = ("id", "avatar.*", "email", "first_name", "last_name", "locale", "role.*", "last_page", "theme")

BOOT = (
    Call("projects", "GET", "/server/projects", reads={"data": "list", "data[]": "text"}, plain=True),
    Call("home of strangers", "GET", "/main/", reads={**HOME, "public": "true"}, plain=True),
    Call("providers", "GET", "/main/auth/sso", reads={"data": "list"}),
    Call("wrong password", "POST", "/main/auth/authenticate",
         {"email": "nobody@example.org", "password": "x", "mode": "cookie"}, 404, {"error.code": "=100"}),
    Call("sign in", "POST", "/main/auth/authenticate", "{login}", reads={"data": "object"}),
    Call("home", "GET", "/main/", reads={
        **HOME, "public": "absent", "data.api.requires2FA": "bool", "data.api.version": "text",
        "data.api.database": "text",
        "data.server.max_upload_size": "int", "data.server.general.php_version": "text|absent",
    }),
    Call("name", "GET", "/main/users/me?fields[0]=first_name&fields[1]=last_name",
         reads={"data.first_name": "text|null", "data.last_name": "text|null"}),
    Call("me", "GET", "/main/users/me?" + "&".join(f"fields[{number}]={name}" for number, name in enumerate(ME)),
        reads={
        "data.id": "int", "data.email": "text", "data.first_name": "text|null", "data.last_name": "text|null",
        "data.locale": "text|null", "data.last_page": "text|null", "data.theme": "text", "data.role": "object",
        "data.role.id": "int", "data.role.name": "text", "data.role.module_listing": "list|null",
        "data.role.collection_listing": "list|null", "data.avatar": "object", "data.avatar.data.thumbnails": "list",
        "data.avatar.data.thumbnails[].url": "text", "data.avatar.data.thumbnails[].key": "text",
        "data.avatar.data.thumbnails#keys": "all six sizes",
    }, keeps={"me": "data.id", "role": "data.role.id"}),
    Call("ping", "GET", "/server/ping"),
    Call("interfaces", "GET", "/interfaces", reads={"data": "list"}),
    Call("layouts", "GET", "/layouts", reads={"data": "list"}),
    Call("modules", "GET", "/modules", reads={"data": "list"}),
    Call("collections", "GET", "/main/collections", reads={
        "data": "list", "data[].collection": "text", "data[].managed": "bool", "data[].hidden": "bool",
        "data[].single": "bool",
        "data[].icon": "text|null", "data[].note": "text|null", "data[].translation": "list|object|null",
        "data[].fields": "object", **below("data[].fields{}.", FIELD), "data#system": "all system collections",
    }),
    Call("fields of settings", "GET", "/main/settings/fields", reads={"data": "list", "data[].field": "text"}),
    Call("settings", "GET", "/main/settings?limit=-1", reads={
        "data": "list", "data[].id": "int", "data[].key": "text", "data[].value": "any",
    }),
    Call("all about me", "GET", "/main/users/me?fields=*.*", reads={"data.id": "int", "data.role.id": "int"}),
    Call("bookmarks of mine", "GET", BOOKMARKS + "filter[user][eq]={me}", reads={"data": "list"}),
    Call("bookmarks of the role", "GET", BOOKMARKS + "filter[role][eq]={role}&filter[user][null]=1",
        reads={"data": "list"}),
    Call("bookmarks of all", "GET", BOOKMARKS + "filter[role][null]=1&filter[user][null]=1", reads={"data": "list"}),
    Call("users", "GET",
        "/main/users?fields[]=id, first_name, last_name, title, status, timezone, role.*, avatar.*, company",
         reads={
        "data": "list", "data[].id": "int", "data[].first_name": "text|null", "data[].last_name": "text|null",
        "data[].title": "text|null", "data[].status": "text", "data[].timezone": "text|null",
        "data[].company": "text|null",
        "data[].role": "object|null", "data[].avatar": "object|null", "data[].avatar?.data.thumbnails[].url": "text",
    }),
    Call("relations", "GET", "/main/relations?limit=-1", reads={"data": "list", **below("data[].", RELATION)}),
    Call("my permissions", "GET", "/main/permissions/me", reads={
        "data": "list", **below("data[].", PERMISSION), "data#exist": "collections that exist",
    }, who=(MEMBER,)),
    Call("page", "PATCH", "/main/users/{me}/tracking/page", {"last_page": "/main/collections"}),
)  # fmt: skip

LISTING = (
    Call("own preferences", "GET", PREFERRED + "filter[user][eq]={me}", reads={"data": "list"}),
    Call("preferences of the role", "GET", PREFERRED + "filter[role][eq]={role}&filter[user][null]=1",
        reads={"data": "list"}),
    Call("list", "GET", f"/main/items/articles?{LISTED}&fields=*.*&sort=title,-id", reads={
        "data": "list", "data[].id": "int", **COUNTS,
    }),
    Call("list of fields", "GET", f"/main/items/articles?{LISTED}&fields=title.*,author.*,id&sort=-id&q=One",
         reads={"data[].title": "text", "data[].author": "object|null", "data[].id": "int"}),
    Call("filter being typed", "GET", f"/main/items/articles?{LISTED}&fields=id&filter[views][contains]=",
         reads={"data": "list", "data[].id": "int"}),
    Call("number being typed", "GET", f"/main/items/articles?{LISTED}&fields=id&filter[views][gte]=",
        reads={"data": "list"}),
    Call("first preference", "POST", "/main/collection_presets", {"search_query": "x", "collection": "articles",
        "user": "{me}"},
         reads=below("data.", PRESET), keeps={"preset": "data.id"}),
    Call("next preference", "PATCH", "/main/collection_presets/{preset}",
        {"view_query": {"tabular": {"sort": "-views"}}},
         reads={**below("data.", PRESET), "data.view_query.tabular.sort": "text", "data.user": "int"}),
    Call("stored preference", "GET", PREFERRED + "filter[user][eq]={me}", reads=below("data[].", PRESET)),
    Call("preset of a bookmark", "GET", "/main/collection_presets?filter[user][eq]={me}&filter[title][null]=1"
         "&filter[collection][eq]=articles&fields=id", reads={"data[].id": "int"}),
    Call("forget it", "DELETE", "/main/collection_presets/{preset}", status=204),
    Call("roles for a bookmark", "GET", "/main/roles", reads={"data[].id": "int", "data[].name": "text"}),
    Call("bookmark", "POST", "/main/collection_presets", {"title": "Mine", "collection": "articles", "user": "{me}"},
         reads=below("data.", PRESET), keeps={"bookmark": "data.id"}),
    Call("bookmark away", "DELETE", "/main/collection_presets/{bookmark}", status=204),
    Call("calendar", "GET", "/main/items/articles?fields=*.*.*"
         "&filter[created_on][between]=2020-01-01 00:00:00,2020-01-31 23:59:59", reads={"data[].id": "int"}),
    Call("picker counts", "GET", "/main/items/people?meta=total_count&limit=1", reads={"meta.total_count": "int"}),
    Call("picker", "GET", "/main/items/people?limit=200&offset=0&meta=*&q=&fields[]=name.*&fields[]=id&sort=-name",
         reads={"data[].name": "text", "meta.total_count": "int", "meta.filter_count": "int"}),
    Call("list of users", "GET", f"/main/users?{LISTED}&fields=*.*", reads={"data[].id": "int", **COUNTS}),
    Call("list of activity", "GET", f"/main/activity?{LISTED}&fields=*.*&sort=-action_on", reads={
        "data[].id": "int", "data[].action": "text", **COUNTS,
    }),
    Call("list of webhooks", "GET", f"/main/webhooks?{LISTED}&fields=*.*", reads={"data": "list", **COUNTS},
        who=(ADMIN,)),
)  # fmt: skip

DETAIL = (
    Call("save new", "POST", "/main/items/articles", {"title": "New", "views": "7", "author": "1", "featured": True},
         reads={"data.id": "int"}, keeps={"article": "data.id"}),
    Call("item", "GET", "/main/items/articles/{article}", reads={
        "data": "object", "data.id": "int", "data.views": "=7", "data.author": "=1", "data.featured": "true",
    }),
    Call("no such item", "GET", "/main/items/articles/99999", status=404, reads={"error.code": "=203"}),
    Call("its activity", "GET",
        f"/main/activity?filter[collection][eq]=articles&filter[item][eq]={{article}}&{ACTIVITY}", reads={
        "data": "list", "data[].id": "int", "data[].action": "text", "data[].action_on": "date",
        "data[].comment": "text|null",
        "data[].action_by": "object|null", "data[].action_by?.id": "int", "data[].action_by?.first_name": "text|null",
        "data[].action_by?.last_name": "text|null",
    }),
    Call("activity of none", "GET", f"/main/activity?filter[collection][eq]=articles&filter[item][eq]=99999&{ACTIVITY}",
         reads={"data": "empty"}),
    Call("activity of a batch", "GET",
        f"/main/activity?filter[collection][eq]=articles&filter[item][eq]=1,2&{ACTIVITY}",
         reads={"data": "empty"}),
    Call("its revisions", "GET", "/main/items/articles/{article}/revisions", reads={
        "data": "list", "data[].id": "int", "data[].activity": "int", "data[].data": "object",
        "data[].delta": "object|empty",
    }, keeps={"revision": "data.0.id"}),
    Call("revisions of none", "GET", "/main/items/articles/99999/revisions", reads={"data": "empty"}),
    Call("revisions of a batch", "GET", "/main/items/articles/1,2/revisions", reads={"data": "list"}),
    Call("who else is here", "GET", "/main/users?filter[last_access_on][gte]=2020-01-01 00:00:00"
         "&filter[last_page][eq]=/main/collections&filter[id][neq]=0",
         reads={"data[].first_name": "text|null", "data[].last_name": "text|null"}),
    Call("save", "PATCH", "/main/items/articles/{article}?fields=*.*.*.*", {"title": "Newer", "author": "2"}, reads={
        "data": "object", "data.id": "int", "data.title": "=Newer", "data.author": "object", "data.author.name": "=Bob",
        "data.comments": "list", "data.categories": "list",
    }),
    Call("comment", "POST", "/main/activity/comment", {"collection": "articles", "item": "{article}",
        "comment": "Well"}, reads={
        "data.id": "int", "data.comment": "=Well", "data.action_on": "date", "data.action": "text",
    }),
    Call("revert", "PATCH", "/main/items/articles/{article}/revert/{revision}", {}),
    Call("item again", "GET", "/main/items/articles/{article}", reads={"data.title": "=New"}),
    Call("user under the pointer", "GET",
        "/main/users/{me}?fields[]=avatar.data.thumbnails, first_name, last_name, title, company,"
         " role.name", reads={
        "data.avatar": "object", "data.avatar.data.thumbnails[].url": "text", "data.first_name": "text|null",
        "data.last_name": "text|null", "data.title": "text|null", "data.company": "text|null", "data.role.name": "text",
    }),
    Call("choices of a relation", "GET", "/main/items/people?fields=*.*&meta=total_count&limit=20", reads={
        "data[].id": "int", "data[].name": "text", "meta.total_count": "int",
    }),
    Call("one choice", "GET", "/main/items/people/1", reads={"data.id": "int"}),
    Call("its comments", "GET", "/main/items/comments?fields=*.*&filter[article]=1", reads={
        "data[].id": "int", "data[].article": "object",
    }),
    Call("its categories", "GET",
        "/main/items/articles_categories?fields[0]=id&fields[1]=category.*&filter[article]=1", reads={
        "data[].id": "int", "data[].category.id": "int", "data[].category.name": "text",
    }),
    Call("categories of a new item", "GET", "/main/items/articles_categories?fields[0]=id&fields[1]=category.*"
         "&filter[article]=%2B", reads={"data": "empty"}),
    Call("one that was picked", "GET", "/main/items/categories/1?fields=*.*.*", reads={"data": "object",
        "data.id": "int"}),
    Call("some that were picked", "GET", "/main/items/categories/1,2?fields=*.*.*", reads={"data": "list",
        "data[].id": "int"}),
    Call("nested save", "PATCH", "/main/items/articles/{article}?fields=*.*.*.*", {
        "comments": [{"text": "first"}], "categories": [{"category": {"id": 1}}],
    }, reads={"data.comments[].text": "=first", "data.comments[].id": "int", "data.categories[].id": "int",
              "data.categories[].category.name": "=News"}, keeps={"nested": "data.comments.0.id"}),
    Call("nested removal", "PATCH", "/main/items/articles/{article}?fields=*.*.*.*", {"comments": [{"id": "{nested}",
        "$delete": True}]},
         reads={"data.comments": "empty"}),
    Call("batch", "PATCH", "/main/items/articles/{article},{article}?fields=*.*.*.*", {"title": "Both"},
        reads={"data": "list"}),
    Call("delete", "DELETE", "/main/items/articles/{article}", status=204),
)  # fmt: skip

STORED = {
    "id": "int", "type": "text", "filesize": "int", "title": "text|null", "embed": "null", "data": "object",
    "data.asset_url": "text", "data.full_url": "text", "data.url": "text", "data.thumbnails": "list",
    "data.thumbnails[].key": "text", "data.thumbnails[].url": "text", "data.thumbnails#keys": "all six sizes",
}  # fmt: skip
FILES = (
    Call("upload", "POST", "/main/files", UPLOAD, reads=below("data.", STORED), keeps={"file": "data.id"}),
    Call("file", "GET", "/main/files/{file}", reads=below("data.", STORED), keeps={"asset": "data.data.asset_url"}),
    Call("text as a file", "POST", "/main/files", {"data": "data:text/plain;base64,aGVsbG8=",
        "filename_disk": "a.txt", "filename_download": "a.txt"},
         reads={"data.id": "int", "data.filesize": "=5", "data.type": "=text/plain", "data.title": "text|null",
                "data.data.thumbnails": "null"}, keeps={"text": "data.id"}),
    Call("list of files", "GET", f"/main/files?{LISTED}&fields=*.*&sort=id&filter[type][contains]=image", reads={
        **below("data[].", STORED), "data[].uploaded_by": "object", **COUNTS,
    }, keeps={"picked": "data.0", "picked_id": "data.0.id"}),
    Call("picture edited", "PATCH", "/main/files/{file}", {"data": f"data:image/png;base64,{PICTURE}"},
        reads={"data": "list"}),
    Call("picture", "GET", "{asset}"),
    Call("portrait that was picked", "PATCH", "/main/users/{me}", {"avatar": "{picked}"}, reads={"data.avatar": "=1"}),
    Call("file of the portrait", "GET", "/main/files/{picked_id}", reads=below("data.", STORED)),
    Call("no such file", "GET", "/main/files/99999", status=404, reads={"error.code": "=203"}),
    Call("file away", "DELETE", "/main/files/{file}", status=204),
    Call("text away", "DELETE", "/main/files/{text}", status=204),
)  # fmt: skip

SETTINGS = (
    Call("how many roles", "GET", "/main/roles?fields=-&limit=0&meta=total_count", reads={"data": "empty",
        "meta.total_count": "int"}),
    Call("how much activity", "GET", "/main/activity?fields=-&limit=0&meta=total_count",
         reads={"data": "empty", "meta.total_count": "int"}),
    Call("how many webhooks", "GET", "/main/webhooks?limit=0&meta=total_count", reads={"data": "empty",
        "meta.total_count": "int"}),
    Call("setting", "PATCH", "/main/settings/{default_limit}", {"value": "100"}, reads={
        "data.id": "int", "data.key": "=default_limit", "data.value": "=100",
    }),
    Call("roles", "GET", "/main/roles", reads={"data[].id": "int", "data[].name": "text"}),
    Call("new role", "POST", "/main/roles", {"name": "Guests"}, reads={"data.id": "int"}, keeps={"guests": "data.id"}),
    Call("role", "GET", "/main/roles/{guests}?fields=*.*.*", reads={"data.id": "int", "data.name": "text",
        "data.users": "list"}),
    Call("role saved", "PATCH", "/main/roles/{guests}", {"name": "Visitors"}, reads={"data.name": "=Visitors"}),
    Call("all fields", "GET", "/main/fields", reads={"data": "list", **below("data[].", FIELD)}),
    Call("fields of roles", "GET", "/main/fields/directus_roles", reads=below("data[].", FIELD)),
    Call("rules of a role", "GET", "/main/permissions?filter[role][eq]={guests}&limit=-1", reads={
        "data": "list", "data[].id": "int", "data[].collection": "text", "data[].status": "text|null",
    }),
    Call("users of a role", "GET", "/main/users?fields=*.*&filter[role]={guests}", reads={"data": "empty"}),
    Call("new rules", "POST", "/main/permissions", [
        {"collection": "people", "role": "{guests}", "read": "full"},
        {"collection": "articles", "role": "{guests}", "read": "full", "status": "published",
        "read_field_blacklist": ["body"]},
        {"collection": "articles", "role": "{guests}", "create": "full", "status": "$create", "explain": "none"},
    ], reads=below("data[].", {"id": "int", **PERMISSION, "status_blacklist": "list"}), keeps={"rule": "data.0.id"}),
    Call("rules changed", "PATCH", "/main/permissions", [{"id": "{rule}", "update": "mine"}],
         reads={"data[].id": "int", "data[].update": "=mine", "data[].read": "=full"}),
    Call("fields of collections", "GET", "/main/fields/directus_collections", reads={
        **below("data[].", FIELD), "data#note": "has a field note",
    }),
    Call("new collection", "POST", "/main/collections", {"collection": "app_things", "hidden": 0, "fields": [
        {"type": "integer", "datatype": "INT", "length": 15, "field": "id", "interface": "primary-key",
        "primary_key": True,
         "auto_increment": True, "signed": False},
        {"type": "status", "datatype": "VARCHAR", "length": 20, "field": "status", "interface": "status"},
        {"type": "owner", "datatype": "INT", "length": 10, "field": "created_by", "interface": "owner"},
        {"type": "datetime_created", "datatype": "DATETIME", "field": "created_on", "interface": "datetime-created"},
    ]}, reads={"data.collection": "=app_things"}),
    Call("bad name of a collection", "POST", "/main/collections", {"collection": "bad name!", "fields": []}, status=422,
         reads={"error.code": "=4"}),
    Call("fields of it", "GET", "/main/fields/app_things?sort=sort", reads=below("data[].", FIELD)),
    Call("new field", "POST", "/main/fields/app_things", {
        "id": None, "sort": None, "field": "title", "type": "string", "datatype": "VARCHAR", "interface": "text-input",
        "default_value": "x", "options": {}, "readonly": False, "required": False, "unique": False, "note": "",
        "hidden_detail": False, "hidden_browse": False, "primary_key": False, "validation": "", "width": "half",
        "translation": {}, "length": 100, "signed": True,
    }, reads=below("data.", {**FIELD, "id": "int"})),
    Call("field saved", "PATCH", "/main/fields/app_things/title", {"note": "a note"}, reads={
        **below("data.", {**FIELD, "id": "int"}), "data.note": "=a note",
    }),
    Call("fields sorted", "PATCH", "/main/fields/app_things?activity_skip=1", [
        {"field": "title", "sort": 1}, {"field": "id", "sort": 2},
    ], reads=below("data[].", FIELD)),
    Call("new reference", "POST", "/main/fields/app_things", {
        "id": None, "sort": None, "field": "person", "type": "m2o", "datatype": "INT", "interface": "many-to-one",
        "default_value": None, "options": {"template": "{{{{name}}}}"}, "readonly": False, "required": False,
        "unique": False,
        "note": None, "hidden_detail": False, "hidden_browse": False, "primary_key": False, "validation": None,
        "width": "half", "translation": {}, "signed": False,
    }, reads=below("data.", {**FIELD, "id": "int"})),
    Call("new relation", "POST", "/main/relations", {
        "id": None, "collection_many": "app_things", "field_many": "person", "collection_one": "people",
    }, reads=below("data.", RELATION), keeps={"relation": "data.id"}),
    Call("relation saved", "PATCH", "/main/relations/{relation}", {"field_one": None}, reads={"data.id": "int"}),
    Call("field away", "DELETE", "/main/fields/app_things/title", status=204),
    Call("collection saved", "PATCH", "/main/collections/app_things", {"note": "n", "icon": "star", "single": False},
         reads={"data.collection": "=app_things", "data.icon": "=star"}),
    Call("collection away", "DELETE", "/main/collections/app_things", status=204),
    Call("new webhook", "POST", "/main/webhooks", {
        "status": "inactive", "http_action": "post", "url": "https://example.com/", "collection": "articles",
        "directus_action": "item.create:after",
    }, reads={"data.id": "int"}, keeps={"webhook": "data.id"}),
    Call("webhook", "GET", "/main/webhooks/{webhook}", reads={"data.id": "int"}),
    Call("webhook away", "DELETE", "/main/webhooks/{webhook}", status=204),
    Call("role away", "DELETE", "/main/roles/{guests}", status=204),
)  # fmt: skip

LEAVING = (
    Call("secret", "GET", "/main/utils/2fa_secret", reads={"data.2fa_secret": "text"}),
    Call("sign out", "POST", "/main/auth/logout", {}),
    Call("home after that", "GET", "/main/", reads={**HOME, "public": "true"}),
    Call("providers after that", "GET", "/main/auth/sso", reads={"data": "list"}),
    Call("sign out again", "POST", "/main/auth/logout", {}),
)  # fmt: skip

CALLS = (*BOOT, *LISTING, *DETAIL, *FILES, *(replace(call, who=(ADMIN,)) for call in SETTINGS), *LEAVING)

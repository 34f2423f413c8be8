"""In charge of saying in what our answer differs from a recorded one, once both are normalised.

It must not know which differences are meant to be, and must not send anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.parity.recordings import Answer, Record
from tests.parity.references import REFERENCES, collection_of, is_id, whose
from tests.parity.translation import TOKEN, UUID, Translation

NOW = re.compile(r"20(?:2[1-9]|[3-9]\d)-\d\d-\d\d(T| )\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)?")
KINDS = (
    (TOKEN, "<jwt>"),
    (re.compile(UUID), "<uuid>"),
    (re.compile(r"\$(?:2y|2a|2b|argon2\w*)\$\S+"), "<password hash>"),
    (re.compile(r'W/"[^"]*"'), "<etag>"),
    (NOW, r"<now\1\2>"),
    (re.compile(r"https?://[^/\s\"']+"), ""),
)
RANDOM = ("private_hash", "checksum", "token", "2fa_secret", "password_reset_token")
"""Members whose texts say nothing; that there is one is compared."""
BLANKED = ("note", "options", "translation")
"""Members whose texts were taken out of the recording."""
VERSIONS = ("server.info", "project.home")
"""Records that tell of machine and versions: types are compared, and the values of what is left."""
MACHINE = re.compile(r"data\.(directus|server|php|permissions|api\.(version|database))\b")
NAMED = (
    (("collection", "field"), "type"),
    (("collection",), "fields"),
    (("name",), "type"),
    (("name",), "args"),
    (("name",), "kind"),
)
"""Members that name a thing, and one more by which such a thing is known."""
BODY_ONLY_ERRORS = ("scim", "gql")
CORS = ("access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers",
        "access-control-allow-credentials", "access-control-max-age")  # fmt: skip
HEADERS = {
    "cors": CORS,
    "home": ("location",),
    "assets": ("content-type",),
    "uploads": ("content-type",),
    "server.ping": ("content-type",),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was recorded.

    `at`: `status`, `code`, the name of a header, or a path into the body; `+path`: what is only here, `-path`: what is
    missing here, `path!`: the order of a list.
    """

    kind: str
    """status, code, header, keys, type, length, order or value."""
    at: str
    recorded: Any
    own: Any


@dataclass(slots=True)
class Comparison:
    """Differences found in one answer, and the ids that belong together if there are none."""

    record: Record
    translation: Translation
    differences: list[Difference] = field(default_factory=list)
    bindings: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, kind: str, at: str, recorded: Any, own: Any) -> None:
        """Hold on to a difference."""
        self.differences.append(Difference(kind, at, recorded, own))

    # The parts of an answer

    def answers(self, recorded: Answer, own: Answer) -> None:
        """Compare all that counts of two answers."""
        if recorded.status != own.status:
            self.add("status", "status", _told(recorded), _told(own))
            return
        for name in _headers(self.record):
            ours, theirs = _header(own.headers.get(name)), _header(recorded.headers.get(name))
            if ours != theirs:
                self.add("header", name, theirs, ours)
        if _is_error(recorded.body) or _is_error(own.body):
            self._errors(recorded.body, own.body)
        elif "sort=%3F" in self.record.path:
            self._lengths(recorded.body, own.body)
        elif isinstance(recorded.body, dict) and "sha256" in recorded.body:
            self._binary(recorded.body, own.body)
        else:
            self._envelope(recorded.body, own.body)

    def _errors(self, recorded: Any, own: Any) -> None:
        if _is_error(recorded) != _is_error(own):
            self.add("keys", "error", recorded, own)
        elif self.record.family not in BODY_ONLY_ERRORS and (_code(recorded) or 0) != (_code(own) or 0):
            self.add("code", "code", recorded["error"], own["error"])

    def _lengths(self, recorded: Any, own: Any) -> None:
        if len(recorded["data"]) != len(own["data"]):
            self.add("length", "data", len(recorded["data"]), len(own["data"]))

    def _binary(self, recorded: Mapping[str, Any], own: Any) -> None:
        ours = own if isinstance(own, dict) else {"image": None}
        if recorded["image"] != ours.get("image"):
            self.add("value", "image", recorded["image"], ours.get("image"))

    def _envelope(self, recorded: Any, own: Any) -> None:
        collection = collection_of(self.record.path)
        if not (isinstance(recorded, dict) and isinstance(own, dict) and "data" in recorded):
            self._values("", recorded, own, collection)
            return
        self._keys("", recorded, own)
        for member in recorded.keys() & own.keys():
            self._values(member, recorded[member], own[member], collection if member == "data" else None)

    # Values

    def _values(self, at: str, recorded: Any, own: Any, collection: str | None) -> None:
        if not recorded and not own and isinstance(recorded, dict | list) and isinstance(own, dict | list):
            return  # PHP knows no difference between an empty list and an empty object
        if _type(recorded) != _type(own):
            self.add("type", at, recorded, own)
        elif isinstance(recorded, dict):
            self._objects(at, recorded, own, collection)
        elif isinstance(recorded, list):
            self._lists(at, recorded, own, collection)
        elif not self._same(at, recorded, own):
            self.add("value", at, recorded, own)

    def _lists(self, at: str, recorded: list[Any], own: list[Any], collection: str | None) -> None:
        theirs, ours = _by_name(recorded), _by_name(own)
        if theirs is not None and ours is not None:
            self._objects(at, theirs, ours, None)
            if [name for name in theirs if name in ours] != [name for name in ours if name in theirs]:
                self.add("order", at + "!", list(theirs), list(ours))
        elif len(recorded) != len(own):
            self.add("length", at, _short(recorded), _short(own))
        else:
            for number, pair in enumerate(zip(recorded, own, strict=True)):
                self._values(f"{at}.{number}", *pair, collection)

    def _objects(self, at: str, recorded: dict[str, Any], own: dict[str, Any], collection: str | None) -> None:
        self._keys(at, recorded, own)
        for member in recorded:
            if member not in own:
                continue
            theirs, ours, place = recorded[member], own[member], f"{at}.{member}".lstrip(".")
            target = whose(collection, member, recorded)
            if self._left_out(member, theirs, ours, recorded):
                continue
            if target is not None and is_id(theirs) and is_id(ours):
                self._ids(place, theirs, ours, target)
            else:
                # GraphQL answers by name of the collection.
                self._values(place, theirs, ours, target or self._named(member, collection))

    def _named(self, member: str, collection: str | None) -> str | None:
        if self.record.family != "gql":
            return None
        return member if member in REFERENCES else collection if member == "data" else None

    def _keys(self, at: str, recorded: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        for member in sorted(recorded.keys() - own.keys()):
            self.add("keys", f"-{at}.{member}".replace("-.", "-"), _short(recorded[member]), None)
        for member in sorted(own.keys() - recorded.keys()):
            self.add("keys", f"+{at}.{member}".replace("+.", "+"), None, _short(own[member]))

    def _left_out(self, member: str, recorded: Any, own: Any, row: Mapping[str, Any]) -> bool:
        """Whether a member says nothing in the recording: blanked texts, and ids of fields, which are any number."""
        if member == "id" and "field" in row and "collection" in row:
            return _type(recorded) == _type(own)
        blank = recorded in ("", {}, []) and (member in BLANKED or _of_seed(member, row))
        return blank and _type(recorded) == _type(own)

    def _ids(self, at: str, recorded: Any, own: Any, collection: str) -> None:
        number, ours = int(recorded), int(own)
        known = self.translation.ids[collection].get(number, self.bindings.get((collection, number)))
        if type(recorded) is not type(own) or (known is not None and known != ours):
            self.add("value", at, recorded if known is None else f"{recorded} (here {known})", own)
        elif known is None:
            self.bindings[collection, number] = ours

    def _same(self, at: str, recorded: Any, own: Any) -> bool:
        if recorded == own:
            return True
        member = at.rpartition(".")[2]
        if member in RANDOM and isinstance(recorded, str):
            return True
        if self.record.name.startswith(VERSIONS) and MACHINE.match(at):
            return True
        if not isinstance(recorded, str):
            return False
        theirs, ours = _normal(self.translation.text(recorded)), _normal(own)
        return theirs == ours or _decoded(theirs) == _decoded(ours) or _query(theirs) == _query(ours)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What our server answered to a record; `comparison` is None where there is nothing to compare with."""

    record: Record
    own: Answer
    comparison: Comparison | None


def compare(record: Record, own: Answer, translation: Translation) -> Comparison:
    """What our answer to a record differs in. The record must have an answer."""
    assert record.answer is not None
    comparison = Comparison(record, translation)
    comparison.answers(record.answer, own)
    return comparison


def _headers(record: Record) -> Iterable[str]:
    return HEADERS.get(record.name, HEADERS.get(record.family, ()))


def _header(value: str | None) -> Any:
    """A header without spaces and order, which mean nothing in those that are compared."""
    return None if value is None else sorted(value.lower().replace(" ", "").split(","))


def _told(answer: Answer) -> Any:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    return (answer.status, error if error is not None else _short(answer.body))


def _is_error(body: Any) -> bool:
    if not isinstance(body, dict):
        return False
    return (
        "error" in body or "errors" in body or "urn:ietf:params:scim:api:messages:2.0:Error" in str(body.get("schemas"))
    )


def _code(body: Mapping[str, Any]) -> Any:
    error = body.get("error")
    return error.get("code") if isinstance(error, dict) else None


def _type(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return type(value).__name__
    return {int: "number", float: "number", str: "string", list: "list", dict: "object"}[type(value)]


def _of_seed(member: str, row: Mapping[str, Any]) -> bool:
    """Whether a member belongs to a seeded role or preset, whose texts were taken out."""
    return ("module_listing" in row and member in ("name", "description")) or "view_type" in row


def _normal(text: str) -> str:
    for pattern, kind in KINDS:
        text = pattern.sub(kind, text)
    return text


def _decoded(text: str) -> Any:
    if text[:1] not in "[{":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _query(text: str) -> Any:
    place = urlsplit(text) if text.startswith("/") else None
    return (place.path, sorted(parse_qsl(place.query, keep_blank_values=True))) if place and place.query else text


def _by_name(value: list[Any]) -> dict[str, Any] | None:
    """A list of things with names, by their names: collections, fields, types. None: the list is of something else."""
    for names, also in NAMED:
        if value and all(isinstance(one, dict) and one.keys() >= {*names, also} for one in value):
            found = {".".join(str(one[name]) for name in names): one for one in value}
            return found if len(found) == len(value) else None
    return None


def _short(value: Any) -> Any:
    text = json.dumps(value, default=str)
    return value if len(text) < 200 else text[:200] + "…"

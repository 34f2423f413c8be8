"""In charge of saying a recorded request in the words of our own server: tokens, cookies, ids, hashes that it gave out.

It learns them from pairs of answers. It must not send anything, or judge whether two answers agree.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from joserfc import jwt
from joserfc.jwk import OctKey

from tests.parity.recordings import Answer, Record
from tests.parity.references import REFERENCES, collection_of, is_id, keys_in, whose, with_ids

TOKEN = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*")
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
OPAQUE = re.compile(rf"{UUID}|\$2y\$\S+|[0-9a-z]{{16}}")
"""What stands for itself wherever it is sent back: uuids, password hashes, private hashes."""
MAILED = ("reset_password", "invitation")
SIGNED = ("auth.expired_token", "auth.refresh.expired", "auth.token_other_project")
ARGUMENTS = re.compile(r"\b(\w+)\(([^()]*)\)")
KEY = re.compile(r"\b(id|id_eq):(\d+)")
FILTER = re.compile(r"filter\[(\w+)\](?:\[(?:eq|neq|in|nin)\](?:\[\])?)?=([\d,]+)$")


@dataclass(slots=True)
class Translation:
    """What recorded values are called on our server. It grows with every answer."""

    secret: Callable[[], str]
    """Tells what our server signs the tokens of the project main with."""
    tokens: dict[tuple[str, int], str] = field(default_factory=dict)
    cookie: str | None = None
    mailed: str | None = None
    texts: dict[str, str] = field(default_factory=dict)
    ids: dict[str, dict[int, int]] = field(default_factory=lambda: {name: {} for name in REFERENCES})

    # Recorded → own

    def request(self, record: Record) -> Record:
        """The request as our server has to get it."""
        headers = dict(record.headers)
        if "Authorization" in headers:
            headers["Authorization"] = self._token_in(headers["Authorization"], record)
        if "Cookie" in headers and self.cookie:
            headers["Cookie"] = self.cookie
        body = record.body
        if body is not None:
            collection = collection_of(record.path)
            body = with_ids(body, collection, self.id) if isinstance(body, dict | list) else body
            body = _strings(body, lambda text: self._token_in(self.text(text), record))
            if record.path == "/main/gql" and isinstance(body, dict) and "query" in body:
                body["query"] = ARGUMENTS.sub(self._arguments, body["query"])
        return replace(record, path=self._path(record), headers=headers, body=body)

    def id(self, collection: str, recorded: Any) -> Any:
        """Our id of a row. One that was never seen is as far from the next smaller as it was in the recording."""
        known, number = self.ids[collection], int(recorded)
        below = max((one for one in known if one <= number), default=0)
        own = known.get(below, 0) + number - below
        return own if isinstance(recorded, int) else str(own)

    def text(self, recorded: str) -> str:
        """A text with every recorded value that stands for itself replaced."""
        return OPAQUE.sub(lambda found: self.texts.get(found[0], found[0]), recorded)

    def _path(self, record: Record) -> str:
        path, mark, query = record.path.partition("?")
        segments = path.split("/")
        for number, collection in keys_in(path):
            ids = segments[number].split(",")
            segments[number] = ",".join(self.id(collection, one) if is_id(one) else one for one in ids)
        path = self._token_in(self.text("/".join(segments)), record)
        named = re.search(r"filter\[collection\]\[eq\]=(\w+)", query)
        row = {"collection": named[1] if named else None}
        parameters = [self._parameter(one, collection_of(path), row) for one in query.split("&")]
        return path + mark + self._token_in("&".join(parameters), record)

    def _arguments(self, found: re.Match[str]) -> str:
        """The arguments of a field of a GraphQL document that is named after a collection."""
        if found[1] not in REFERENCES:
            return found[0]
        return f"{found[1]}({KEY.sub(lambda key: f'{key[1]}:{self.id(found[1], key[2])}', found[2])})"

    def _parameter(self, parameter: str, collection: str | None, row: Mapping[str, Any]) -> str:
        found = FILTER.match(unquote(parameter))
        target = whose(collection, found[1], row) if found else None
        if found is None or target is None:
            return parameter
        ids = ",".join(self.id(target, one) for one in found[2].split(","))
        return parameter[: parameter.rindex("=") + 1] + ids

    def _token_in(self, text: str, record: Record) -> str:
        return TOKEN.sub(lambda found: self._token(found[0], record), text)

    def _token(self, recorded: str, record: Record) -> str:
        claims = _claims(recorded)
        if record.name in SIGNED:
            return self._signed(claims, expired="expired" in record.name)
        if claims.get("type") in MAILED:
            return self.mailed or recorded
        return self.tokens.get((claims.get("project", ""), claims.get("id", 0)), recorded)

    def _signed(self, claims: Mapping[str, Any], *, expired: bool) -> str:
        ours = _claims(self.tokens["main", claims["id"]])
        expires = int(time.time()) + (-3600 if expired else 1200)
        return jwt.encode(
            {"typ": "JWT", "alg": "HS256"},
            {**ours, "exp": expires, "project": claims["project"]},
            OctKey.import_key(self.secret()),
        )

    # Learning

    def learn(self, record: Record, own: Answer) -> None:
        """Take from our answer what it gave out, and from both what the same thing is called here and there."""
        self._remember_login(record, own)
        if record.answer is None or record.answer.status >= 300 or own.status >= 300:
            return
        for recorded, ours in _texts(record.answer.body, own.body):
            if OPAQUE.fullmatch(recorded) and not TOKEN.search(recorded):
                self.texts.setdefault(recorded, ours)
            else:
                pairs = zip(re.findall(UUID, recorded), re.findall(UUID, ours), strict=False)
                for uuid, other in pairs:
                    self.texts.setdefault(uuid, other)

    def bind(self, bindings: Mapping[tuple[str, int], int]) -> None:
        """Hold on to ids that belong together, where neither is spoken for."""
        for (collection, recorded), own in bindings.items():
            known = self.ids[collection]
            if recorded not in known and own not in known.values():
                known[recorded] = own

    def _remember_login(self, record: Record, own: Answer) -> None:
        data = own.body.get("data") if isinstance(own.body, dict) else None
        token = data.get("token") if isinstance(data, dict) else None
        if isinstance(token, str) and TOKEN.fullmatch(token):
            claims = _claims(token)
            self.tokens[(claims.get("project", ""), claims["id"])] = token
        if isinstance(record.body, dict) and record.body.get("mode") == "cookie" and "set-cookie" in own.headers:
            self.cookie = own.headers["set-cookie"].partition(";")[0]


def _claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def _strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_strings(element, change) for element in value]
    if isinstance(value, dict):
        return {member: _strings(element, change) for member, element in value.items()}
    return value


def _texts(recorded: Any, own: Any) -> Iterator[tuple[str, str]]:
    """Texts that stand at the same place."""
    if isinstance(recorded, str) and isinstance(own, str):
        yield recorded, own
    elif isinstance(recorded, dict) and isinstance(own, dict):
        for member in recorded.keys() & own.keys():
            yield from _texts(recorded[member], own[member])
    elif isinstance(recorded, list) and isinstance(own, list):
        for one, other in zip(recorded, own, strict=False):
            yield from _texts(one, other)

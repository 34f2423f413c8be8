"""In charge of the routes of `/auth/sso`: what of query and body is an argument, and when a browser is sent away.

It follows no URL and verifies nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_adapter.call import Call
from rest_adapter.reply import Reply, led_reply
from rest_adapter.route import Answer

BACK = ("code", "state", "oauth_token", "oauth_verifier", "error", "iss")
"""What providers hand back in the query string."""


def start(call: Call) -> dict[str, Any]:
    """`mode` and `redirect_url`, and the page that the browser comes from (spec 02 §7.3)."""
    found = _of_query(call, "mode", "redirect_url")
    referer = call.request.header(b"referer")
    return found if referer is None else {**found, "referer": referer}


def back(call: Call) -> dict[str, Any]:
    """What the provider hands back (spec 02 §7.4)."""
    return _of_query(call, *BACK)


def code(call: Call) -> dict[str, Any]:
    """`code` from the body (spec 02 §7.6)."""
    return _of_body(call, "code")


def request_token(call: Call) -> dict[str, Any]:
    """`request_token` from the body (spec 02 §7.5)."""
    return _of_body(call, "request_token")


def _of_query(call: Call, *names: str) -> dict[str, Any]:
    given = call.request.params
    return {name: given[name] for name in names if isinstance(given.get(name), str)}


def _of_body(call: Call, *names: str) -> dict[str, Any]:
    body = call.payload if isinstance(call.payload, dict) else {}
    return {name: body[name] for name in names if isinstance(body.get(name), str)}


def _started(call: Call, found: Any) -> dict[str, Any]:
    return {"data": {name: value for name, value in found.items() if value is not None}, "public": True}


def _away(call: Call, found: Any) -> str | None:
    """A browser is sent to the provider, anybody else is told where that is."""
    url: str = found["authorization_url"]
    browser = "text/html" in (call.request.header(b"accept") or "").lower()
    return url if browser or call.request.params.get("redirect_url") else None


def _finished(call: Call, found: Any) -> dict[str, Any]:
    """As a login answers, with a request token; of what a page is told by its URL nothing is said twice."""
    if found["location"] is not None:
        return {"public": True}
    data = {"user": found["user"]} if found["token"] is None else {"token": found["token"], "user": found["user"]}
    return {"data": data, "public": True}


def _led(where: Callable[[Call, Any], str | None]) -> Callable[[Call, Any, dict[str, Any]], Reply]:
    return lambda call, found, members: led_reply(members, where(call, found))


PROVIDERS = Answer("{ name icon }", lambda call, found: {"data": found})
STARTED = Answer("{ authorization_url state }", _started, reply=_led(_away))
FINISHED = Answer("{ location token user code }", _finished, reply=_led(lambda call, found: found["location"]))

"""In charge of the routes of `/auth` and of accounts: what of a body is a credential, odd members of answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import TfaEnforced
from rest_adapter.call import Call
from rest_adapter.route import Answer


def login(call: Call) -> dict[str, Any]:
    """`email`, `password`, `otp` from the body, `mode` from body or query (spec 02 §5.1)."""
    found = _texts(call, "email", "password", "otp", "mode")
    if "mode" not in found and isinstance(mode := call.request.params.get("mode"), str):
        found["mode"] = mode
    return found


def token(call: Call) -> dict[str, Any]:
    """`token` from the body."""
    return _texts(call, "token")


def page(call: Call) -> dict[str, Any]:
    """`last_page` from the body (spec 02 §9.8)."""
    return _members(call, {"last_page": "last_page"})


def factor(call: Call) -> dict[str, Any]:
    """`2fa_secret` and `otp` from the body (spec 02 §6)."""
    return _members(call, {"2fa_secret": "secret", "otp": "otp"})


def address(call: Call) -> dict[str, Any]:
    """`email` and `reset_url` from the body (spec 02 §5.6)."""
    return _members(call, {"email": "email", "reset_url": "reset_url"})


def new_password(call: Call) -> dict[str, Any]:
    """`token` and `password` from the body (spec 02 §5.7)."""
    return _members(call, {"token": "token", "password": "password"})


def invited(call: Call) -> dict[str, Any]:
    """`email` and `invite_url` from the body (spec 02 §9.6)."""
    return _members(call, {"email": "email", "invite_url": "invite_url"})


def first_password(call: Call) -> dict[str, Any]:
    """`password` from the body, which may be missing (spec 02 §9.7)."""
    return _members(call, {"password": "password"})


def _members(call: Call, names: Mapping[str, str]) -> dict[str, Any]:
    """Members of the body as they are, by the names of arguments; core says what is wrong with them."""
    body = call.payload if isinstance(call.payload, dict) else {}
    return {argument: body[name] for name, argument in names.items() if name in body}


def _texts(call: Call, *names: str) -> dict[str, Any]:
    """The members that are text, or numbers as text; anything else is as good as absent: core says what is missing."""
    body = call.payload if isinstance(call.payload, dict) else {}
    found: dict[str, Any] = {}
    for name in names:
        value = body.get(name)
        if isinstance(value, str):
            found[name] = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = str(value)
    return found


def _logged_in(call: Call, found: Any) -> dict[str, Any]:
    """The user, and in jwt mode the token; with an `error` member while the second factor is not set up."""
    data = {"user": found["user"]} if found["token"] is None else {"token": found["token"], "user": found["user"]}
    if not found["tfa_pending"]:
        return {"data": data}
    return {"data": data, "error": {"code": TfaEnforced.code, "message": TfaEnforced.text}}


LOGIN = Answer("{ token user tfa_pending }", _logged_in)
TOKEN = Answer("{ token }", lambda call, found: {"data": {"token": found["token"]}})
CHECKED = Answer("{ authenticated }", lambda call, found: {"data": found})
SESSIONS = Answer(
    "{ id user token_type token ip_address user_agent created_on token_expired_at current }",
    lambda call, found: {"data": found} if found else {},
)
SIGNED_OUT = Answer("", lambda call, found: {})
DONE = Answer("", lambda call, found: {})

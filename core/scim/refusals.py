"""In charge of what SCIM requests alone are refused with, and of how errors of all kinds look to their clients. Data.

The status is a part of the body here (RFC 7644 §3.7.3, 3.12), so the one table of them belongs to the messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import core.errors as kinds
from core.errors import CollectionDenied, InvalidRequest, TabulariumError

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimRefused(InvalidRequest):
    """A request that does not mean anything here. `scim_type`: the keyword of RFC 7644 for it."""

    code = 4
    scim_type: ClassVar[str | None] = None


class InvalidFilter(ScimRefused):
    scim_type = "invalidFilter"


class InvalidPath(ScimRefused):
    scim_type = "invalidPath"


class InvalidValue(ScimRefused):
    scim_type = "invalidValue"


class InvalidSyntax(ScimRefused):
    scim_type = "invalidSyntax"


class NoTarget(ScimRefused):
    scim_type = "noTarget"


class TooMany(ScimRefused):
    scim_type = "tooMany"


class NotMutable(ScimRefused):
    """The attribute is what it is."""

    scim_type = "mutability"


class VersionMismatch(TabulariumError):
    """The resource is not any more what the client has seen."""

    code, text = 4, "The resource has been changed"


REFUSALS: Mapping[str, type[ScimRefused]] = {
    one.scim_type or "": one
    for one in (InvalidFilter, InvalidPath, InvalidValue, InvalidSyntax, NoTarget, TooMany, NotMutable)
}
"""Kinds by their keyword."""

STATUS: Mapping[type[TabulariumError], tuple[int, str | None]] = {
    kinds.InvalidPayload: (400, "invalidSyntax"),
    kinds.PayloadTooLarge: (413, None),
    kinds.InvalidRequest: (400, "invalidValue"),
    kinds.CredentialsError: (401, None),
    kinds.Unauthorized: (401, None),
    kinds.LocationNotAllowed: (401, None),
    kinds.NotAuthenticated: (401, None),
    kinds.AccessError: (403, None),
    kinds.MethodNotAllowed: (405, None),
    kinds.Missing: (404, None),
    kinds.DuplicateItem: (409, "uniqueness"),
    kinds.Conflict: (409, None),
    VersionMismatch: (412, None),
    kinds.TooManyRequests: (429, None),
    kinds.NotInstalled: (503, None),
    kinds.Maintenance: (503, None),
}
"""Status and keyword by kind; a kind that is not named has those of the one above it in the tree, or 500."""
UNPROCESSABLE = 422
"""What Directus 8 answers to values and filters that mean nothing."""


def told(error: BaseException, *, public: bool, v8: bool = False) -> dict[str, Any]:
    """The body of an error (RFC 7644 §3.12). `public`: to nobody in particular. `v8`: in Directus 8's form.

    What is none of core's errors is internal: no text of it reaches the client.
    """
    status, keyword = _status(error, public)
    if v8 and status == 400 and not isinstance(error, kinds.InvalidPayload | InvalidSyntax):
        status = UNPROCESSABLE
    found: dict[str, Any] = {"schemas": [ERROR], "status": status if v8 else str(status)}
    if keyword is not None and not v8:
        found["scimType"] = keyword
    detail = error.message if status != 500 and isinstance(error, TabulariumError) else TabulariumError.text
    return {**found, "detail": detail.encode("utf-8", "replace").decode()}


def _status(error: BaseException, public: bool) -> tuple[int, str | None]:
    match error:
        case kinds.Veto():
            return error.status, None
        case ScimRefused():
            return 400, error.scim_type
        case CollectionDenied() if public and not error.level:
            return 401, None
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500, None

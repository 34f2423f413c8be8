"""In charge of how an error looks over REST: the one table from kinds and routes to HTTP statuses and codes.

It must not word core's errors differently, except where a route hides what core says precisely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import core.errors as kinds
from core.errors import CollectionDenied, NotAuthenticated, Problem, ReadDenied, TabulariumError
from core.settings import ProjectConfig

STATUS: Mapping[type[TabulariumError], int] = {
    kinds.BadRequest: 400,
    kinds.ValidationFailed: 422,
    kinds.Unprocessable: 422,
    kinds.RevisionUnusable: 422,
    kinds.InvalidPayload: 400,
    kinds.PayloadTooLarge: 413,
    kinds.UploadCutOff: 400,
    kinds.BatchUpload: 400,
    kinds.InvalidField: 422,
    kinds.ArrayForScalar: 422,
    kinds.UnknownOperator: 422,
    kinds.UnknownType: 422,
    kinds.LengthMissing: 422,
    kinds.LengthNotSupported: 422,
    kinds.FieldRequired: 422,
    kinds.UnknownHasher: 422,
    kinds.Unauthorized: 401,
    kinds.Forbidden: 403,
    kinds.LocationNotAllowed: 401,
    kinds.NotAuthenticated: 401,
    kinds.SystemCollectionAccess: 401,
    kinds.FieldAccessDenied: 403,
    kinds.LastAdmin: 403,
    kinds.CollectionDenied: 403,
    kinds.FieldReadDenied: 403,
    kinds.FieldWriteDenied: 403,
    kinds.InvalidCredentials: 404,
    kinds.InvalidToken: 401,
    kinds.ExpiredToken: 401,
    kinds.UserInactive: 401,
    kinds.UserSuspended: 404,
    kinds.InvalidReset: 401,
    kinds.ExpiredReset: 401,
    kinds.UserNotFound: 404,
    kinds.MissingOtp: 404,
    kinds.InvalidOtp: 404,
    kinds.TfaEnforced: 401,
    kinds.UnknownEmail: 404,
    kinds.InvalidRequestToken: 401,
    kinds.ExpiredRequestToken: 401,
    kinds.SsoNotAllowed: 401,
    kinds.UnknownSignIn: 401,
    kinds.ProviderRefused: 401,
    kinds.InvalidLogin: 422,
    kinds.NotFound: 404,
    kinds.MethodNotAllowed: 405,
    kinds.UnknownProject: 404,
    kinds.CollectionNotFound: 404,
    kinds.FieldNotFound: 404,
    kinds.ItemNotFound: 404,
    kinds.CollectionNotManaged: 404,
    kinds.RevisionNotFound: 404,
    kinds.ProjectExists: 409,
    kinds.DuplicateItem: 409,
    kinds.CollectionExists: 422,
    kinds.FieldExists: 422,
    kinds.TooManyRequests: 429,
    kinds.QueryFailed: 500,
    kinds.DatabaseUnavailable: 500,
    kinds.NotInstalled: 503,
    kinds.InvalidDatabaseConnection: 400,
    kinds.InvalidCacheAdapter: 503,
    kinds.InvalidCacheConfiguration: 503,
    kinds.Maintenance: 503,
    kinds.Missed: 503,
    kinds.MailFailed: 500,
    kinds.ProviderFailed: 503,
    kinds.HookFailed: 500,
    kinds.StorageFailed: 500,
}
"""HTTP status by kind (spec 04 §2); a kind that is not named has the status of the one above it in the tree."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The facts of an error answer. `problems`: of a list of items, which of them are wrong; `count`: of how many."""

    status: int
    code: int | None
    message: str
    problems: tuple[Problem, ...] = ()
    count: int = 0


PRODUCTION = "production"
INTERNAL = Answer(500, None, "Internal Server Error")
METHOD_NOT_ALLOWED = Answer(405, 6, "Method Not Allowed")
UNAUTHORIZED = Answer(401, 3, "Unauthorized request")
NOT_FOUND = Answer(404, 203, "Item not found")
NOT_READABLE = Answer(403, 300, ReadDenied("directus_fields").message)
NO_USERS = Answer(403, 300, ReadDenied("directus_users").message)


@dataclass(frozen=True, slots=True)
class Denied:
    """How a route looks to a caller without any level on the collection (spec 02 §12.7.1); None: as core says it.

    `user_single`: to a user, when the parameter `single` makes a list one item.
    """

    public: Answer | None = None
    user: Answer | None = None
    user_single: Answer | None = None
    whatever_level: bool = False
    """Reads that a level does not allow look the same: a single read never tells why."""
    anonymous: bool = False
    """Core's "not authenticated" is the denial of this route as well."""


AS_IS = Denied()
LIST = Denied(public=UNAUTHORIZED, user_single=NOT_FOUND)
ITEM = Denied(public=NOT_FOUND, user=NOT_FOUND, whatever_level=True)
HIDDEN_ITEM = Denied(public=UNAUTHORIZED, user=NOT_FOUND)
UPDATE = Denied(public=NOT_FOUND, user=NOT_FOUND)
SETTING = Denied(public=UNAUTHORIZED, user=NOT_READABLE)
USER = Denied(public=NO_USERS, user=NO_USERS)
ROLE = Denied(public=UNAUTHORIZED, user=NOT_FOUND)
PERMISSION = Denied(public=UNAUTHORIZED, user=Answer(403, 300, ReadDenied("directus_permissions").message))
FOLDER = Denied(public=UNAUTHORIZED, user=Answer(403, 300, ReadDenied("directus_folders").message))
OWN = Denied(public=UNAUTHORIZED, user=UNAUTHORIZED, whatever_level=True, anonymous=True)


def name_of(error: BaseException, config: ProjectConfig | None) -> str | None:
    """The name of what was raised, which projects tell that are not in production (spec 04 §1.4); never more."""
    told = config is not None and str(config.tree.get("env", PRODUCTION)).lower() != PRODUCTION
    return type(error).__name__ if told else None


def wrapped(look: Answer, error: BaseException) -> Answer:
    """How v8 shows all that an operation on one field refuses: 422, code 404, the message (spec 01 §7.3)."""
    if isinstance(error, kinds.Unavailable) or not isinstance(error, TabulariumError):
        return look
    return Answer(422, kinds.FieldRequired.code, error.message)


def answer(error: BaseException, denied: Denied = AS_IS, *, public: bool = True, single: bool = False) -> Answer:
    """How an error looks on a route with this column `denied`, to a public caller or a user; `single`: of a list.

    What is none of core's errors is internal: no text of it reaches the client.
    """
    if not isinstance(error, TabulariumError):
        return INTERNAL
    if isinstance(error, kinds.Veto):
        return Answer(error.status, error.code, error.message)
    if isinstance(error, CollectionDenied):
        hidden = not error.level or (denied.whatever_level and isinstance(error, ReadDenied))
    else:
        hidden = denied.anonymous and isinstance(error, NotAuthenticated)
    if hidden:
        look = denied.public if public else (denied.user_single if single else None) or denied.user
        if look is not None:
            return look
    for kind in type(error).__mro__:
        if kind in STATUS:
            listed = any(one.path and isinstance(one.path[0], int) for one in error.problems)
            problems = (error.problems, error.count) if listed else ((), 0)
            return Answer(STATUS[kind], error.code, error.message, *problems)
    return INTERNAL

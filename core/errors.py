"""In charge of the one tree of errors that core raises; knows nothing of HTTP statuses.

    TabulariumError
    ├── InvalidRequest …      the request is malformed (codes 2, 4, 12, 13, 202, 208, 213, 214, 401–404)
    ├── AccessError …         the caller may not                          (codes 3, 10, 19, 108, 201, 215, 216, 300–306)
    ├── CredentialsError …    who is calling could not be established      (codes 100–115, -1)
    ├── Missing …             it is not there                              (codes 1, 200, 202, 203, 205, 207)
    ├── Conflict …            it is there already                          (codes 18, 204, 307, 308)
    ├── Veto, HookFailed      an extension refuses, or fails               (codes of its own)
    ├── StorageFailed         the bytes of files cannot be reached         (code 0)
    └── Unavailable …         not now                                      (codes -1, 7, 9, 11, 14, 21–23, 503)

Every leaf has a stable `kind` (the class name) and a numeric `code` (spec 04 §2). The HTTP status is no function of the
code, so it is decided by the REST adapter's table, by kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about one place in the input: `path` begins with the index in a batch."""

    path: Path
    message: str


MOST_PROBLEMS = 100
"""How many problems an error tells at most; of the others it tells the number."""


class TabulariumError(Exception):
    """Base of all errors a client may see: `code` (int or None), `message`, `problems`; never driver text.

    `count`: how many problems there are, when `problems` does not hold them all.
    """

    code: ClassVar[int | None] = None
    text: ClassVar[str] = "Internal Server Error"

    def __init__(self, message: str | None = None, *, problems: Iterable[Problem] = (), **details: Any) -> None:
        self.message = message if message is not None else self.text
        self.problems = tuple(problems)
        self.count = len(self.problems)
        self.details = details
        super().__init__(self.message)

    @property
    def kind(self) -> str:
        """The stable name of the leaf, as tables and GraphQL extensions use it."""
        return type(self).__name__


# --- the request is malformed ------------------------------------------------------------------------------------


class InvalidRequest(TabulariumError):
    """What was sent cannot be understood or is not allowed as data."""


class BadRequest(InvalidRequest):
    code, text = 2, "Bad Request"


class ValidationFailed(InvalidRequest):
    """One or more values break a rule: message `field: reason field2: reason`, details in `problems`."""

    code, text = 4, "Invalid request"

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> ValidationFailed:
        """The error of several problems, in v8's message form (spec 01 §1.3)."""
        found = tuple(problems)
        texts: dict[str, list[str]] = {}
        for problem in found:
            name = str(problem.path[-1]) if problem.path else ""
            seen = texts.setdefault(name, [])
            if problem.message not in seen:
                seen.append(problem.message)
        message = " ".join(f"{name}: {' '.join(lines)}" if name else " ".join(lines) for name, lines in texts.items())
        return cls(message, problems=found)


class Unprocessable(InvalidRequest):
    code, text = 12, "Unprocessable Entity"


class RevisionUnusable(InvalidRequest):
    """What a revision holds is no item: it cannot be reverted to."""

    code, text = 208, "Revision has an invalid delta"


class InvalidPayload(InvalidRequest):
    code, text = 13, "Invalid or Empty Payload"


class PayloadTooLarge(InvalidRequest):
    code, text = 601, "The request is larger than the server allows."


class UploadCutOff(InvalidRequest):
    code, text = 603, "The uploaded file was only partially uploaded."


class BatchUpload(InvalidRequest):
    code, text = 15, "Batch upload is not allowed"


class InvalidField(InvalidRequest):
    """An unknown field in fields, sort or an undotted filter (422)."""

    code = 202

    def __init__(self, field: str, collection: str) -> None:
        super().__init__(f'Invalid field "{field}" in "{collection}"', field=field, collection=collection)


class ArrayForScalar(InvalidRequest):
    code = 213

    def __init__(self, field: str, collection: str) -> None:
        super().__init__(
            f'Attempting to write an array as the value for field "{field}" in "{collection}"',
            field=field,
            collection=collection,
        )


class UnknownOperator(InvalidRequest):
    code = 214

    def __init__(self, operator: str) -> None:
        super().__init__(f"Unknown filter: {operator}", operator=operator)


class UnknownType(InvalidRequest):
    code, text = 401, "Unknown type"


class LengthMissing(InvalidRequest):
    code, text = 402, "Missing length"


class LengthNotSupported(InvalidRequest):
    code, text = 403, "Length is not supported"


class FieldRequired(InvalidRequest):
    code, text = 404, "Field required"


class UnknownHasher(InvalidRequest):
    code = 1000

    def __init__(self, hasher: str) -> None:
        super().__init__(f'Hasher "{hasher}" not found', hasher=hasher)


# --- an extension says so ---------------------------------------------------------------------------------------


class Veto(TabulariumError):
    """An extension refuses what was asked for (spec 03 §14, 15), in its own words.

    `code`: as the answer shows it. `status`: of the HTTP answer, from 400 to 599; anything else becomes 422.
    """

    text = "An extension of this server refuses this."

    def __init__(
        self,
        message: str | None = None,
        *,
        code: int | None = 12,
        status: int = 422,
        problems: Iterable[Problem] = (),
    ) -> None:
        super().__init__(message, problems=problems)
        self.code = code  # type: ignore[misc]  # every veto has its own
        self.status = status if 400 <= status <= 599 else 422


class HookFailed(TabulariumError):
    """An extension raised something, or did not end in time. What it was is in the log."""

    code, text = None, "An extension of this server failed."


class StorageFailed(TabulariumError):
    """The bytes of a file could not be read or written. What it was is in the log."""

    code, text = 0, "The storage of files cannot be used now."


# --- the caller may not ------------------------------------------------------------------------------------------


class AccessError(TabulariumError):
    """The caller is known (or public) and may not do this."""


class Unauthorized(AccessError):
    code, text = 3, "Unauthorized request"


class Forbidden(AccessError):
    code, text = 10, "Forbidden"


class LocationNotAllowed(AccessError):
    code, text = 19, "You are not allowed to sign in from this location"


class NotAuthenticated(AccessError):
    code, text = 108, "User not authenticated"


class SystemCollectionAccess(AccessError):
    code, text = 201, "Direct Access to System collections are not allowed"


class FieldAccessDenied(AccessError):
    """A filter or aggregate names a field or relation that the caller may not read (403/215)."""

    code = 215

    def __init__(self, field: str) -> None:
        super().__init__(f'Unable to access "{field}" related data', field=field)


class LastAdmin(AccessError):
    code = 216
    text = "Cannot delete the last admin user. There should always be at least 1 active admin user"


class CollectionDenied(AccessError):
    """An action on a collection was denied; `level` is False when the caller has no level at all on it."""

    template: ClassVar[str] = "Access to {} collection was denied"

    def __init__(self, collection: str, *, level: bool = False, public: bool = False) -> None:
        super().__init__(self.template.format(f'"{collection}"'), collection=collection, level=level, public=public)
        self.collection, self.level, self.public = collection, level, public


class ReadDenied(CollectionDenied):
    code, template = 300, "Reading items from {} collection was denied"


class CreateDenied(CollectionDenied):
    code, template = 301, "Creating item to {} collection was denied"


class UpdateDenied(CollectionDenied):
    code, template = 302, "Updating item from {} collection was denied"


class DeleteDenied(CollectionDenied):
    code, template = 303, "Deleting item from {} collection was denied"


class FileUploadDenied(CreateDenied):
    """Of files v8 says all three in words and a code of their own (spec 04 §3.2)."""

    code, template = 10, "You are not allowed to upload files"


class FileEditDenied(UpdateDenied):
    code, template = 10, "You are not allowed to edit files"


class FileDeleteDenied(DeleteDenied):
    code, template = 10, "You are not allowed to delete files"


class AlterDenied(CollectionDenied):
    code, template = 306, "Altering collection {} was denied"


class CommentDenied(CollectionDenied):
    """A comment on an item of the collection was denied, to whoever has some level on it or none (spec 02 §12.10)."""

    def __init__(self, collection: str, *, level: bool = True, public: bool = False) -> None:
        super().__init__(collection, level=level, public=public)


class CommentCreateDenied(CommentDenied):
    code, template = 210, "Adding a comment to {} collection was denied"


class CommentUpdateDenied(CommentDenied):
    code, template = 211, "Updating comment from {} collection was denied"


class CommentDeleteDenied(CommentDenied):
    code, template = 212, "Deleting comment from {} collection was denied"


class FieldReadDenied(AccessError):
    code = 304

    def __init__(self, field: str, collection: str) -> None:
        super().__init__(f'Reading "{field}" field in "{collection}" collection was denied', field=field)


class FieldWriteDenied(AccessError):
    code = 305

    def __init__(self, field: str, collection: str) -> None:
        super().__init__(f'Write access to "{field}" field in "{collection}" collection was denied', field=field)


# --- who is calling could not be established ---------------------------------------------------------------------


class CredentialsError(TabulariumError):
    """Login, token or second factor refused."""


class InvalidCredentials(CredentialsError):
    code, text = 100, "Invalid user credentials"


class InvalidToken(CredentialsError):
    code, text = 101, "Invalid Authentication Token"


class ExpiredToken(CredentialsError):
    code, text = 102, "Expired token"


class UserInactive(CredentialsError):
    code, text = 103, "User inactive"


class UserSuspended(CredentialsError):
    code, text = 103, "Your account is suspended. Please contact an administrator"


class InvalidReset(CredentialsError):
    code, text = 104, "Invalid Reset Password token"


class ExpiredReset(CredentialsError):
    code, text = 105, "Expired Reset Password token"


class UserNotFound(CredentialsError):
    code, text = 106, "User not found"


class UnknownEmail(CredentialsError):
    """Who has signed in elsewhere has no account here."""

    code = 107

    def __init__(self, email: str) -> None:
        super().__init__(f'User with email "{email}" not found', email=email)


class InvalidRequestToken(CredentialsError):
    code, text = 109, "Invalid Request Token"


class ExpiredRequestToken(CredentialsError):
    code, text = 110, "Expired Request Token"


class MissingOtp(CredentialsError):
    code, text = 111, "User missing 2FA OTP"


class InvalidOtp(CredentialsError):
    code, text = 112, "Invalid user OTP"


class TfaEnforced(CredentialsError):
    code, text = 113, "2FA enforced but not activated for user"


class SsoNotAllowed(CredentialsError):
    code, text = 115, "SSO not allowed with 2FA enabled"


class UnknownSignIn(CredentialsError):
    """What a provider hands back belongs to no sign-in that this browser has begun lately."""

    code, text = 101, "This sign-in was not begun in this browser, or too long ago"


class ProviderRefused(CredentialsError):
    """A provider did not sign the user in, or says of the user what does not suffice."""

    code, text = -1, "The provider did not sign you in"


class InvalidLogin(CredentialsError):
    """The form of a login is wrong (422/114); message as `ValidationFailed`."""

    code, text = 114, "Invalid request"


# --- it is not there ---------------------------------------------------------------------------------------------


class Missing(TabulariumError):
    """What the request names does not exist, or not for this caller."""


class NotFound(Missing):
    code, text = 1, "Not Found"


class MethodNotAllowed(Missing):
    """The path is there, but not for this method; `allowed` are."""

    code, text = 6, "Method Not Allowed"

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = tuple(allowed)
        super().__init__(allowed=self.allowed)


class UnknownProject(Missing):
    code, text = 1, "Unknown Project"


class CollectionNotFound(Missing):
    code = 200

    def __init__(self, collection: str) -> None:
        super().__init__(f"Unable to find collection: {collection}", collection=collection)


class FieldNotFound(Missing):
    """A dotted filter path, a `lang` or a field route names a field that is not there (404/202)."""

    code = 202

    def __init__(self, field: str) -> None:
        super().__init__(f'Unable to find field "{field}"', field=field)


class ItemNotFound(Missing):
    code, text = 203, "Item not found"

    @classmethod
    def with_id(cls, key: object) -> ItemNotFound:
        return cls(f'Item with id "{key}" not found')


class CommentNotFound(ItemNotFound):
    """There is no comment of this id, or it was deleted."""

    @classmethod
    def with_id(cls, key: object) -> CommentNotFound:
        return cls(f'Comment "{key}" not found')


class CollectionNotManaged(Missing):
    code, text = 205, "Collection is not being managed"


class RevisionNotFound(Missing):
    code, text = 207, "Revision not found"

    @classmethod
    def with_id(cls, key: object) -> RevisionNotFound:
        return cls(f'Revision with Id "{key}" not found')


# --- it is there already -----------------------------------------------------------------------------------------


class Conflict(TabulariumError):
    """The state of the project forbids it."""


class ProjectExists(Conflict):
    code, text = 18, "A project of this name already exists."


class DuplicateItem(Conflict):
    code = 204

    def __init__(self, value: object, collection: str) -> None:
        super().__init__(f'Duplicate key "{value}" for collection "{collection}"', collection=collection)


class CollectionExists(Conflict):
    code, text = 307, "Collection already exists"


class FieldExists(Conflict):
    code, text = 308, "Field already exists"


# --- not now -----------------------------------------------------------------------------------------------------


class Unavailable(TabulariumError):
    """The server cannot do it now, whatever was sent."""


class TooManyRequests(Unavailable):
    code, text = 7, "Too Many Requests"


class QueryFailed(Unavailable):
    code, text = 9, "Failed generating the SQL query."
    lacking = False
    """The database does not have a table or column that the snapshot names."""


class DatabaseUnavailable(Unavailable):
    code, text = 11, "Failed to connect to the database"


class NotInstalled(Unavailable):
    code, text = 14, "No project is configured on this server"


class InvalidDatabaseConnection(Unavailable):
    code, text = 19, "Invalid database connection"


class InvalidCacheAdapter(Unavailable):
    code, text = 22, "Invalid cache adapter"


class InvalidCacheConfiguration(Unavailable):
    code, text = 23, "Invalid cache configuration"


class Maintenance(Unavailable):
    code, text = 21, "This project is in maintenance"


class ProviderFailed(Unavailable):
    """A provider of sign-ins cannot be reached, or answers what it must not. The log says what."""

    code, text = -1, "The provider cannot be asked now"


class MailFailed(Unavailable):
    code, text = 503, "The mail could not be sent"


class MailTransportUnknown(MailFailed):
    code = 500

    def __init__(self, name: str) -> None:
        super().__init__(f'Mailer Transport "{name}" not found')


class Missed(Unavailable):
    """A subscription lags: more happened than could be told."""

    code, text = 503, "Too much happened at once; subscribe again"

"""In charge of what a User and a Group are made of here (models of scim2-models), and of reading bodies by them.

The models say what a client may send. Their docstrings are the descriptions of `/Schemas` (`core.scim.discovery`). This
module takes most of a second to import: only what answers SCIM requests may do so. It knows no rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError
from scim2_models import (
    URN,
    AnyExtension,
    CaseExact,
    ComplexAttribute,
    Context,
    Error,
    ExtensibleStringEnum,
    Extension,
    Mutability,
    PatchOp,
    PatchOperation,
    Path,
    Reference,
    Required,
    Resource,
    Returned,
    SCIMException,
    ScimPolicy,
    Uniqueness,
)
from scim2_models import EnterpriseUser as StandardEnterpriseUser
from scim2_models import Group as StandardGroup
from scim2_models import User as StandardUser

from core.scim.refusals import REFUSALS, InvalidPath, InvalidSyntax, InvalidValue
from core.types.structured import storable

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_SCHEMA = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
OPERATIONS = "operations"
MOST_OPERATIONS = 100
MOST_REMOVED = 1000
"""Values that the operations may name to be removed: each becomes a part of a filter."""

T = TypeVar("T")

POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""Attributes that have no place here are left out, as before; the dialect of Microsoft Entra ID is understood."""


class Name(ComplexAttribute):
    formatted: Annotated[str | None, Returned.request] = None
    """Given name and family name."""

    family_name: str | None = None
    """The family name, or last name."""

    given_name: str | None = None
    """The given name, or first name."""


class Email(ComplexAttribute):
    class Type(ExtensibleStringEnum):
        work = "work"

    value: str | None = None
    """The e-mail address: the user name."""

    type: Type | None = None
    """Always work."""

    primary: bool | None = None
    """Always true: there is one address."""


class Membership(ComplexAttribute):
    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """The id of the group."""

    ref: Annotated[Reference[Group] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the group."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The name of the group."""

    type: Annotated[str | None, Mutability.read_only] = None
    """Always direct."""


class Role(ComplexAttribute):
    value: Annotated[str | None, Mutability.read_only] = None
    """The name of the role."""

    primary: Annotated[bool | None, Mutability.read_only] = None
    """Always true: a user has one role."""


class Enterprise(Extension):
    """The part of the enterprise extension that is kept."""

    __schema__ = URN(ENTERPRISE_SCHEMA)

    organization: str | None = None
    """The name of an organization."""


class Locale(ExtensibleStringEnum):
    """Locales that the app has been translated into, for example."""

    german = "de-DE"
    english = "en-US"
    spanish = "es-ES"
    french = "fr-FR"
    italian = "it-IT"
    dutch = "nl-NL"
    portuguese = "pt-BR"
    chinese = "zh-CN"


class Timezone(ExtensibleStringEnum):
    """Names of the time zone database, for example."""

    utc = "UTC"
    new_york = "America/New_York"
    los_angeles = "America/Los_Angeles"
    berlin = "Europe/Berlin"
    london = "Europe/London"
    paris = "Europe/Paris"
    kolkata = "Asia/Kolkata"
    tokyo = "Asia/Tokyo"


class User(Resource[AnyExtension]):
    """A user account"""

    __schema__ = URN(USER_SCHEMA)

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """The e-mail address by which the user signs in."""

    name: Name | None = None
    """The parts of the user's name."""

    display_name: str | None = None
    """Given name and family name."""

    title: str | None = None
    """The user's title, such as "Vice President"."""

    preferred_language: Locale | None = None
    """The same as locale."""

    locale: Locale | None = None
    """The language of the app, at most eight characters."""

    timezone: Timezone | None = None
    """The time zone, UTC unless another one is set."""

    active: bool | None = None
    """Whether the user may sign in."""

    password: Annotated[str | None, Mutability.write_only, Returned.never, CaseExact.true] = None
    """A new password, which the project's policy must take."""

    emails: list[Email] | None = None
    """The e-mail address. Of several the primary one is kept, or the last."""

    groups: Annotated[list[Membership] | None, Mutability.read_only] = None
    """The role of the user, as a group."""

    roles: Annotated[list[Role] | None, Mutability.read_only] = None
    """The role of the user."""


class Member(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The id of the user."""

    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the user."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """Always User."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The full name of the user."""


class Group(Resource[Any]):
    """A role; its members are the users who have it, and each user has one"""

    __schema__ = URN(GROUP_SCHEMA)

    display_name: Annotated[str | None, Required.true, Uniqueness.server] = None
    """The name of the role."""

    members: list[Member] | None = None
    """The users who have the role. Who is added leaves the group that he was in."""


Account = User[Enterprise]
MOST_VALUES: Mapping[Any, int] = {Account: 2000, Group: 50_000}
"""Values, in objects and lists, that a body may have: checking and patching take their time for each."""
_KNOWN: Mapping[type, Any] = {
    Account: Path[StandardUser[StandardEnterpriseUser]],
    Group: Path[StandardGroup],
}
"""Attributes that the RFC knows and that have no column here: what is said of them is left out, without a fault."""


def read(model: Any, body: Any) -> Any:
    """A body that creates or replaces a resource. Raises InvalidSyntax, InvalidValue."""
    context = Context.RESOURCE_REPLACEMENT_REQUEST
    return _checked(lambda: model.model_validate(_bounded(model, body), scim_ctx=context, scim_policy=POLICY))


def read_part(model: Any, body: Any) -> Any:
    """A body that names what it changes (a PATCH without operations, spec 02 §14.7). Raises as `read`."""
    return _checked(lambda: model.model_validate(_bounded(model, body), scim_policy=POLICY))


def has_operations(body: Any) -> bool:
    """Whether a PATCH is one as RFC 7644 means it. Raises InvalidSyntax."""
    return any(str(name).lower() == OPERATIONS for name in _object(body))


def operations(model: Any, body: Any) -> list[PatchOperation[Any]]:
    """The operations of a PATCH. Raises InvalidSyntax, InvalidValue, InvalidPath, NoTarget, NotMutable."""
    patch = PatchOp[model]
    context = Context.RESOURCE_PATCH_REQUEST
    _check_sizes(_object(body))
    found = _checked(lambda: patch.model_validate(_bounded(model, body), scim_ctx=context, scim_policy=POLICY))
    sent: list[PatchOperation[Any]] = found.operations or []
    for one in sent:
        if one.path and Path[model](one.path).resolve() is None and not _known(model, str(one.path)):
            raise InvalidPath(f'There is no attribute "{one.path}".')
    return sent


def apply(resource: Any, sent: list[PatchOperation[Any]]) -> Any:
    """The resource after the operations. Raises as `operations`."""
    after = resource.model_copy(deep=True)
    patch = PatchOp[type(resource)].model_construct(operations=sent)  # type: ignore[misc]
    _checked(lambda: patch.patch(after, POLICY))
    return after


def loaded(model: Any, shown: Mapping[str, Any]) -> Any:
    """A representation as the model's instance."""
    return model.model_validate(shown, scim_policy=POLICY)


def _known(model: type, path: str) -> bool:
    found = _KNOWN[model](path)
    return found.resolve() is not None or found.model is not None


def _check_sizes(body: Mapping[str, Any]) -> None:
    sent = next((value for name, value in body.items() if str(name).lower() == OPERATIONS), None)
    listed = sent if isinstance(sent, list | tuple) else []
    if len(listed) > MOST_OPERATIONS:
        raise InvalidValue(f"A patch may have {MOST_OPERATIONS} operations at most.")
    removals = [one.get("value") for one in listed if isinstance(one, Mapping) and _removes(one)]
    if sum(len(value) for value in removals if isinstance(value, list | tuple)) > MOST_REMOVED:
        raise InvalidValue(f"A patch may name {MOST_REMOVED} values to be removed at most.")


def _removes(operation: Mapping[str, Any]) -> bool:
    return str(operation.get("op", "")).lower() == "remove"


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise InvalidSyntax("The body must be an object.")
    return body


def _bounded(model: Any, body: Any) -> Mapping[str, Any]:
    """The body, if it is an object that can be stored and is not too large."""
    left = MOST_VALUES[model]
    queue: list[Any] = [_object(body)]
    while queue:
        value = queue.pop()
        if isinstance(value, str) and not storable(value):
            raise InvalidValue("The body holds text that cannot be stored.")
        if isinstance(value, Mapping):
            queue += map(str, value)
            queue += value.values()
        elif isinstance(value, list | tuple):
            queue += value
        left -= 1
        if left < 0 or len(queue) > 2 * MOST_VALUES[model]:
            raise InvalidValue(f"The body may have {MOST_VALUES[model]} values at most.")
    return _object(body)


def _checked(work: Callable[[], T]) -> T:
    try:
        return work()
    except ValidationError as error:
        [first, *_] = Error.from_validation_errors(error)
        raise _refusal(first) from None
    except SCIMException as error:
        raise _refusal(error.to_error()) from None


def _refusal(error: Error) -> Exception:
    lines = [line.strip() for line in (error.detail or "").splitlines()]
    if len(lines) > 2:  # pydantic's own text: how many faults, where, and what, with its type and a manual's address
        lines = [f"{lines[2].partition(' [type=')[0]}: {lines[1]}"]
    return REFUSALS.get(error.scim_type or "", InvalidValue)(lines[0] if lines else "The value cannot be used.")

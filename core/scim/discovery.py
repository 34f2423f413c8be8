"""In charge of what a SCIM server says of itself: features, types and their attributes (RFC 7643 §5 to 7). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scim2_models import (
    URI,
    Attribute,
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    Context,
    ETag,
    External,
    Filter,
    Mutability,
    Pagination,
    Patch,
    Reference,
    ResourceType,
    Schema,
    SchemaExtension,
    ServiceProviderConfig,
    Sort,
)

from core.errors import ItemNotFound
from core.scim.bulk import MOST_OPERATIONS
from core.scim.reading import DEFAULT_COUNT, MOST_IN_ONE
from core.scim.resources import Enterprise, Group, User
from core.scim.rows import ENTERPRISE_SCHEMA, GROUP, USER, USER_SCHEMA, Kind

LARGEST_BULK = 1_048_576
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
COMPUTED = frozenset({"displayName", "formatted"})
"""Attributes of a User that are made of others. They may be sent, as many clients do, and are left out."""


def provider_config(base: str) -> dict[str, Any]:
    """`/ServiceProviderConfig`."""
    token = AuthenticationScheme(
        type=AuthenticationScheme.Type.oauthbearertoken,
        name="Bearer token",
        description="The static token of a user, or a token of POST /auth/authenticate",
        spec_uri=Reference[External]("https://www.rfc-editor.org/info/rfc6750"),
        primary=True,
    )
    found = ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=True, max_operations=MOST_OPERATIONS, max_payload_size=LARGEST_BULK),
        filter=Filter(supported=True, max_results=MOST_IN_ONE),
        change_password=ChangePassword(supported=True),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        pagination=Pagination(cursor=False, index=True, default_page_size=DEFAULT_COUNT, max_page_size=MOST_IN_ONE),
        authentication_schemes=[token],
    )
    shown = found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    shown["meta"] = {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"}
    return shown


def resource_types(base: str, name: str | None) -> dict[str, Any]:
    """`/ResourceTypes`, or one of them. Raises ItemNotFound."""
    found = [
        _resource_type(base, USER, [SchemaExtension(schema=Reference[URI](ENTERPRISE_SCHEMA), required=False)]),
        _resource_type(base, GROUP, None),
    ]
    return _listed(found, name)


def _resource_type(base: str, kind: Kind, extensions: list[SchemaExtension] | None) -> dict[str, Any]:
    found = ResourceType(
        id=kind.name,
        name=kind.name,
        endpoint=Reference[URI](f"/{kind.endpoint}"),
        description="User accounts" if kind is USER else "Roles; the members of one are the users who have it",
        schema=Reference[URI](kind.schema),
        schema_extensions=extensions,
    )
    shown = found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    shown["meta"] = {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{kind.name}"}
    return shown


def schemas(base: str, urn: str | None) -> dict[str, Any]:
    """`/Schemas`, or one of them. Raises ItemNotFound."""
    found = []
    for model in (User, Group, Enterprise):
        schema = model.to_schema()
        if schema.id == USER_SCHEMA:
            _close(schema.attributes or ())
        schema.schemas = [str(Schema.__schema__)]
        shown = schema.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
        shown["meta"] = {"resourceType": "Schema", "location": f"{base}/Schemas/{schema.id}"}
        found.append(shown)
    return _listed(found, urn)


def _close(attributes: Iterable[Attribute]) -> None:
    """Mark what is computed as read-only."""
    for one in attributes:
        if one.name in COMPUTED:
            one.mutability = Mutability.read_only
        _close(one.sub_attributes or ())


def _listed(found: list[dict[str, Any]], own: str | None) -> dict[str, Any]:
    if own is None:
        size = len(found)
        return {"schemas": [LIST], "totalResults": size, "startIndex": 1, "itemsPerPage": size, "Resources": found}
    for one in found:
        if one["id"].lower() == own.lower():
            return one
    raise ItemNotFound.with_id(own)

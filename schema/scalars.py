"""In charge of the scalars that GraphQL does not have: dates, JSON, files. Values go out as core made them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ariadne import ScalarType
from graphql import GraphQLError, StringValueNode, ValueNode
from graphql.utilities import value_from_ast_untyped

from core.files.upload import Upload

_DAY = r"\s*(?:now|\d{4}-?\d\d-?\d\d(?:[T ]?\d\d(?::?\d\d){0,2}(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?)\s*"
_DATE = re.compile(rf"(?:{_DAY}(?:,{_DAY})*)?", re.IGNORECASE)  # the operators in and nin take a list as CSV
_TIME = re.compile(r"(?:now|\d\d:?\d\d(?::?\d\d(?:\.\d+)?)?)?", re.IGNORECASE)


def _text(name: str, form: re.Pattern[str]) -> ScalarType:
    """A scalar of text in one form. Whether the day exists is core's question: there it is an answer, not an error."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or not form.fullmatch(value.strip()):
            raise GraphQLError(f"{name} cannot represent value: {value!r}")
        return value.strip()

    def literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> str:
        if not isinstance(node, StringValueNode):
            raise GraphQLError(f"{name} must be written as a string.", node)
        return parse(node.value)

    return ScalarType(name, serializer=_as_it_is, value_parser=parse, literal_parser=literal)


def _as_it_is(value: Any) -> Any:
    return value


def _json_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> Any:
    return value_from_ast_untyped(node, dict(variables) if variables else None)


def json_scalar() -> ScalarType:
    """JSON: any value, objects and lists included, variables inside a literal resolved."""
    return ScalarType("JSON", serializer=_as_it_is, value_parser=_as_it_is, literal_parser=_json_literal)


def _content(value: Any) -> Any:
    if not isinstance(value, str | Upload):
        raise GraphQLError("Upload cannot represent value: it is a file of the request, or text.")
    return value


def _content_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> str:
    if not isinstance(node, StringValueNode):
        raise GraphQLError("Upload must be written as a string, or given as a variable.", node)
    return node.value


def _never(value: Any) -> Any:
    raise GraphQLError("Upload is never answered.")


def scalars() -> list[ScalarType]:
    """All of them, to be bound to one schema."""
    upload = ScalarType("Upload", serializer=_never, value_parser=_content, literal_parser=_content_literal)
    return [_text("Datetime", _DATE), _text("Date", _DATE), _text("Time", _TIME), json_scalar(), upload]

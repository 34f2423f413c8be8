"""In charge of coercing variables by declared type, as loosely as v8 did (spec 01 §15.1, 15.5). Knows no operation.

Int takes whole numbers of any size, "5" and true; Float "1.5"; String numbers and booleans; ID numbers. The coercers of
a document's variables are made once and kept with it; input objects look at the keys that are given, not at all keys.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    Undefined,
    VariableDefinitionNode,
    is_leaf_type,
    value_from_ast,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.utilities.coerce_input_value import coerce_default_value

Coercer = Callable[[Any, int], Any]
"""Takes a value and how deep it lies; raises Invalid."""

MAX_DEPTH = 64
MAX_ERRORS = 50
_INTEGER = re.compile(r"\s*[+-]?\d{1,20}\s*")
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*")


class Invalid(Exception):
    """A value that is none of its type; `path` grows while the error travels outwards."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.path: list[str | int] = []


class Variables:
    """The variables that one operation declares, made ready for coercing. Lives as long as the document."""

    __slots__ = ("_declared",)

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._declared: list[tuple[GraphQLVariableSignature, Coercer, Any, VariableDefinitionNode]] = []
        for node in definitions:
            signature = get_variable_signature(schema, node)
            if isinstance(signature, GraphQLError):
                raise signature
            default = value_from_ast(node.default_value, signature.type) if node.default_value else Undefined
            self._declared.append((signature, coercer(signature.type), default, node))

    def coerce(self, given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """Values for execution, or what is wrong with them. Variables that were not given are absent."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        errors: list[GraphQLError] = []
        for signature, convert, default, node in self._declared:
            name = signature.name
            value = given.get(name, Undefined)
            sources[name] = VariableValueSource(signature, value)
            if value is Undefined:
                if default is not Undefined:
                    coerced[name] = default
                elif isinstance(signature.type, GraphQLNonNull):
                    errors.append(_error(name, Invalid(f"Expected a value of non-null type '{signature.type}'."), node))
                continue
            try:
                coerced[name] = convert(value, 0)
            except Invalid as problem:
                errors.append(_error(name, problem, node))
            if len(errors) >= MAX_ERRORS:
                break
        return errors or VariableValues(sources, coerced)


def _error(name: str, problem: Invalid, node: VariableDefinitionNode) -> GraphQLError:
    where = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in reversed(problem.path))
    return GraphQLError(
        f"Variable '${name}' has invalid value{f' at {where}' if where else ''}: {problem.message}", node
    )


def coercer(type_: Any) -> Coercer:
    """The function that coerces values of an input type."""
    if isinstance(type_, GraphQLNonNull):
        return _required(type_, coercer(type_.of_type))
    if isinstance(type_, GraphQLList):
        return _nullable(_list(coercer(type_.of_type)))
    if isinstance(type_, GraphQLInputObjectType):
        return _nullable(_object(type_))
    loose = LOOSE.get(type_.name)
    if loose is not None:
        return _nullable(loose, PLAIN.get(type_.name))
    assert is_leaf_type(type_)
    return _nullable(_leaf(type_))


def _required(type_: GraphQLNonNull[Any], inner: Coercer) -> Coercer:
    def convert(value: Any, depth: int) -> Any:
        if value is None:
            raise Invalid(f"Expected value of non-null type '{type_}' not to be null.")
        return inner(value, depth)

    return convert


def _nullable(inner: Coercer, plain: type | None = None) -> Coercer:
    """`plain`: a Python type whose values are right as they are."""

    def convert(value: Any, depth: int) -> Any:
        return value if value is None or type(value) is plain else inner(value, depth)

    return convert


def _list(inner: Coercer) -> Coercer:
    def convert(value: Any, depth: int) -> Any:
        if not isinstance(value, (list, tuple)):
            return [inner(value, depth)]
        if depth > MAX_DEPTH:
            raise Invalid("Variable values are nested too deeply.")
        found = []
        for index, item in enumerate(value):
            try:
                found.append(inner(item, depth + 1))
            except Invalid as problem:
                problem.path.append(index)
                raise
        return found

    return convert


def _object(type_: GraphQLInputObjectType) -> Coercer:
    """Fields are looked at when they are first given: types may refer to each other in a circle."""
    made: dict[str, tuple[str, Coercer]] = {}
    defaults: dict[str, tuple[str, Any]] = {}
    required: list[str] = []
    prepared: list[bool] = []

    def prepare() -> None:
        for name, field in type_.fields.items():
            default = coerce_default_value(field)
            if default is not Undefined:
                defaults[name] = (field.out_name or name, default)
            elif isinstance(field.type, GraphQLNonNull):
                required.append(name)
        prepared.append(True)

    def known(name: str) -> tuple[str, Coercer]:
        field = type_.fields.get(name)
        if field is None:
            raise Invalid(f"Expected value of type '{type_}' not to include unknown field '{name}'.")
        found = made[name] = (field.out_name or name, coercer(field.type))
        return found

    def convert(value: Any, depth: int) -> Any:
        if type(value) is not dict and not isinstance(value, Mapping):
            raise Invalid(f"Expected value of type '{type_}' to be an object, found: {_shown(value)}.")
        if depth > MAX_DEPTH:
            raise Invalid("Variable values are nested too deeply.")
        if not prepared:
            prepare()
        found: dict[str, Any] = {}
        for name, inner in value.items():
            out, convert_field = made.get(name) or known(name)
            try:
                found[out] = convert_field(inner, depth + 1)
            except Invalid as problem:
                problem.path.append(name)
                raise
        for name in required:
            if name not in value:
                raise Invalid(f"Expected value of type '{type_}' to include required field '{name}'.")
        for name, (out, default) in defaults.items():
            if name not in value:
                found[out] = default
        return type_.out_type(found)

    return convert


def _leaf(type_: Any) -> Coercer:
    def convert(value: Any, depth: int) -> Any:
        try:
            found = type_.coerce_input_value(value)
        except GraphQLError as error:
            raise Invalid(error.message) from None
        if found is Undefined:
            raise Invalid(f"Expected value of type '{type_}', found: {_shown(value)}.")
        return found

    return convert


def _int(value: Any, depth: int) -> int:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise Invalid(f"Int cannot represent non-integer value: {_shown(value)}")


def _float(value: Any, depth: int) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    raise Invalid(f"Float cannot represent non numeric value: {_shown(value)}")


def _string(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise Invalid(f"String cannot represent a non string value: {_shown(value)}")


def _id(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    raise Invalid(f"ID cannot represent value: {_shown(value)}")


def _boolean(value: Any, depth: int) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise Invalid(f"Boolean cannot represent a non boolean value: {_shown(value)}")


def _shown(value: Any) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


LOOSE: Mapping[str, Coercer] = {
    GraphQLInt.name: _int,
    GraphQLFloat.name: _float,
    GraphQLString.name: _string,
    GraphQLID.name: _id,
    GraphQLBoolean.name: _boolean,
}
PLAIN: Mapping[str, type] = {
    GraphQLInt.name: int,
    GraphQLString.name: str,
    GraphQLID.name: str,
    GraphQLBoolean.name: bool,
}

"""In charge of documents that differ in literal values only: the values are lifted out, so one validation serves all.

Clients that write values into the text (`articles(id: 77)`) send a new text with every request. Its skeleton, the text
with each number and string replaced by a mark, is what is parsed and validated once; the values travel as variables
that no client can name. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FloatValueNode,
    GraphQLScalarType,
    GraphQLSchema,
    IntValueNode,
    NameNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    get_nullable_type,
    visit,
)

# Block strings and strings with escapes stay as they are; comments hide what looks like a value in them.
_TOKEN = re.compile(
    r'(?P<kept>"""(?:[^"\\]|\\.|"(?!""))*"""|#[^\n\r]*|[A-Za-z_]\w*|\$\w+)'
    r'|(?P<text>"(?:[^"\\\n\r]|\\.)*")'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)",
    re.ASCII | re.DOTALL,
)
_MAX_VALUES = 50
_INT = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in a text: "int", "float" or "text", and how it is written (text: without its quotes)."""

    kind: str
    written: str


def skeleton(text: str) -> tuple[str, tuple[Literal, ...]] | None:
    """The text with its liftable values replaced by marks, and these values in order; None when there is none."""
    found: list[Literal] = []

    def replace(match: re.Match[str]) -> str:
        number, string = match["number"], match["text"]
        if number is not None:
            whole = number.lstrip("-").isdigit()
            found.append(Literal("int" if whole else "float", number))
            return "0" if whole else "0.0"
        if string is not None and "\\" not in string:
            found.append(Literal("text", string[1:-1]))
            return '""'
        return match[0]

    marked = _TOKEN.sub(replace, text)
    return (marked, tuple(found)) if 0 < len(found) <= _MAX_VALUES else None


@dataclass(frozen=True, slots=True)
class Lifted:
    """Which literals of a skeleton are lifted: place → (name of the variable, name of the scalar)."""

    places: Mapping[int, tuple[str, str]]

    def kept(self, literals: Sequence[Literal]) -> tuple[Literal, ...]:
        """The literals that stay in the document: texts with different ones are different documents."""
        return tuple(literal for place, literal in enumerate(literals) if place not in self.places)

    def values(self, literals: Sequence[Literal]) -> dict[str, Any] | None:
        """The lifted values by variable; None when one of them would not have been accepted as a literal."""
        found: dict[str, Any] = {}
        for place, (name, scalar) in self.places.items():
            written = literals[place].written
            if scalar in ("Int", "Float"):
                value = int(written) if literals[place].kind == "int" else float(written)
                if scalar == "Int" and value not in _INT:
                    return None
                found[name] = float(value) if scalar == "Float" else value
            else:
                found[name] = written
        return found


def lift(schema: GraphQLSchema, node: DocumentNode, literals: Sequence[Literal]) -> tuple[DocumentNode, Lifted]:
    """The document to run in place of all texts of the skeleton, and where its values come from."""
    types = TypeInfo(schema)
    lifting = _Lifting(types, literals)
    run = visit(node, TypeInfoVisitor(types, lifting))
    return run, Lifted(lifting.places)


class _Lifting(Visitor):
    """Counts literals in document order, which is the order of the text, and replaces those of plain scalars."""

    TAKEN: Mapping[str, frozenset[str]] = {
        "int": frozenset({"Int", "Float", "ID"}),
        "float": frozenset({"Float"}),
        "text": frozenset({"String", "ID"}),
    }

    def __init__(self, types: TypeInfo, literals: Sequence[Literal]) -> None:
        super().__init__()
        self.types = types
        self.literals = literals
        self.place = 0
        self.fixed = 0
        self.places: dict[int, tuple[str, str]] = {}

    def enter_variable_definition(self, *_: Any) -> None:
        self.fixed += 1  # a default value cannot be a variable

    def leave_variable_definition(self, *_: Any) -> None:
        self.fixed -= 1

    def enter_directive(self, *_: Any) -> None:
        self.fixed += 1

    def leave_directive(self, *_: Any) -> None:
        self.fixed -= 1

    def enter_int_value(self, node: IntValueNode, *_: Any) -> Any:
        return self._take(node)

    def enter_float_value(self, node: FloatValueNode, *_: Any) -> Any:
        return self._take(node)

    def enter_string_value(self, node: StringValueNode, *_: Any) -> Any:
        if node.block or node.loc is None or "\\" in node.loc.source.body[node.loc.start : node.loc.end]:
            return None  # not in the skeleton's list either
        return self._take(node)

    def _take(self, node: IntValueNode | FloatValueNode | StringValueNode) -> Any:
        place, self.place = self.place, self.place + 1
        type_ = get_nullable_type(self.types.get_input_type())
        # one value in the place of a list is made a list while it is a literal, never from a variable
        scalar = type_.name if isinstance(type_, GraphQLScalarType) else ""
        if self.fixed or scalar not in self.TAKEN[self.literals[place].kind]:
            return None
        name = f"0l{place}"  # not a name that can be written
        self.places[place] = (name, scalar)
        return VariableNode(name=NameNode(value=name), loc=node.loc)

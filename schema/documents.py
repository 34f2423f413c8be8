"""In charge of documents: parsed, measured, validated and made ready once, kept by a bound. Runs nothing.

A client's document is kept under the hash of its text, bounded by count and by bytes; an adapter's under its identity.
Both die with the schema they were validated against.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from copy import copy
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NameNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Undefined,
    VariableNode,
    Visitor,
    get_named_type,
    parse,
    validate,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.utilities.coerce_input_value import coerce_default_value

from schema.coerce import Variables
from schema.limits import DEFAULT, Limits, check
from schema.literals import Literal, lift, skeleton

SHAPES = 300
MAX_DOCUMENTS = 1000
MAX_BYTES = 8 * 1024 * 1024
MAX_ADAPTER_DOCUMENTS = 2000
LONG = 4000
"""Characters from which a document is parsed and validated in a thread: it may take tens of milliseconds."""
MAX_ERRORS = 20
LARGEST = 20
"""Digits of a number that some database could hold."""

_LARGE_NUMBER = re.compile(r"\d{10,}")
_WIDE_TEXT = re.compile(r"-?\d{16,19}")
_INTROSPECTION = frozenset({"__schema", "__type"})


class Bounded:
    """At most `size` entries; the one used longest ago goes first."""

    __slots__ = ("_entries", "_size")

    def __init__(self, size: int) -> None:
        self._entries: OrderedDict[Hashable, Any] = OrderedDict()
        self._size = size

    def get(self, key: Hashable) -> Any | None:
        """The value, None when it is not here."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value."""
        self._entries[key] = value
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)


class Operation:
    """One operation of a document, ready to run. `roots`: names of its root fields, by name and not by alias.

    `alone`: there is one root field and nothing else. `arguments`: those of it and the variables that they are, where
    none of them is anything else or needs a default.
    """

    __slots__ = ("alone", "arguments", "kind", "node", "roots", "variables")

    def __init__(self, schema: GraphQLSchema, document: Document, node: OperationDefinitionNode) -> None:
        self.node = node
        self.kind: OperationType = node.operation
        self.variables = Variables(schema, node.variable_definitions or ())
        self.roots: frozenset[str] = frozenset(_roots(node.selection_set, document.fragments))
        selections = node.selection_set.selections
        self.alone = len(selections) == 1 and isinstance(selections[0], FieldNode)
        self.arguments = _bare_arguments(schema, node) if self.alone else None

    @property
    def introspective(self) -> bool:
        """Asks for the schema, and for nothing else."""
        return bool(self.roots & _INTROSPECTION) and self.roots <= _INTROSPECTION | {"__typename"}

    @property
    def mixed(self) -> bool:
        """Asks for the schema and for data in one."""
        return bool(self.roots & _INTROSPECTION) and not self.introspective


class Document:
    """A valid document with what running it needs, and what resolvers remember of it."""

    __slots__ = ("_operations", "_schema", "constants", "details", "digest", "fragments", "node", "shapes")

    def __init__(
        self,
        schema: GraphQLSchema,
        node: DocumentNode,
        *,
        digest: bytes = b"",
        constants: Mapping[str, Any] | None = None,
    ) -> None:
        self.node = node
        self.digest = digest
        self.constants = dict(constants or {})
        self.fragments = {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}
        self.details = {name: FragmentDetails(one) for name, one in self.fragments.items()}
        self.shapes = Bounded(SHAPES)
        self._schema = schema
        self._operations: dict[str | None, Operation] = {}

    def bound(self, digest: bytes, constants: Mapping[str, Any]) -> Document:
        """The same document for a text that differs in lifted values; what is remembered of it is shared."""
        made = copy(self)
        made.digest, made.constants = digest, {**self.constants, **constants}
        return made

    @property
    def asks_for_schema(self) -> bool:
        """Whether some operation has a root field of introspection."""
        operations = (one for one in self.node.definitions if isinstance(one, OperationDefinitionNode))
        return any(_roots(one.selection_set, self.fragments) & _INTROSPECTION for one in operations)

    def operation(self, name: str | None) -> Operation:
        """The operation to run. Raises GraphQLError when the name fits none, or none is given and there are several."""
        found = self._operations.get(name)
        if found is not None:
            return found
        nodes = [one for one in self.node.definitions if isinstance(one, OperationDefinitionNode)]
        if name is not None:
            nodes = [one for one in nodes if one.name and one.name.value == name]
            if not nodes:
                raise GraphQLError(f"Unknown operation named '{name}'.")
        elif len(nodes) > 1:
            raise GraphQLError("Must provide operation name if query contains multiple operations.")
        elif not nodes:
            raise GraphQLError("Must provide an operation.")
        made = self._operations[name] = Operation(self._schema, self, nodes[0])
        return made


class Documents:
    """The documents of one schema."""

    def __init__(self, schema: GraphQLSchema, limits: Limits = DEFAULT) -> None:
        self._schema = schema
        self.limits = limits
        self._clients: OrderedDict[bytes, tuple[Document, int]] = OrderedDict()
        self._bytes = 0
        self._adapter: OrderedDict[int, Document] = OrderedDict()
        self._lifted = Bounded(MAX_DOCUMENTS)
        """Digest of a skeleton → which of its literals are lifted; (digest, kept literals) → its document."""

    async def find(self, text: str, *, hide_suggestions: bool = False) -> Document | list[GraphQLError]:
        """A client's document, or what is wrong with it. `hide_suggestions`: messages do not propose names."""
        if len(text) > self.limits.length:
            return [GraphQLError(f"The query is too long: at most {self.limits.length} characters are allowed.")]
        digest = _digest(text)
        known = self._clients.get(digest)
        if known is not None:
            self._clients.move_to_end(digest)
            return known[0]
        found = None if len(text) > LONG or _LARGE_NUMBER.search(text) else skeleton(text)
        same = self._same_but_values(digest, *found) if found is not None else None
        if same is not None:
            return same
        if len(text) > LONG:
            made = await asyncio.to_thread(self._make, text, digest, hide_suggestions)
        else:
            made = self._make(text, digest, hide_suggestions)
        if isinstance(made, Document):
            self._keep(digest, made, len(text))
            # Introspection runs without our variables: its texts stay as they are.
            if found is not None and not made.asks_for_schema:
                self._keep_lifted(made, *found)
        return made

    def _same_but_values(self, digest: bytes, marked: str, literals: tuple[Literal, ...]) -> Document | None:
        """The document of a text whose skeleton is known, with the values of this text."""
        place = _digest(marked)
        lifted = self._lifted.get(place)
        document = self._lifted.get((place, lifted.kept(literals))) if lifted is not None else None
        values = lifted.values(literals) if document is not None and lifted is not None else None
        return document.bound(digest, values) if document is not None and values is not None else None

    def _keep_lifted(self, document: Document, marked: str, literals: tuple[Literal, ...]) -> None:
        run, lifted = lift(self._schema, document.node, literals)
        if lifted.places:
            place = _digest(marked)
            self._lifted.put(place, lifted)
            self._lifted.put((place, lifted.kept(literals)), Document(self._schema, run))

    def of(self, node: DocumentNode) -> Document:
        """A document of the adapter, which a test has validated; the same object is made ready once."""
        known = self._adapter.get(id(node))
        if known is None:
            known = self._adapter[id(node)] = Document(self._schema, node)  # holds the node, so its id stays its own
            if len(self._adapter) > MAX_ADAPTER_DOCUMENTS:
                self._adapter.popitem(last=False)
        return known

    def _keep(self, digest: bytes, document: Document, size: int) -> None:
        self._clients[digest] = (document, size)
        self._bytes += size
        while len(self._clients) > MAX_DOCUMENTS or (self._bytes > MAX_BYTES and len(self._clients) > 1):
            _, (_, gone) = self._clients.popitem(last=False)
            self._bytes -= gone

    def _make(self, text: str, digest: bytes, hide_suggestions: bool) -> Document | list[GraphQLError]:
        try:
            node = parse(text, max_lexical_tokens=self.limits.tokens)
        except GraphQLError as error:
            return [error]
        except RecursionError:
            return [GraphQLError("The query is nested too deeply.")]
        try:
            errors = check(node, self.limits)
            if errors:
                return errors
            run, checked, constants = self._wide_numbers(node) if _LARGE_NUMBER.search(text) else (node, node, {})
            errors = validate(self._schema, checked, max_errors=MAX_ERRORS, hide_suggestions=hide_suggestions)
        except RecursionError:
            return [GraphQLError("The query is nested too deeply.")]
        return errors or Document(self._schema, run, digest=digest, constants=constants)

    def _wide_numbers(self, node: DocumentNode) -> tuple[DocumentNode, DocumentNode, dict[str, int]]:
        """Whole numbers beyond 32 bit where the schema says Int (spec 01 §15.5): to run, to validate, their values.

        graphql-core refuses them as literals, so they travel as variables that no client can name.
        """
        taken = _WideNumbers(None)
        types = TypeInfo(self._schema)
        taken.types = types
        run = visit(node, TypeInfoVisitor(types, taken))
        if not taken.values:
            return node, node, {}
        types = TypeInfo(self._schema)
        plain = _WideNumbers(types, replacement=IntValueNode(value="0"))
        return run, visit(node, TypeInfoVisitor(types, plain)), taken.values


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class _WideNumbers(Visitor):
    def __init__(self, types: TypeInfo | None, replacement: IntValueNode | None = None) -> None:
        super().__init__()
        self.types = types
        self.replacement = replacement
        self.values: dict[str, int] = {}

    def enter_int_value(self, node: IntValueNode, *_: Any) -> Any:
        wide = len(node.value) > LARGEST or not -(2**31) <= int(node.value) < 2**31
        return self._take(node) if wide else None

    def enter_string_value(self, node: StringValueNode, *_: Any) -> Any:
        return self._take(node) if _WIDE_TEXT.fullmatch(node.value) else None

    def _take(self, node: IntValueNode | StringValueNode) -> Any:
        assert self.types is not None
        type_ = self.types.get_input_type()
        if type_ is None or get_named_type(type_).name != "Int" or len(node.value) > LARGEST:
            return None
        name = f"0{len(self.values)}"  # not a name that can be written
        self.values[name] = int(node.value)
        return self.replacement or VariableNode(name=NameNode(value=name), loc=node.loc)


def _bare_arguments(schema: GraphQLSchema, operation: OperationDefinitionNode) -> tuple[tuple[str, str], ...] | None:
    root, node = schema.get_root_type(operation.operation), operation.selection_set.selections[0]
    assert isinstance(node, FieldNode)
    field = root.fields.get(node.name.value) if root is not None else None
    if field is None:
        return None
    given, declared = node.arguments or (), operation.variable_definitions or ()
    variables = {one.name.value: one.value.name.value for one in given if isinstance(one.value, VariableNode)}
    never_null = {one.variable.name.value for one in declared if isinstance(one.type, NonNullTypeNode)}
    for name, one in field.args.items():
        required = isinstance(one.type, GraphQLNonNull) and variables.get(name) not in never_null
        if required or coerce_default_value(one) is not Undefined:
            return None
    if len(variables) < len(given):
        return None
    return tuple((field.args[name].out_name or name, variable) for name, variable in variables.items())


def _roots(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> set[str]:
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [selections]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                found.add(node.name.value)
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                if node.name.value in fragments:
                    waiting.append(fragments[node.name.value].selection_set)
    return found

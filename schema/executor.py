"""In charge of splicing: values that resolvers have shaped completely go into the result as they are.

graphql-core completes every leaf by itself, 4 to 5 µs each; a list of 1000 rows costs 80 ms so, and about one
millisecond spliced. And it looks at every argument that a field may have, which costs a list as much as its filter;
where all arguments are variables, their values are taken as they were coerced. Everything else of the executor stays
as it is: aliases, partial errors, `__typename`, introspection, serial mutations. Tied to graphql-core 3.3 by the
signatures of two methods; a test fails when they change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphql import Executor

from resolvers.context import Spliced

if TYPE_CHECKING:
    from graphql import GraphQLObjectType, GraphQLOutputType, GraphQLResolveInfo
    from graphql.pyutils import AwaitableOrValue, Path


class SplicingExecutor(Executor[Any]):
    """Pass it as `execution_context_class` to Ariadne, as `executor_class` to graphql-core."""

    bare_arguments: Sequence[tuple[str, str]] | None = None
    """`Operation.arguments`, where it is the operation's one root field that is executed."""

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: Any,
        path: Path,
        position_context: Any,
    ) -> AwaitableOrValue[Any]:
        """The root field with the values of variables, everything else as the specification of GraphQL says."""
        field = parent_type.fields.get(field_details_list[0].node.name.value)
        if self.bare_arguments is None or path.prev is not None or field is None or field.resolve is None:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        info = self.build_resolve_info(field, [one.node for one in field_details_list], parent_type, path)
        values = self.variable_values.coerced
        arguments = {name: values[variable] for name, variable in self.bare_arguments if variable in values}
        called = self._called(field.resolve, source, info, arguments)
        return self.complete_awaitable_value(field.type, field_details_list, info, path, called, position_context)

    async def _called(self, resolve: Any, source: Any, info: Any, arguments: Mapping[str, Any]) -> Any:
        found = resolve(source, info, **arguments)
        return await found if self.is_awaitable(found) else found

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> AwaitableOrValue[Any]:
        """The value of a `Spliced` untouched, everything else as the specification of GraphQL says."""
        if type(result) is Spliced:
            return result.value
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

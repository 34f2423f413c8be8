"""In charge of running the groups of a change: values are completed with keys as these come to be. Decides nothing.

How the rows of a many-row INSERT get their keys back: docs/decisions/0007-generated-keys.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Collection as Sized
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.catalog.model import Collection
from core.db.gateway import Connection
from core.errors import Unprocessable
from core.sql.write import columns_of, step
from core.write.change import Node, Rows, Stored, same
from core.write.load import by_keys, chunks
from core.write.order import Group, Target
from core.write.statements import Statements

Values = Mapping[str, Any]

# What an INSERT gives back of each row.
ALL, KEY, NOTHING = "all", "key", "nothing"


@dataclass(slots=True)
class Run:
    """A change under way. `keys`: of each node; `before` and `after`: its row as stored, where there was or is one.

    `whole`: somebody wants to see the rows after the change (history, events).
    """

    connection: Connection
    statements: Statements
    nodes: tuple[Node, ...]
    values: list[dict[str, Any]]
    rows: Rows
    whole: bool = True
    keys: list[Any] = field(default_factory=list)
    before: dict[int, Values] = field(default_factory=dict)
    after: dict[int, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = [node.key for node in self.nodes]
        for node in self.nodes:
            if node.verb == "create":
                self.keys[node.index] = self.values[node.index].get(node.collection.primary_key or "")
                continue
            stored = self.rows.get(node.collection, node.key)
            if stored is not None:
                self.before[node.index] = stored.values
                # The key as the database has it: "ABC" may have been addressed as "abc"
                self.keys[node.index] = plain_key(stored.values[node.collection.primary_key or ""])

    async def group(self, group: Group) -> None:
        """Run one group."""
        match group.verb:
            case "create":
                await self._create(group)
            case "update":
                await self._update(group)
            case "delete":
                await self._delete(group)
        if group.verb != "delete":
            for target in group.targets:
                for index in target.nodes:
                    row = self.rows.get(group.collection, self.keys[index])
                    if row is not None:
                        self.after[index] = row.values

    def row(self, target: Target) -> dict[str, Any]:
        """The values of a row: each node's own, the keys of what it refers to, and of its parent."""
        found: dict[str, Any] = {}
        for index in target.nodes:
            node = self.nodes[index]
            found.update(self.values[index])
            found.update((name, self.keys[other]) for name, other in node.refers.items())
            if node.link is not None and node.parent is not None:
                found[node.link] = self.keys[node.parent.index]
        return found

    async def _create(self, group: Group) -> None:
        rows = Made(group.targets, self.row)
        gives = ALL if self.whole else KEY
        await self._advance(group, rows)
        made = await insert(self.connection, self.statements, group.collection, group.columns, rows, gives=gives)
        for target, row in zip(group.targets, made, strict=True):
            self.rows.put(group.collection, row)
            for index in target.nodes:
                self.keys[index] = plain_key(row.values[group.collection.primary_key or ""])

    async def _advance(self, group: Group, rows: Sized[Values]) -> None:
        """Keys that were sent must not be generated later."""
        key = group.collection.primary_key or ""
        column = group.collection.fields[key].column
        if self.connection.dialect != "postgres" or key not in group.columns:
            return
        if column is not None and column.auto_increment and (statement := self.statements.advance(group.collection)):
            highest = max(int(row[key]) for row in rows)
            await self.connection.rows(*statement.bind([highest], {}))

    async def _update(self, group: Group) -> None:
        collection, columns = group.collection, group.columns
        rows = [self.row(target) for target in group.targets]
        keys = [self.keys[target.nodes[-1]] for target in group.targets]
        cells = [tuple(row[name] for name in columns) for row in rows]
        returned: list[Sequence[Any]] = []
        if all(_same_cells(cell, cells[0]) for cell in cells):
            one = len(keys) == 1
            statement = self.statements.update_all(collection, columns, one=one)
            for chunk in chunks(keys, self.statements.dialect):
                text, bound = statement.bind([*cells[0], chunk[0] if one else chunk], {})
                returned.extend(await run(self.connection, text, bound))
        else:
            many = self.statements.update_each(collection, columns)
            for text, arguments, _ in many.runs([(key, *cell) for key, cell in zip(keys, cells, strict=True)]):
                returned.extend(await run(self.connection, text, arguments))
        names = [column.name for column in columns_of(collection)]
        for one_row in returned:
            self.rows.put(collection, Stored(dict(zip(names, one_row, strict=True))))

    async def _delete(self, group: Group) -> None:
        stored = [target for target in group.targets if self.nodes[target.nodes[0]].verb != "create"]
        if stored:
            keys = [self.keys[target.nodes[-1]] for target in stored]
            await delete(self.connection, self.statements, group.collection, keys)

    async def settle(self) -> None:
        """MySQL gives no rows back: what was written is read once a collection, when all is written."""
        if self.connection.dialect != "mysql" or not self.whole:
            return
        written: dict[str, tuple[Collection, dict[Any, Any]]] = {}
        for node in self.nodes:
            if node.verb != "delete" and not node.empty:
                keys = written.setdefault(node.collection.name, (node.collection, {}))[1]
                keys[same(node.collection, self.keys[node.index])] = self.keys[node.index]
        for collection, keys in written.values():
            for row in await by_keys(self.connection, self.statements, collection, list(keys.values())):
                self.rows.put(collection, row)
        for node in self.nodes:
            row_now = self.rows.get(node.collection, self.keys[node.index])
            if node.verb != "delete" and not node.empty and row_now is not None:
                self.after[node.index] = row_now.values


@dataclass(frozen=True, slots=True)
class Made(Sized[Values]):
    """Rows that are made of something smaller each time they are gone through, so that they are never all there."""

    of: Sequence[Any]
    make: Callable[[Any], Values]

    def __len__(self) -> int:
        return len(self.of)

    def __iter__(self) -> Iterator[Values]:
        return map(self.make, self.of)

    def __contains__(self, row: object) -> bool:
        return any(row == one for one in self)


def _same_cells(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Equal to the type: 1, 1.0 and True are three values."""
    return one == other and all(type(a) is type(b) for a, b in zip(one, other, strict=True))


async def run(connection: Connection, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """Run a write; the rows that it gives back, none on MySQL."""
    if connection.dialect == "mysql":
        await connection.execute(text, arguments)
        return ()
    return await connection.rows(text, arguments)


async def delete(connection: Connection, statements: Statements, collection: Collection, keys: Sequence[Any]) -> None:
    """Delete rows by key."""
    one = len(keys) == 1
    statement = statements.delete(collection, one=one)
    for chunk in chunks(keys, statements.dialect):
        await connection.execute(*statement.bind([chunk[0] if one else chunk], {}))


async def insert(
    connection: Connection,
    statements: Statements,
    collection: Collection,
    columns: tuple[str, ...],
    rows: Sized[Values],
    *,
    gives: str = ALL,
) -> list[Stored]:
    """Insert rows that share a set of columns; they come back in the order given, with what `gives` says.

    `rows` are gone through once. MySQL gives the keys at most.

    Raises Unprocessable when the database makes keys in a way that cannot be followed.
    """
    key = collection.primary_key or ""
    column = collection.fields[key].column
    generated = key not in columns
    counted = column is not None and column.auto_increment
    if generated and not counted and gives != NOTHING:
        if connection.dialect == "mysql":
            raise Unprocessable(f"Payload must include the primary key: {key}")
        if len(rows) > 1:  # a key by default expression has no order, so the rows go one by one
            return [(await insert(connection, statements, collection, columns, [row], gives=gives))[0] for row in rows]
    statement = statements.insert(collection, columns, many=len(rows) > 1, gives=gives)
    sent: list[Any] = []
    found: list[Stored] = []
    for text, arguments, count in statement.runs(_cells(rows, columns, None if generated else key, sent)):
        keys = sent[:count]
        del sent[:count]  # a row of the next statement may have been looked at
        if gives == NOTHING:
            await connection.execute(text, arguments)
        elif connection.dialect == "mysql":
            found.extend(await _insert_mysql(connection, key, text, arguments, count, keys))
        else:
            names = [item.name for item in columns_of(collection)] if gives == ALL else [key]
            returned = [Stored(dict(zip(names, row, strict=True))) for row in await connection.rows(text, arguments)]
            found.extend(_matched(collection, keys, returned, generated))
    return found


def _cells(
    rows: Sized[Values], columns: tuple[str, ...], key: str | None, sent: list[Any]
) -> Iterator[tuple[Any, ...]]:
    """The rows as tuples, made when they are asked for; the keys that they bring are noted in `sent`."""
    for row in rows:
        if key is not None:
            sent.append(row[key])
        yield tuple([row[name] for name in columns])


def _matched(collection: Collection, sent: list[Any], returned: list[Stored], generated: bool) -> list[Stored]:
    """Rows as they came back, in the order in which they were given: generated keys ascend in that order."""
    key = collection.primary_key or ""
    if generated:
        return sorted(returned, key=lambda row: row.values[key])
    by_key = {same(collection, row.values[key]): row for row in returned}
    # A key that the column changes on its way in (padding) is found by its place, which is right for a single row
    return [by_key.get(same(collection, one)) or returned[number] for number, one in enumerate(sent)]


async def _insert_mysql(
    connection: Connection,
    key: str,
    text: str,
    arguments: Sequence[Any],
    count: int,
    sent: list[Any],
) -> list[Stored]:
    """MySQL tells the first key of a statement; the others follow in steps, because their number is known to it."""
    result = await connection.execute(text, arguments)
    if sent:
        return [Stored({key: one}) for one in sent]
    first = int(result.key or 0)
    asked = step(connection.dialect) if count > 1 else None
    distance = int(await connection.value(asked)) if asked else 1
    return [Stored({key: first + number * distance}) for number in range(count)]


def plain_key(value: Any) -> Any:
    """A key as the driver gave it → canonical."""
    return str(value) if isinstance(value, UUID) else value

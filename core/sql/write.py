"""In charge of the statements that change rows, built with SQLAlchemy and compiled to text once per shape. Pure.

A shape is (collection, columns set, one row or many). The text of a many-row statement does not depend on the number
of rows on PostgreSQL (one array parameter a column); on SQLite and MySQL a piece of the compiled text is repeated, cut
at the limit of parameters. How generated keys find their rows: docs/decisions/0007-generated-keys.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement

from core.catalog.model import Collection, Column, Snapshot
from core.query.predicate import Param, Predicate
from core.sql.compile import Binds, Prepared, compile_statement, prepare
from core.sql.dialect import array_type, dialect
from core.sql.predicates import ZERO, Renderer
from core.sql.tables import Native, readable, table, type_of
from core.types.bind import binder

# No identifier can hold U+0000, so it marks the place of the repeated piece in a compiled text.
MARK = "\x00"
ROWS = "tabularium_rows"
ONE: ColumnElement[Any] = sa.literal_column("1")

# MySQL evaluates a CASE over n rows n times, and its packet is limited: cut before either hurts.
MOST_CASES = 500
MOST_BYTES = 4_000_000

Row = Sequence[Any]
Run = tuple[str, Sequence[Any], int]
"""Text, arguments, and how many rows it covers."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text before the place, the text for one row, what goes between two, and which values of the row it takes."""

    before: str
    text: str
    separator: str
    takes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Many:
    """A statement over rows of values. Without pieces every column travels as one array."""

    converts: tuple[Callable[[Any], Any] | None, ...]
    pieces: tuple[Piece, ...]
    after: str
    most_rows: int
    most_bytes: int | None = None

    def runs(self, rows: Iterable[Row]) -> Iterator[Run]:
        """The statements for the rows, in their order: one, unless a limit of the database cuts them.

        Rows are taken as they are needed: a generator of many is never held whole beside its statement.
        """
        bound = (
            [value if value is None or convert is None else convert(value) for convert, value in zip_row]
            for zip_row in (zip(self.converts, row, strict=True) for row in rows)
        )
        if not self.pieces:
            columns: list[list[Any]] = [[] for _ in self.converts]
            for row in bound:
                for column, value in zip(columns, row, strict=True):
                    column.append(value)
            yield self.after, columns, len(columns[0])
            return
        for chunk in self._chunks(bound):
            arguments: list[Any] = []
            text = ""
            for piece in self.pieces:
                text += piece.before + piece.separator.join([piece.text] * len(chunk))
                for row in chunk:
                    arguments.extend(row[index] for index in piece.takes)
            yield text + self.after, arguments, len(chunk)

    def _chunks(self, rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
        if self.most_bytes is None:
            while taken := list(islice(rows, self.most_rows)):
                yield taken
            return
        chunk: list[list[Any]] = []
        size = 0
        for row in rows:
            weight = sum(len(value) for value in row if isinstance(value, str | bytes))
            if chunk and (len(chunk) >= self.most_rows or size + weight > self.most_bytes):
                yield chunk
                chunk, size = [], 0
            chunk.append(row)
            size += weight
        if chunk:
            yield chunk


def columns_of(collection: Collection) -> list[Column]:
    """The columns in table order: the order of every row that these statements give back."""
    return [field.column for field in collection.fields.values() if field.column is not None]


def insert(collection: Collection, columns: tuple[str, ...], name: str, *, many: bool, gives: str = "all") -> Many:
    """INSERT of rows of values of `columns` (none: a row of defaults, given as an empty tuple).

    `gives`: "all" columns of each row come back, the "key" or "nothing"; in no order that may be relied on, and never
    anything on MySQL.
    """
    target = table(collection, name)
    models = [_model(collection, column) for column in columns]
    statement: Any = sa.insert(target)
    returned = _returned(target, collection, name)
    if gives != "all":
        returned = [target.c[collection.primary_key or ""].label("c0")] if gives == "key" and returned else []
    if not columns:
        return _insert_defaults(collection, target, name, returned)
    if name == "postgres" and many:
        source = _arrays(models)
        values = [_cast(source.c[f"c{index}"], model, name) for index, model in enumerate(models)]
        chosen = sa.select(*values).order_by(source.c.n)
        filled = statement.from_select(list(columns), chosen)
        compiled = compile_statement(filled.returning(*returned) if returned else filled, name)
        return Many(_converts(models, name), (), compiled.text, 0)
    marked = statement.from_select(list(columns), sa.text(MARK).columns(*map(sa.column, columns)))
    before, after = compile_statement(marked.returning(*returned) if returned else marked, name).text.split(MARK)
    piece = Piece(before + "VALUES ", _tuple(models, name), ", ", tuple(range(len(models))))
    return Many(_converts(models, name), (piece,), after, *_limits(name, len(models)))


def _insert_defaults(collection: Collection, target: Any, name: str, returned: list[Any]) -> Many:
    """Rows of defaults: the key alone, left to the database (NULL is no default on PostgreSQL)."""
    key = [collection.primary_key or ""]
    marked = sa.insert(target).from_select(key, sa.text(MARK).columns(sa.column(key[0])))
    before, after = compile_statement(marked.returning(*returned) if returned else marked, name).text.split(MARK)
    word = "(DEFAULT)" if name == "postgres" else "(NULL)"
    return Many((), (Piece(before + "VALUES ", word, ", ", ()),), after, 10_000)


def update_each(collection: Collection, columns: tuple[str, ...], name: str) -> Many:
    """UPDATE of rows by key, each with values of its own: rows are (key, *values). Gives back as `insert`."""
    target = table(collection, name)
    key = _model(collection, collection.primary_key or "")
    models = [key, *(_model(collection, column) for column in columns)]
    if name == "mysql":
        return _update_cases(target, models)
    if name == "postgres":
        source = _arrays(models)
        names = [f"c{index}" for index in range(len(models))]
    else:
        names = [f"column{index + 1}" for index in range(len(models))]
        source = sa.text(MARK).columns(*map(sa.column, names)).subquery(ROWS)
    cells = [_cast(source.c[item], model, name) for item, model in zip(names, models, strict=True)]
    statement = (
        sa.update(target)
        .values({target.c[column]: cell for column, cell in zip(columns, cells[1:], strict=True)})
        .where(target.c[key.name] == cells[0])
        .returning(*_returned(target, collection, name))
    )
    text = compile_statement(statement, name).text
    if name == "postgres":
        return Many(_converts(models, name), (), text, 0)
    before, after = text.split(MARK)
    piece = Piece(before + "VALUES ", _tuple(models, name), ", ", tuple(range(len(models))))
    return Many(_converts(models, name), (piece,), after, *_limits(name, len(models)))


def _update_cases(target: Any, models: list[Column]) -> Many:
    """MySQL: SET column = CASE key WHEN … THEN … END. A derived table would lose their collation."""
    marks: dict[Any, Any] = {
        target.c[model.name]: sa.literal_column(f"{MARK}{index}") for index, model in enumerate(models) if index
    }
    statement = sa.update(target).values(marks).where(target.c[models[0].name].in_(sa.text(MARK)))
    parts = compile_statement(statement, "mysql").text.split(MARK)
    key = str(compile_statement(target.c[models[0].name], "mysql").text)
    pieces: list[Piece] = []
    before = parts[0]
    for index, part in enumerate(parts[1:-1], start=1):
        pieces.append(Piece(f"{before}CASE {key} ", "WHEN %s THEN %s", " ", (0, index)))
        before = f" END{part.removeprefix(str(index))}"
    pieces.append(Piece(before, "%s", ", ", (0,)))
    return Many(_converts(models, "mysql"), tuple(pieces), parts[-1], MOST_CASES, MOST_BYTES)


def update_all(collection: Collection, columns: tuple[str, ...], name: str, *, one: bool) -> Prepared:
    """UPDATE of rows by key, all with the same values: Params are the values, then the key or the list of keys."""
    target = table(collection, name)
    binds = Binds(name)
    values = {
        target.c[column]: _bound(binds, Param(index), _model(collection, column))
        for index, column in enumerate(columns)
    }
    statement: Any = sa.update(target).values(values)
    statement = statement.where(_keys(target, collection, binds, len(columns), one))
    returned = _returned(target, collection, name)
    return prepare(statement.returning(*returned) if returned else statement, binds)


def delete(collection: Collection, name: str, *, one: bool) -> Prepared:
    """DELETE by key: the Param is the key or the list of keys."""
    target = table(collection, name)
    binds = Binds(name)
    return prepare(sa.delete(target).where(_keys(target, collection, binds, 0, one)), binds)


def select(
    snapshot: Snapshot,
    collection: Collection,
    *,
    one: bool,
    lock: bool,
    owner: str | None = None,
    asks: Sequence[Predicate] = (),
) -> Prepared:
    """All columns of the rows of some keys, locked until the transaction ends if `lock`; the Param is as in `delete`.

    `owner`: a column with ids of users; the role of that user comes as one more column. `asks`: conditions; whether
    each is true of the row comes at the end.
    """
    name = snapshot.dialect
    target = table(collection, name)
    binds = Binds(name)
    columns = _labelled(target, collection, name)
    if owner is not None:
        users = sa.table("directus_users", sa.column("id", sa.Integer()), sa.column("role", sa.Integer())).alias("ou")
        role = sa.select(users.c.role).where(users.c.id == target.c[owner]).scalar_subquery()
        columns.append(role.label(f"c{len(columns)}"))
    columns += _verdicts(snapshot, collection, target, binds, asks, len(columns))
    key = target.c[collection.primary_key or ""]
    statement = sa.select(*columns).select_from(target).where(_keys(target, collection, binds, 0, one))
    if lock:
        # One order of locking for all writers: they wait for each other instead of deadlocking
        statement = statement.order_by(key).with_for_update(of=target if name == "postgres" else None)
    return prepare(statement, binds)


def verdicts(snapshot: Snapshot, collection: Collection, asks: Sequence[Predicate]) -> Prepared:
    """Key, and whether each of some conditions is true, of the rows of a list of keys (the Param)."""
    name = snapshot.dialect
    target = table(collection, name)
    binds = Binds(name)
    model = _model(collection, collection.primary_key or "")
    columns = [readable(target.c[model.name], model, name).label("c0")]
    columns += _verdicts(snapshot, collection, target, binds, asks, 1)
    return prepare(sa.select(*columns).select_from(target).where(_keys(target, collection, binds, 0, False)), binds)


def _verdicts(
    snapshot: Snapshot, collection: Collection, target: Any, binds: Binds, asks: Sequence[Predicate], first: int
) -> list[Any]:
    renderer = Renderer(snapshot, binds)
    found = []
    for number, part in enumerate(asks, first):
        true = sa.case((renderer.render(part, collection, target), ONE), else_=ZERO)
        found.append(true.label(f"c{number}"))
    return found


def select_where(
    collection: Collection, columns: tuple[str, ...], by: str, name: str, *, lock: bool = False
) -> Prepared:
    """Some columns of the rows whose column `by` is in a list (the Param), in the order of the key."""
    target = table(collection, name)
    binds = Binds(name)
    wanted = [
        readable(target.c[column], _model(collection, column), name).label(f"c{index}")
        for index, column in enumerate(columns)
    ]
    found = binds.member(target.c[by], Param(0), _model(collection, by))
    statement = sa.select(*wanted).where(found).order_by(target.c[collection.primary_key or by])
    return prepare(statement.with_for_update() if lock else statement, binds)


def delete_where(collection: Collection, by: str, name: str) -> Prepared:
    """DELETE of the rows whose column `by` is in a list (the Param)."""
    target = table(collection, name)
    binds = Binds(name)
    return prepare(sa.delete(target).where(binds.member(target.c[by], Param(0), _model(collection, by))), binds)


def clear_where(collection: Collection, by: str, name: str) -> Prepared:
    """Set column `by` to NULL in the rows where it is in a list (the Param)."""
    target = table(collection, name)
    binds = Binds(name)
    found = binds.member(target.c[by], Param(0), _model(collection, by))
    return prepare(sa.update(target).values({target.c[by]: sa.null()}).where(found), binds)


def step(name: str) -> str | None:
    """The distance between the keys that one INSERT generates, asked of the database; None: the keys come back."""
    return "SELECT @@auto_increment_increment" if name == "mysql" else None


def advance(collection: Collection, name: str) -> Prepared | None:
    """PostgreSQL: let the sequence of the key go on after a key that was sent (the Param); it does not by itself."""
    if name != "postgres":
        return None
    binds = Binds(name)
    key = _model(collection, collection.primary_key or "")
    quoted = dialect(name).sql.identifier_preparer.quote_identifier(collection.name)
    found = sa.func.pg_get_serial_sequence(sa.literal_column(_literal(quoted)), sa.literal_column(_literal(key.name)))
    sequence = sa.select(sa.cast(found, Native("regclass")).label("name")).subquery("s")
    sent = binds.plain(Param(0), sa.BigInteger())
    behind = sent > sa.func.coalesce(sa.func.pg_sequence_last_value(sequence.c.name), sa.literal_column("0"))
    statement = sa.select(sa.func.setval(sequence.c.name, sent)).where(sequence.c.name.is_not(None)).where(behind)
    return prepare(statement, binds)


# --- parts --------------------------------------------------------------------------------------------------------


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _model(collection: Collection, name: str) -> Column:
    column = collection.fields[name].column
    assert column is not None, f"{collection.name}.{name} has no column"
    return column


def _keys(target: Any, collection: Collection, binds: Binds, place: int, one: bool) -> ColumnElement[bool]:
    model = _model(collection, collection.primary_key or "")
    column = target.c[model.name]
    found: ColumnElement[bool]
    if one:
        found = column == binds.value(Param(place), model)
    else:
        found = binds.member(column, Param(place), model)
    return found


def _labelled(target: Any, collection: Collection, name: str) -> list[Any]:
    return [
        readable(target.c[model.name], model, name).label(f"c{index}")
        for index, model in enumerate(columns_of(collection))
    ]


def _returned(target: Any, collection: Collection, name: str) -> list[Any]:
    return [] if name == "mysql" else _labelled(target, collection, name)


def _converts(models: Sequence[Column], name: str) -> tuple[Callable[[Any], Any] | None, ...]:
    return tuple(binder(model, name) for model in models)


def _is_native(model: Column, name: str) -> bool:
    return name == "postgres" and isinstance(type_of(model, name), Native)


def _travels(model: Column, name: str) -> Any:
    """The type of a parameter: text for what only the database itself can read, which is then cast."""
    return sa.Text() if _is_native(model, name) else type_of(model, name)


def _cast(value: ColumnElement[Any], model: Column, name: str) -> ColumnElement[Any]:
    return sa.cast(value, type_of(model, name)) if _is_native(model, name) else value


def _bound(binds: Binds, source: Param, model: Column) -> ColumnElement[Any]:
    value = binds.value(source, model)
    if not _is_native(model, binds.dialect.name):
        return value
    return sa.cast(sa.bindparam(value.key, type_=sa.Text()), type_of(model, binds.dialect.name))


def _tuple(models: Sequence[Column], name: str) -> str:
    cells = [
        _cast(sa.bindparam(f"v{index}", type_=_travels(model, name)), model, name) for index, model in enumerate(models)
    ]
    text = ", ".join(compile_statement(cell, name).text for cell in cells)
    if name != "postgres":
        return f"({text})"
    # Each cell was compiled alone, so each calls itself $1
    for index in range(1, len(cells) + 1):
        text = text.replace("$1::", f"${MARK}{index}::", 1)
    return f"({text.replace(MARK, '')})"


def _arrays(models: Sequence[Column]) -> Any:
    """PostgreSQL: unnest of one array parameter a column, with the number of the row as `n`."""
    parameters = [
        sa.bindparam(f"v{index}", type_=array_type(_travels(model, "postgres"))) for index, model in enumerate(models)
    ]
    cells = [sa.column(f"c{index}", _travels(model, "postgres")) for index, model in enumerate(models)]
    return sa.func.unnest(*parameters).table_valued(*cells, with_ordinality="n").render_derived(name=ROWS)


def _limits(name: str, width: int) -> tuple[int, int | None]:
    most = max(1, dialect(name).max_parameters // max(1, width))
    return most, MOST_BYTES if name == "mysql" else None

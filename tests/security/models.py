"""In charge of random models of tables for the proofs about schema changes: every type, every attribute."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from core.catalog.change import ColumnSpec, Model, TableSpec

# Names that a careless quoting or formatting would trip over.
TABLES: Mapping[str, ColumnSpec] = {
    "articles": ColumnSpec("id", "INT", "11", signed=False, nullable=False, primary_key=True, auto_increment=True),
    "bad name": ColumnSpec("code", "VARCHAR", "20", nullable=False, primary_key=True),
    "per%cent": ColumnSpec("id", "BIGINT", signed=True, nullable=False, primary_key=True, auto_increment=True),
    "Größe": ColumnSpec("key", "INT", nullable=False, primary_key=True),
}
COLUMNS = ("title", "group", "a b", "100%s", "Straße", "x?:y", "$1")
TEXT = st.text(alphabet="ab'\"\\%?:é ", max_size=6)


def _integer(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(str)


# datatype → lengths, defaults
TYPES: Mapping[str, tuple[tuple[str | None, ...], st.SearchStrategy[str | None]]] = {
    "TINYINT": ((None, "4"), _integer(0, 100)),
    "SMALLINT": ((None,), _integer(0, 1000)),
    "MEDIUMINT": ((None,), _integer(0, 1000)),
    "INT": ((None, "11"), _integer(0, 100000)),
    "BIGINT": ((None, "20"), _integer(0, 10**12)),
    "DECIMAL": (("10,2", "5,1", "20,5"), st.sampled_from(["0", "1.5", "0.00", "12"])),
    "FLOAT": ((None,), st.sampled_from(["0", "1.5"])),
    "DOUBLE": ((None,), st.sampled_from(["0", "2.25"])),
    "CHAR": (("10", "36"), TEXT),
    "VARCHAR": (("10", "255"), TEXT),
    "TINYTEXT": ((None,), TEXT),
    "TEXT": ((None,), TEXT),
    "MEDIUMTEXT": ((None,), TEXT),
    "LONGTEXT": ((None,), TEXT),
    "DATE": ((None,), st.just("2020-02-03")),
    "TIME": ((None,), st.just("10:20:30")),
    "DATETIME": ((None,), st.sampled_from(["2020-02-03 10:20:30", "CURRENT_TIMESTAMP"])),
    "TIMESTAMP": ((None,), st.sampled_from(["2020-02-03 10:20:30", "CURRENT_TIMESTAMP"])),
    "BLOB": ((None,), st.none()),
    "VARBINARY": (("20",), st.none()),
    "BINARY": (("4",), st.none()),
    "BIT": (("3", "8"), _integer(0, 7)),
    "YEAR": ((None, "4"), st.none()),
    "ENUM": (("a,b,c", "'x','y''z'"), st.none()),
}
# A unique key over these would not fit the index of one database or the other.
NEVER_UNIQUE = frozenset({"TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT", "BLOB"})


@st.composite
def columns(draw: st.DrawFn, name: str, types: tuple[str, ...] = tuple(TYPES)) -> ColumnSpec:
    datatype = draw(st.sampled_from(types))
    lengths, defaults = TYPES[datatype]
    return ColumnSpec(
        name,
        draw(st.sampled_from([datatype, datatype.lower()])),
        draw(st.sampled_from(lengths)),
        type=draw(st.sampled_from(["boolean", "integer"])) if datatype == "TINYINT" else None,
        signed=draw(st.booleans()),
        nullable=draw(st.booleans()),
        default=draw(st.one_of(st.none(), defaults)),
        unique=datatype not in NEVER_UNIQUE and draw(st.booleans()),
        comment=draw(st.one_of(st.just(""), TEXT)),
    )


@st.composite
def tables(draw: st.DrawFn, name: str) -> TableSpec:
    names = draw(st.lists(st.sampled_from(COLUMNS), unique=True, max_size=5))
    found = [draw(columns(one)) for one in names]
    keyed = [one.name for one in found if one.datatype.upper() not in NEVER_UNIQUE]
    pairs = [(one, other) for one in keyed for other in keyed if one != other]
    uniques = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=1)) if pairs else []
    return TableSpec(name, (TABLES[name], *found), tuple(uniques))


@st.composite
def models(draw: st.DrawFn) -> Model:
    names = draw(st.lists(st.sampled_from(sorted(TABLES)), unique=True, max_size=3))
    return Model({name: draw(tables(name)) for name in names})

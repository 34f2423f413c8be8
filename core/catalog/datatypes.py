"""In charge of translating what a database says about a column into the vocabulary of spec 01 §4.3. Pure.

One function per dialect, from the words of its catalogue to a `Column`. Answers always name MySQL types, because
clients know no others. The way back, from a MySQL name to DDL, is `core.sql.ddl`.
"""

from __future__ import annotations

import re

from core.catalog.model import Column

# Digits of the widest value, as MySQL's numeric precision reports it (not the display width).
DIGITS = {"TINYINT": 3, "SMALLINT": 5, "MEDIUMINT": 7, "INT": 10, "YEAR": 4, "BIGINT": 19, "SERIAL": 20}
_INTEGERS = frozenset(DIGITS)
_TEXTS = frozenset({"CHAR", "VARCHAR", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT", "ENUM", "SET"})
_BINARIES = frozenset({"BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"})
_FAMILIES = {
    "BIGINT": "bigint", "SERIAL": "bigint", "DECIMAL": "decimal", "FLOAT": "float", "DOUBLE": "float", "BIT": "bit",
    "DATE": "date", "TIME": "time", "DATETIME": "datetime", "TIMESTAMP": "datetime", "JSON": "json",
}  # fmt: skip


def family(datatype: str) -> str:
    """The family of a MySQL type name; "other" for one that is not in the table of §4.3."""
    if datatype in _FAMILIES:
        return _FAMILIES[datatype]
    if datatype in _INTEGERS:
        return "integer"
    if datatype in _TEXTS:
        return "text"
    return "binary" if datatype in _BINARIES else "other"


def unquoted(text: str) -> str | None:
    """The value of an SQL string literal, or None when the text is not one."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        inner = text[1:-1]
        if text[0] not in inner.replace(text[0] * 2, ""):
            return inner.replace(text[0] * 2, text[0])
    return None


_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_BIT_LITERAL = re.compile(r"[bB]'([01]+)'")
_BOOLEANS = {"true": "1", "false": "0"}


def default_of(expression: str | None) -> tuple[str | None, bool]:
    """The text of a default as answered, and whether it is an expression instead of a literal value.

    Numbers and booleans stay text ("0", "1"); NULL and none are None.
    """
    if expression is None:
        return None, False
    text = expression.strip()
    while text.startswith("(") and text.endswith(")") and _balanced(text[1:-1]):
        text = text[1:-1].strip()
    if not text or text.upper() == "NULL":
        return None, False
    literal = unquoted(text)
    if literal is not None:
        return literal, False
    if _NUMBER.fullmatch(text):
        return text.removeprefix("+"), False
    if text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()], False
    if bits := _BIT_LITERAL.fullmatch(text):
        return str(int(bits[1], 2)), False
    return text, True


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


# MySQL and MariaDB

# MariaDB doubles the quote in defaults of CHAR and VARCHAR, and escapes it in those of TEXT.
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)
_QUOTED = re.compile(r"'((?:[^'\\]|\\.|'')*)'", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "0": "\0"}
_MYSQL_NAMES = {"INTEGER": "INT", "NUMERIC": "DECIMAL", "REAL": "DOUBLE", "DEC": "DECIMAL", "FIXED": "DECIMAL"}


def from_mysql(
    name: str,
    *,
    data_type: str,
    column_type: str,
    nullable: bool,
    default: str | None,
    extra: str = "",
    characters: int | None = None,
    precision: int | None = None,
    scale: int | None = None,
    collation: str | None = None,
    comment: str = "",
    generated: bool = False,
    quoted_default: bool = False,
    native_json: bool = True,
) -> Column:
    """A column by its row of information_schema.columns. `quoted_default`: MariaDB, which gives defaults as SQL."""
    datatype = _MYSQL_NAMES.get(data_type.upper(), data_type.upper())
    kind = {"TIMESTAMP": "datetimetz", "UUID": "uuid"}.get(datatype) or family(datatype)
    if datatype == "JSON" and not native_json:
        datatype, kind = "LONGTEXT", "text"
    value: str | None
    expression: bool
    if quoted_default:
        if default and (literal := _QUOTED.fullmatch(default)):
            value, expression = (
                _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]) if found[1] else "'", literal[1]),
                False,
            )
        else:
            value, expression = default_of(default)
    elif "DEFAULT_GENERATED" in extra.upper():
        value, expression = default, default is not None
    else:
        bits = _BIT_LITERAL.fullmatch(default) if default and kind == "bit" else None
        value, expression = (str(int(bits[1], 2)) if bits else default), False
        if kind in ("datetime", "datetimetz") and (value or "").upper().startswith("CURRENT_TIMESTAMP"):
            expression = True
    length = _mysql_length(datatype, kind, characters, precision, scale)
    if datatype == "UUID":
        datatype, length, characters = "CHAR", "36", 36
    automatic = "auto_increment" in extra.lower()
    return Column(
        name=name,
        datatype=datatype,
        family=kind,
        native=column_type,
        length=length,
        precision=precision if kind in ("integer", "bigint", "decimal", "bit") or scale is not None else None,
        scale=scale,
        characters=None if kind not in ("text", "uuid") or datatype == "LONGTEXT" else characters,
        nullable=nullable,
        default=value,
        has_default=value is not None or automatic or generated,
        default_is_expression=expression,
        auto_increment=automatic,
        generated=generated,
        signed="unsigned" not in column_type.lower(),
        comment=comment,
        nocase=bool(collation) and str(collation).endswith("_ci"),
    )


def _mysql_length(
    datatype: str, kind: str, characters: int | None, precision: int | None, scale: int | None
) -> str | None:
    if datatype in ("CHAR", "VARCHAR", "BINARY", "VARBINARY"):
        return None if characters is None else str(characters)
    if kind == "decimal" or (kind == "float" and scale is not None):
        return None if precision is None else f"{precision},{scale or 0}"
    if kind in ("integer", "bigint", "float", "bit"):
        return None if precision is None else str(precision)
    return None


# PostgreSQL

_POSTGRES = {
    "int2": ("SMALLINT", "integer", "5"), "int4": ("INT", "integer", "10"), "int8": ("BIGINT", "bigint", "20"),
    "bool": ("TINYINT", "boolean", "3"), "numeric": ("DECIMAL", "decimal", None), "float4": ("FLOAT", "float", None),
    "float8": ("DOUBLE", "float", None), "varchar": ("VARCHAR", "text", None), "bpchar": ("CHAR", "text", None),
    "text": ("TEXT", "text", None), "citext": ("TEXT", "text", None), "name": ("VARCHAR", "text", "63"),
    "date": ("DATE", "date", None), "time": ("TIME", "time", None), "timestamp": ("DATETIME", "datetime", None),
    "timestamptz": ("DATETIME", "datetimetz", None), "bytea": ("BLOB", "binary", None), "bit": ("BIT", "bit", None),
    "json": ("JSON", "json", None), "jsonb": ("JSON", "json", None), "uuid": ("CHAR", "uuid", "36"),
}  # fmt: skip
_CAST = re.compile(r"(.*)::[\w\s\".]+(?:\([\d,\s]*\))?(?:\[\])*", re.DOTALL)


def from_postgres(
    name: str,
    *,
    type_name: str,
    native: str,
    modifier: int = -1,
    is_enum: bool = False,
    nullable: bool = True,
    default: str | None = None,
    identity: str = "",
    generated: bool = False,
    nocase: bool = False,
    comment: str = "",
) -> Column:
    """A column by its row of pg_attribute. `type_name`, `modifier`: of the base type, where the type is a domain."""
    datatype, kind, length = _POSTGRES.get(
        type_name, ("VARCHAR", "other", "255") if is_enum else ("TEXT", "other", None)
    )
    precision = scale = characters = None
    if type_name in ("int2", "int4", "int8"):
        precision, scale = int(length or 0), 0
    elif type_name == "numeric" and modifier > 4:
        precision, scale = ((modifier - 4) >> 16) & 0xFFFF, (modifier - 4) & 0x7FF
        # Since version 15 the scale is a signed number of eleven bits.
        scale = scale - 0x800 if scale >= 0x400 else scale
        length = f"{precision},{scale}"
    elif type_name in ("varchar", "bpchar"):
        if modifier > 4:
            characters = modifier - 4
            length = str(characters)
        else:
            datatype = "TEXT"
    elif type_name == "bit":
        precision, length = modifier, str(modifier)
    elif type_name == "uuid":
        characters = 36
    automatic = bool(identity) or (default or "").startswith("nextval(")
    value, expression = (None, False) if automatic else default_of(_without_casts(default))
    return Column(
        name=name,
        datatype=datatype,
        family=kind,
        native=native,
        length=length,
        precision=precision,
        scale=scale,
        characters=characters,
        nullable=nullable,
        default=None if generated else value,
        has_default=value is not None or automatic or generated,
        default_is_expression=expression and not generated,
        auto_increment=automatic,
        # GENERATED ALWAYS AS IDENTITY refuses a value as a computed column does.
        generated=generated or identity == "a",
        comment=comment,
        nocase=nocase or type_name == "citext",
    )


def _without_casts(default: str | None) -> str | None:
    """`'draft'::character varying` → `'draft'`: the server writes the type of every literal behind it."""
    while default and (cast := _CAST.fullmatch(default)):
        inner = cast[1]
        if inner.startswith("(") and inner.endswith(")") and _balanced(inner[1:-1]):
            inner = inner[1:-1]
        if unquoted(inner) is None and not _NUMBER.fullmatch(inner) and inner.upper() != "NULL":
            return default
        default = inner
    return default


# SQLite

_DECLARED = re.compile(r"\s*([^()]*?)\s*(?:\(([^)]*)\)\s*(.*))?", re.DOTALL)
_SQLITE_NAMES = {
    "INTEGER": "INT", "INT2": "SMALLINT", "INT4": "INT", "INT8": "BIGINT", "BIG INT": "BIGINT", "SERIAL": "BIGINT",
    "BOOL": "BOOLEAN", "CHARACTER": "CHAR", "NCHAR": "CHAR", "NATIVE CHARACTER": "CHAR", "NVARCHAR": "VARCHAR",
    "VARYING CHARACTER": "VARCHAR", "CHARACTER VARYING": "VARCHAR", "VARCHAR2": "VARCHAR", "NVARCHAR2": "VARCHAR",
    "NTEXT": "TEXT", "CLOB": "TEXT", "STRING": "TEXT", "": "TEXT", "REAL": "DOUBLE", "DOUBLE PRECISION": "DOUBLE",
    "NUMERIC": "DECIMAL", "NUMBER": "DECIMAL", "DEC": "DECIMAL", "MONEY": "DECIMAL", "BINARY": "BLOB",
    "VARBINARY": "BLOB", "TINYBLOB": "BLOB", "MEDIUMBLOB": "BLOB", "LONGBLOB": "BLOB", "BYTEA": "BLOB",
    "JSONB": "JSON", "TIMESTAMPTZ": "DATETIME", "TIMESTAMP WITH TIME ZONE": "DATETIME",
    "TIMESTAMP WITHOUT TIME ZONE": "TIMESTAMP", "DATETIME2": "DATETIME",
}  # fmt: skip
_SQLITE_KNOWN = _INTEGERS | _TEXTS | frozenset(_FAMILIES) | {"BLOB", "BOOLEAN"}
# By the rules of SQLite's column affinity, in its order.
_AFFINITIES = (
    ("INT", "INT"), ("CHAR", "TEXT"), ("CLOB", "TEXT"), ("TEXT", "TEXT"), ("BLOB", "BLOB"),
    ("REAL", "DOUBLE"), ("FLOA", "DOUBLE"), ("DOUB", "DOUBLE"),
)  # fmt: skip


def from_sqlite(
    name: str,
    *,
    declared: str,
    nullable: bool = True,
    default: str | None = None,
    automatic: bool = False,
    generated: bool = False,
    nocase: bool = False,
) -> Column:
    """A column by the text of its declared type, which SQLite keeps as written and hardly looks at."""
    datatype, arguments, signed = _declared(declared)
    kind = family(datatype)
    length: str | None = None
    precision = scale = characters = None
    if datatype == "BOOLEAN":
        datatype, kind, length, precision, scale = "TINYINT", "boolean", "3", 3, 0
    elif kind in ("integer", "bigint"):
        precision, scale = DIGITS[datatype] + (datatype == "BIGINT" and not signed), 0
        length = str(precision)
    elif kind in ("decimal", "float") and arguments:
        precision, scale = arguments[0], arguments[1] if len(arguments) > 1 else 0
        length = f"{precision},{scale}" if kind == "decimal" or len(arguments) > 1 else str(precision)
    elif datatype in ("CHAR", "VARCHAR"):
        if arguments:
            characters, length = arguments[0], str(arguments[0])
        else:
            datatype = "TEXT"
    elif datatype == "BIT":
        precision = arguments[0] if arguments else 1
        length = str(precision)
    value, expression = default_of(default)
    return Column(
        name=name,
        datatype=datatype,
        family=kind,
        native=declared,
        length=length,
        precision=precision,
        scale=scale,
        characters=characters,
        nullable=nullable,
        default=None if generated else value,
        has_default=value is not None or automatic or generated,
        default_is_expression=expression and not generated,
        auto_increment=automatic,
        generated=generated,
        signed=signed,
        nocase=nocase,
    )


def _declared(text: str) -> tuple[str, tuple[int, ...], bool]:
    """MySQL name, numbers in parentheses, signed."""
    match = _DECLARED.fullmatch(text)
    words, inside, after = (match[1], match[2] or "", match[3] or "") if match else (text, "", "")
    name = " ".join(words.upper().split())
    signed = "UNSIGNED" not in f"{name} {after.upper()}".split()
    name = " ".join(word for word in name.split() if word not in ("UNSIGNED", "SIGNED", "ZEROFILL"))
    if name in ("UUID", "GUID", "UNIQUEIDENTIFIER"):
        return "CHAR", (36,), True
    if name in ("ENUM", "SET"):
        return "VARCHAR", (255,), True
    name = _SQLITE_NAMES.get(name, name)
    if name not in _SQLITE_KNOWN:
        name = next((known for part, known in _AFFINITIES if part in name), "TEXT")
    return name, tuple(int(part) for part in inside.split(",") if part.strip().isdigit()), signed

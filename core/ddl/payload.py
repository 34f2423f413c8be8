"""In charge of what a request says of a field or a name, checked by itself (spec 01 §4.1, 4.2, 6.3, 7.3). Pure.

Nothing here knows what is there already; `core.ddl.columns` brings both together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

from core.catalog import datatypes, derive
from core.catalog.change import ColumnSpec
from core.catalog.model import ALIAS_TYPES, SYSTEM_PREFIX, Field
from core.catalog.settle import (
    BINARIES,
    BLOBS,
    CHARACTERS,
    DATATYPES,
    DATES,
    DECIMALS,
    INTEGERS,
    LISTS,
    NUMERIC,
    TEXTS,
    is_now,
    quoted,
    values_of,
)
from core.errors import (
    LengthMissing,
    LengthNotSupported,
    Problem,
    UnknownType,
    Unprocessable,
    ValidationFailed,
)
from core.sql.ddl import column_type
from core.types.structured import csv_text, json_text, scalar_text
from core.types.write import BLANK, Refused, accept

STORED = (
    "field", "type", "interface", "options", "locked", "validation", "required", "readonly", "hidden_detail",
    "hidden_browse", "sort", "width", "group", "note", "translation",
)  # fmt: skip
"""The attributes that are columns of directus_fields."""
OF_THE_COLUMN = ("datatype", "length", "default_value", "primary_key", "auto_increment", "unique", "signed")
ATTRIBUTES = frozenset({*STORED, *OF_THE_COLUMN, "collection", "id"})
FLAGS = frozenset({"locked", "required", "readonly", "hidden_detail", "hidden_browse"})
ONE_EACH = ("owner", "user_updated", "status", "sort", "lang", "datetime_created", "datetime_updated")

LENGTH_REQUIRED = CHARACTERS | LISTS | DECIMALS | {"VARBINARY"}
LENGTH_ALLOWED = LENGTH_REQUIRED | NUMERIC | {"BINARY"}
# What databases agree on; within it one of them may still refuse.
_MOST = {"CHAR": 255, "BINARY": 255, "VARCHAR": 65_535, "VARBINARY": 65_535, "BIT": 64}

_NAME_CHARACTERS, _NAME_BYTES = 64, 63
_FORBIDDEN = frozenset("'\"`./\\,")

Payload = Mapping[str, Any]


# --- names --------------------------------------------------------------------------------------------------------


def collection_name(name: Any) -> str:
    """A name for a collection. Raises ValidationFailed (spec 01 §6.3, check 2)."""
    text = _name(name, "Invalid collection name")
    # SQLite and MySQL find a table whatever its case; SQLite keeps sqlite_ for itself.
    if text.lower().startswith((SYSTEM_PREFIX, "sqlite_")):
        raise ValidationFailed("Invalid collection name")
    return text


def field_name(name: Any) -> str:
    """A name for a field. Raises ValidationFailed."""
    return _name(name, "Invalid field name")


def _name(name: Any, message: str) -> str:
    if not isinstance(name, str) or not any(one.isascii() and one.isalnum() for one in name):
        raise ValidationFailed(message)
    bad = any(one in _FORBIDDEN or not one.isprintable() for one in name)
    if bad or name != name.strip() or len(name) > _NAME_CHARACTERS or len(name.encode()) > _NAME_BYTES:
        raise ValidationFailed(message)
    return name


# --- the payload --------------------------------------------------------------------------------------------------


def admit(payload: Payload, *, creating: bool) -> None:
    """What every payload of a field has to keep. Raises ValidationFailed, Unprocessable."""
    wanted = ("field", "type") if creating else ("field",)
    blank = [name for name in wanted if payload.get(name) in (None, "")]
    if not creating and "type" in payload and payload["type"] in (None, ""):
        blank.append("type")
    if blank:
        raise ValidationFailed.of(Problem((name,), BLANK) for name in blank)
    unknown = [name for name in payload if name not in ATTRIBUTES]
    if unknown:
        names = ", ".join(f'"{name}"' for name in unknown)
        raise Unprocessable(f'Payload fields: {names} does not exist in "directus_fields" collection.')


def known_type(payload: Payload) -> str:
    """The type as the server acts on it. Raises UnknownType."""
    sent = payload["type"]
    found = derive.known_type(sent) if isinstance(sent, str) else None
    if found is None:
        raise UnknownType(f"Unknown type: {sent}")
    return found


def is_alias(kind: str) -> bool:
    """Whether fields of the type have no column."""
    return kind in ALIAS_TYPES


def one_each(types: Iterable[str]) -> None:
    """Raises ValidationFailed when one request has two fields of a type that a collection has once (spec 01 §4.1)."""
    twice = [kind for kind, count in Counter(types).items() if count > 1 and kind in ONE_EACH]
    if twice:
        raise ValidationFailed(f"Only one system field permitted per table: {', '.join(twice)}")


def row(payload: Payload) -> dict[str, Any]:
    """What of a payload goes into directus_fields, in the form that a write of items takes."""
    found = {name: payload[name] for name in STORED if name in payload and name != "field"}
    if isinstance(found.get("type"), str) and found["type"].strip().lower() == "user_created":
        found["type"] = "owner"
    for name in FLAGS & found.keys():
        if found[name] is None:
            found[name] = False
    return found


def check_statuses(payload: Payload, column: ColumnSpec | None) -> None:
    """Raises Unprocessable for a status mapping that means nothing (spec 01 §4.4)."""
    options = payload.get("options")
    mapping = options.get("status_mapping") if isinstance(options, Mapping) else None
    if mapping is None:
        return
    if isinstance(mapping, str):
        mapping = derive.decoded(mapping)
    if not isinstance(mapping, Mapping):
        raise Unprocessable("status_mapping is an object keyed by the stored values")
    for key, entry in mapping.items():
        if not isinstance(entry, Mapping) or not entry.get("name"):
            raise Unprocessable(f'The status "{key}" needs a name')
        if column is not None and column.datatype.upper() in NUMERIC and not _is_number(key):
            raise Unprocessable(f'The status "{key}" is no number, as the field is')


def _is_number(text: Any) -> bool:
    try:
        int(text)
    except (TypeError, ValueError):
        return False
    return True


# --- the column ---------------------------------------------------------------------------------------------------


def new_column(payload: Payload, kind: str) -> ColumnSpec:
    """The column that a payload with type `kind` asks for (spec 01 §4.2).

    Raises Unprocessable, LengthMissing, LengthNotSupported.
    """
    name = payload["field"]
    datatype = datatype_of(payload)
    length = length_of(name, datatype, payload.get("length"))
    if length is None and kind == "integer" and datatype in INTEGERS:
        length = "11"
    key = derive.flag(payload.get("primary_key"))
    automatic = derive.flag(payload.get("auto_increment"))
    check_counting(name, datatype, key=key, automatic=automatic)
    spec = ColumnSpec(
        name=name,
        datatype=datatype,
        length=length,
        type=kind,
        signed=derive.flag(payload.get("signed")) or datatype not in INTEGERS,
        nullable=not (derive.flag(payload.get("required")) or key),
        default=None if automatic else default_of(payload.get("default_value"), datatype, kind),
        primary_key=key,
        auto_increment=automatic,
        unique=derive.flag(payload.get("unique")) and not key,
        comment=comment_of(payload.get("note")),
    )
    check_default(spec)
    return spec


def datatype_of(payload: Payload) -> str:
    """The datatype in upper case, known or not. Raises Unprocessable."""
    sent = payload.get("datatype")
    if not isinstance(sent, str) or not sent.strip():
        raise Unprocessable("datatype is required")
    return sent.strip().upper()


def length_of(name: str, datatype: str, sent: Any) -> str | None:
    """The length as text. Raises LengthMissing (402), LengthNotSupported (403), Unprocessable (unknown datatype)."""
    text = _length_text(sent, datatype)
    if not text:
        if datatype in LENGTH_REQUIRED:
            raise LengthMissing(f"Missing length for: {name}")
        if datatype not in DATATYPES:
            raise Unprocessable(f'"{datatype}" is not a datatype that a field can have')
        return None
    if datatype not in LENGTH_ALLOWED:
        raise LengthNotSupported(f'field "{name}" does not support length')
    if datatype in LISTS:
        return text
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts) or not _fits(datatype, parts):
        raise Unprocessable(f'"{text}" is not a length for field "{name}"')
    return ",".join(str(int(part)) for part in parts)


def _length_text(sent: Any, datatype: str) -> str:
    if sent is None or isinstance(sent, bool):
        return ""
    if isinstance(sent, Sequence) and not isinstance(sent, str):
        return ",".join(quoted(str(one)) if datatype in LISTS else str(one) for one in sent)
    if isinstance(sent, float) and sent.is_integer():
        sent = int(sent)
    return str(sent).strip()


def _fits(datatype: str, parts: list[str]) -> bool:
    numbers = [int(part) for part in parts]
    if datatype in DECIMALS:
        scale = numbers[1] if len(numbers) > 1 else 0
        return len(numbers) < 3 and 0 < numbers[0] <= 65 and scale <= min(30, numbers[0])
    if datatype in _MOST:
        return len(numbers) == 1 and 0 < numbers[0] <= _MOST[datatype]
    if datatype in INTEGERS:
        return len(numbers) == 1 and numbers[0] <= 255
    if len(numbers) == 2:  # FLOAT and DOUBLE
        return numbers[1] <= min(30, numbers[0]) and numbers[0] <= 255
    return len(numbers) == 1 and numbers[0] <= 53


def check_counting(name: str, datatype: str, *, key: bool, automatic: bool) -> None:
    """Raises Unprocessable where the database could not count."""
    if automatic and not (key and datatype in INTEGERS - {"YEAR"}):
        raise Unprocessable(f'Field "{name}" must be an integer and the primary key to be auto incremented')


def comment_of(note: Any) -> str:
    """The comment of a column."""
    return note.replace("\x00", "") if isinstance(note, str) else ""


def default_of(sent: Any, datatype: str, kind: str) -> str | None:
    """The text of a default (spec 01 §4.2): false is 0. Raises Unprocessable."""
    if sent is None:
        return None
    if isinstance(sent, bool):
        return str(int(sent))
    if isinstance(sent, Mapping) or (isinstance(sent, Sequence) and not isinstance(sent, str)):
        found = csv_text(list(sent)) if kind == "array" and not isinstance(sent, Mapping) else json_text(sent)
        if found is None or kind not in ("array", "json"):
            raise Unprocessable("default_value is no value of the field")
        return found
    text = sent if isinstance(sent, str) else scalar_text(sent)
    if text == "" and datatype not in CHARACTERS | TEXTS | LISTS:
        return None  # the form of an app that knows nothing else than texts
    return _plain_date(text, datatype)


def check_default(spec: ColumnSpec) -> None:
    """Raises Unprocessable when no row could take the default."""
    value, datatype = spec.default, spec.datatype
    if value is None or spec.expression or (datatype in ("DATETIME", "TIMESTAMP") and is_now(value)):
        return
    if datatype in BLOBS | BINARIES:
        raise Unprocessable(f'Field "{spec.name}" cannot have a default value')
    if datatype in LISTS:
        values = values_of(spec.length or "")
        parts = value.split(",") if datatype == "SET" else [value]
        good = all(part in values for part in parts)
    else:
        good = _accepted(spec, value)
    if not good:
        raise Unprocessable(f'"{value}" is not a default value for field "{spec.name}"')


def _accepted(spec: ColumnSpec, value: str) -> bool:
    # SQLite keeps the words of a type, so that they tell what every database makes of it.
    declared = column_type(spec, "sqlite").strip('"')
    column = datatypes.from_sqlite(spec.name, declared=declared)
    boolean = (spec.type or "").lower() == "boolean"
    field = Field("", spec.name, "boolean" if boolean else derive.column_type(column), column)
    try:
        accept(field, value, dialect="mysql", system=True, zone=UTC)
    except Refused:
        return False
    return True


def _plain_date(value: str, datatype: str) -> str:
    """A date or time that was given in ISO 8601, as answers give it, in the form that columns hold; others as sent."""
    if datatype not in DATES or is_now(value):
        return value
    column = datatypes.from_sqlite("x", declared=datatype)
    try:
        found = accept(Field("", "x", derive.column_type(column), column), value, dialect="mysql", system=True)
    except Refused:
        return value
    return str(found)

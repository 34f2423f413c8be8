"""In charge of which form of a stored value an answer gets: that of REST, or that of a GraphQL type. Pure.

The forms of REST are in `rest`; those of GraphQL types (spec 01 §15.5–15.7) are made from them here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core.catalog.model import Field
from core.types import numbers, rest, structured
from core.types.kinds import DATE_TYPES, column_of
from core.types.rest import Encode


def encoder(name: str, field: Field, dialect: str, *, system: bool) -> tuple[Encode | None, Any]:
    """How the field's column is shown: a function for driver values (None: as they are), and what NULL becomes.

    `name`: one of ENCODERS. "row" is the REST form (spec 03 §8.2, 8.3); the others are those of GraphQL types (spec
    01 §15.5–15.7). `system`: the field belongs to a system collection. Raises KeyError for an unknown name. The list
    that stands for NULL is one object for all rows.
    """
    return ENCODERS[name](field, dialect, system), _null(name, field, system)


def of_column(encode: Encode | None) -> Callable[[Sequence[Any]], list[Any]] | None:
    """What does the same for many values at once, None among them, where that is worth it."""
    return None if encode is None else rest.COLUMNS.get(encode)


def _null(name: str, field: Field, system: bool) -> Any:
    if field.type == "boolean" and system:
        return {"row": False, "boolean": False, "int01": 0}.get(name)
    if name == "list" or (field.type == "array" and name in ("row", "json")):
        return []
    return None


# --- the typed forms ---------------------------------------------------------------------------------------------


def _string(field: Field, dialect: str, system: bool) -> Encode | None:
    """GraphQL String: text as it is, anything else as the text of its REST form."""
    column = column_of(field)
    if column.family == "decimal" and field.type != "boolean":
        return rest.exact
    convert = rest.row(field, dialect, system)
    if convert is None:
        return None if column.family in ("text", "json") else _dumped
    return lambda value: _dumped(convert(value))


def _dumped(value: Any) -> str | None:
    """Any REST value as text: JSON for lists and objects, `true`/`false`, numbers as PHP prints them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return structured.json_text(value)
    return numbers.text_of(value)


def _id(field: Field, dialect: str, system: bool) -> Encode | None:
    family = column_of(field).family
    if family in ("integer", "bigint", "uuid"):
        return str
    return _string(field, dialect, system)


def _int(field: Field, dialect: str, system: bool) -> Encode | None:
    """GraphQL Int. Beyond 53 bit it is decimal text (spec 01 §15.5); what is no whole number is null."""
    match column_of(field).family:
        case "integer" | "bigint":
            return rest.by_family(field, dialect)
        case "boolean":
            return int
        case "bit":
            return rest.bits
    return _whole


def _whole(value: Any) -> Any:
    found = numbers.integer(value)
    return None if found is None else rest.big(found)


def _float(field: Field, dialect: str, system: bool) -> Encode | None:
    match column_of(field).family:
        case "integer" | "bigint" | "decimal" | "float" | "bit":
            return rest.by_family(field, dialect)
        case "boolean":
            return int
    return rest.text_number


def _json(field: Field, dialect: str, system: bool) -> Encode | None:
    """GraphQL JSON: what is kept as JSON text decoded, whatever the field's type."""
    kept_as_text = column_of(field).family in ("text", "json")
    if kept_as_text and field.type not in ("array", "boolean") and field.type not in DATE_TYPES:
        return rest.json_value
    return rest.row(field, dialect, system)


def _list(field: Field, dialect: str, system: bool) -> Encode:
    return rest.json_list if field.type == "json" or column_of(field).family == "json" else rest.csv_list


def _json_text(field: Field, dialect: str, system: bool) -> Encode:
    return _valid_json


def _valid_json(value: Any) -> str | None:
    """Stored JSON text as it is, null when it is none."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return None if not text or (rest.json_value(text) is None and text.strip() != "null") else text


def _csv_text(field: Field, dialect: str, system: bool) -> Encode | None:
    if column_of(field).family == "json":
        return lambda value: structured.csv_text(rest.json_list(value))
    return None if column_of(field).family == "text" else rest.other


def _number_text(field: Field, dialect: str, system: bool) -> Encode:
    family = column_of(field).family
    if family == "bit":
        return lambda value: _dumped(rest.bits(value))
    if family == "boolean":
        return lambda value: str(int(value))
    return str if family in ("integer", "bigint") else rest.exact


def _int01(field: Field, dialect: str, system: bool) -> Encode:
    convert = rest.boolean(field, dialect, system)
    return int if convert is None else lambda value: int(convert(value))


ENCODERS: dict[str, Callable[[Field, str, bool], Encode | None]] = {
    "row": rest.row,
    "id": _id,
    "int": _int,
    "float": _float,
    "boolean": rest.boolean,
    "string": _string,
    "datetime": rest.row,
    "date": rest.row,
    "time": rest.row,
    "json": _json,
    "list": _list,
    "json_text": _json_text,
    "csv_text": _csv_text,
    "number_text": _number_text,
    "int01": _int01,
}

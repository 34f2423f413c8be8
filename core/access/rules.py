"""In charge of what a permission row says beyond Directus 8: row rules, presets of writes, checks after writes. Pure.

They come as JSON: `rules` {read, update, delete: filter}, `presets` {create, update: values}, `checks` {create, update:
filter}. A filter is that of a client (spec 03 §5.2), as a map or as a list of conditions. What cannot be understood,
now or since a collection has changed, lets nothing through.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.catalog.model import Collection, Field, Snapshot, ToOne
from core.context import Actor
from core.errors import TabulariumError
from core.frozen import EMPTY
from core.query import variables
from core.query.filters import from_conditions
from core.query.maps import tests
from core.query.predicate import Predicate
from core.query.selection import Condition
from core.query.variables import UnknownVariable, Variable, variable
from core.types.cast import Uncastable
from core.types.write import Refused, accept

RULES, PRESETS, CHECKS = "rules", "presets", "checks"
MEMBERS: Mapping[str, tuple[str, ...]] = {
    RULES: ("read", "update", "delete"),
    PRESETS: ("create", "update"),
    CHECKS: ("create", "update"),
}
"""The columns, and the actions that each knows."""

WITHOUT = frozenset(
    {
        "directus_collections", "directus_fields", "directus_migrations", "directus_relations", "directus_settings",
        "directus_user_sessions",
    }
)  # fmt: skip
"""Collections that rules cannot limit: they are read as a whole, not row by row."""
MOST_CONDITIONS = 100
DEEPEST = 8
"""Levels of lists and maps in a rule."""


class Misunderstood(ValueError):
    """A rule, preset or check that means nothing; the text says why. `where`: the path to it in its column."""

    def __init__(self, message: str, *where: str) -> None:
        self.where = where
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Rule:
    """A filter as it is stored. `conditions` None: it cannot be read, so that no row fulfils it."""

    conditions: tuple[Condition, ...] | None = None


BROKEN = Rule()


@dataclass(frozen=True, slots=True)
class Extras:
    """What one permission row says beyond Directus 8, by action.

    `presets`: field → value as it is stored; None: they cannot be read, so that nothing may be written.
    """

    rules: Mapping[str, Rule] = field(default_factory=lambda: EMPTY)
    presets: Mapping[str, Mapping[str, Any] | None] = field(default_factory=lambda: EMPTY)
    checks: Mapping[str, Rule] = field(default_factory=lambda: EMPTY)


PLAIN = Extras()


# --- as stored ----------------------------------------------------------------------------------------------------


def stored(rules: Any, presets: Any, checks: Any) -> Extras:
    """The extras of a row from the texts of its columns; what is wrong in them is closed, not left out."""
    if not rules and not presets and not checks:
        return PLAIN
    return Extras(
        {action: _rule(value) for action, value in _column(RULES, rules)},
        {action: value if isinstance(value, Mapping) else None for action, value in _column(PRESETS, presets)},
        {action: _rule(value) for action, value in _column(CHECKS, checks)},
    )


def _column(name: str, text: Any) -> Iterator[tuple[str, Any]]:
    """Action and value, of those that say anything; of a column that cannot be read, every action with None."""
    try:
        value = decoded(text)
        acts(name, value)
    except Misunderstood:
        yield from ((action, None) for action in MEMBERS[name])
        return
    for action, one in (value or {}).items():
        if one not in (None, {}, []):
            yield action, one


def _rule(value: Any) -> Rule:
    try:
        return Rule(conditions(value))
    except Misunderstood:
        return BROKEN


def decoded(value: Any) -> Any:
    """What a column holds: JSON text, or its value. Raises Misunderstood."""
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value) if value else None
    except (ValueError, RecursionError):
        raise Misunderstood("This is not JSON.") from None


def acts(name: str, value: Any) -> None:
    """Raises Misunderstood unless the value of a column is a map of the actions that it knows, not nested too deep."""
    if value is None or value == []:
        return
    if not isinstance(value, Mapping):
        raise Misunderstood(f"This value should be a map of {', '.join(MEMBERS[name])}.")
    for action in value:
        if action not in MEMBERS[name]:
            raise Misunderstood(f'There are {name} of {", ".join(MEMBERS[name])} only, not of "{action}".')
    if _too_deep(value, DEEPEST):
        raise Misunderstood(f"Nested in more than {DEEPEST} levels.")


def _too_deep(value: Any, left: int) -> bool:
    below = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return left < 0 or any(_too_deep(one, left - 1) for one in below)


def conditions(value: Any) -> tuple[Condition, ...]:
    """A filter as conditions: a map of fields as in query strings, or a list of `{field, op, value, or}`.

    Raises Misunderstood for anything else.
    """
    found: list[Condition] = []
    if isinstance(value, Mapping):
        for name, one in value.items():
            if _is_hollow(one):  # nothing would be asked of this field, and the rule be wider than it looks
                raise Misunderstood("Every field of a filter needs a condition.")
            found.extend(tests(name, one))
    elif isinstance(value, list | tuple):
        found.extend(map(_condition, value))
    if not found:
        raise Misunderstood("This value should be a filter.")
    if len(found) > MOST_CONDITIONS:
        raise Misunderstood(f"A rule may have {MOST_CONDITIONS} conditions at most.")
    return tuple(found)


def _is_hollow(value: Any) -> bool:
    """Whether there is a map or a list in which no condition is: alone, or among those that are told by number."""
    if isinstance(value, list):
        value = {str(index): one for index, one in enumerate(value)}
    if not isinstance(value, Mapping):
        return False
    tests_ = {name: one for name, one in value.items() if name != "logical"}
    below = (one for name, one in tests_.items() if name.isdecimal() and isinstance(one, Mapping | list))
    return not tests_ or any(map(_is_hollow, below))


def _condition(value: Any) -> Condition:
    kinds: Mapping[str, type] = {"field": str, "op": str, "value": object, "or": bool}
    known = isinstance(value, Mapping) and "field" in value
    if not known or not all(name in kinds and isinstance(one, kinds[name]) for name, one in value.items()):
        raise Misunderstood("A condition has field, op, value and or.")
    return Condition(value["field"], value.get("op", "eq"), value.get("value"), value.get("or", False))


# --- on a snapshot ------------------------------------------------------------------------------------------------


def meaning(snapshot: Snapshot, collection: Collection, rule: Rule) -> Predicate:
    """What a rule asks of a row, still as a client's condition: `core.access.restrict.rule_meaning` ends it.

    Raises Misunderstood.
    """
    if rule.conditions is None:
        raise Misunderstood("This value should be a filter.")
    try:
        return from_conditions(snapshot, collection, rule.conditions, None)
    except TabulariumError as error:
        raise Misunderstood(error.message) from None


def preset(
    collection: Collection, values: Mapping[str, Any] | None, status: str | None, actor: Actor, now: datetime
) -> dict[str, Any]:
    """The values of a preset as a client would send them. `status`: of the permission row. Raises Misunderstood."""
    if values is None:
        raise Misunderstood("This value should be a map of fields.")
    return {name: _preset(collection, name, value, status, actor, now) for name, value in values.items()}


def _preset(collection: Collection, name: str, value: Any, status: str | None, actor: Actor, now: datetime) -> Any:
    found = _settable(collection, name)
    if status is not None and name == collection.status_field:
        raise Misunderstood("The row of a status cannot set the status: it would be another row's.", name)
    try:
        part = variable(value)
        if part is not None:
            return variables.written(part, found, actor.user, actor.role, now)
    except UnknownVariable:
        raise Misunderstood(f'"{value}" is no variable.', name) from None
    except Uncastable:
        raise Misunderstood(f'"{value}" is no value of "{name}".', name) from None
    if isinstance(value, Mapping | list) and isinstance(collection.relations.get(name), ToOne):
        raise Misunderstood(f'"{name}" needs a key: a preset writes no other items.', name)
    return value


def _settable(collection: Collection, name: str) -> Field:
    found = collection.fields.get(name)
    if found is None:
        raise Misunderstood(f'There is no field "{name}" in "{collection.name}".', name)
    if found.column is None or found.column.generated or found.column.auto_increment:
        raise Misunderstood(f'"{name}" holds no value of its own.', name)
    if found.type == "hash" or name == collection.primary_key:
        raise Misunderstood(f'"{name}" cannot be set by a preset.', name)
    return found


def moments(extras: Extras) -> Iterator[Variable]:
    """The variables of time in rules and checks; presets get theirs when they are written."""
    for rule in (*extras.rules.values(), *extras.checks.values()):
        for one in rule.conditions or ():
            yield from variables.inside(one.value)


# --- as written ---------------------------------------------------------------------------------------------------


def misunderstood(
    snapshot: Snapshot,
    name: str,
    status: str | None,
    sent: Mapping[str, Any],
    meaning: Callable[[Snapshot, Collection, Rule], Predicate],
    actor: Actor,
    now: datetime,
) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with the extras of a permission row of collection `name`: path and message of each.

    `sent`: column → value, decoded or as JSON text. `meaning`: what a rule asks for, or raises Misunderstood.
    """
    collection = snapshot.collections.get(name)
    for column in MEMBERS:
        try:
            value = decoded(sent.get(column))
            acts(column, value)
        except Misunderstood as error:
            yield (column,), str(error)
            continue
        parts = {action: one for action, one in (value or {}).items() if one not in (None, {}, [])}
        if not parts:
            continue
        if collection is None or name in WITHOUT or (status or "").startswith("$"):
            yield (column,), _refusal(name, status, known=collection is not None)
            continue
        for action, one in parts.items():
            try:
                if column == PRESETS:
                    if not isinstance(one, Mapping):
                        raise Misunderstood("This value should be a map of fields.")
                    _acceptable(snapshot, collection, preset(collection, one, status, actor, now))
                else:
                    meaning(snapshot, collection, Rule(conditions(one)))
            except Misunderstood as error:
                yield (column, action, *error.where), str(error)


def _acceptable(snapshot: Snapshot, collection: Collection, values: Mapping[str, Any]) -> None:
    """Raises Misunderstood for a value that its column would not take from a client."""
    for name, value in values.items():
        try:
            if value is not None:
                relation = isinstance(collection.relations.get(name), ToOne)
                accept(
                    collection.fields[name], value, dialect=snapshot.dialect, system=collection.is_system,
                    relation=relation,
                )  # fmt: skip
        except Refused as refused:
            raise Misunderstood(refused.message, name) from None


def _refusal(name: str, status: str | None, *, known: bool) -> str:
    if not known:
        return f'There is no collection "{name}" yet.'
    if name in WITHOUT:
        return f'"{name}" is read as a whole: rules cannot limit it.'
    return f'The row "{status}" grants nothing: rules belong to the row of a status or of the collection.'

"""In charge of the rules that a payload must keep (spec 03 §7): all are checked, all findings come back together.

Pure: it neither reads nor writes, hashes nothing and raises nothing for bad input. Relations have been normalised
before (a to-one field holds a key or is `pending`); the values that the server fills in are in the payload already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Literal

from core.catalog.model import TO_MANY_TYPES, Collection, Field, ToOne
from core.errors import ArrayForScalar, Path, Problem, TabulariumError, Unprocessable, ValidationFailed
from core.types.cast import Uncastable, cast
from core.types.kinds import AUTOMATIC_TYPES
from core.types.pattern import BadPattern, accepts
from core.types.structured import scalar_text
from core.types.write import BLANK, EMAIL, INVALID, MAX_HASHED, NULL, Reason, Refused, accept, same_as_read

ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
MISSING = object()


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: `reason` says which error it becomes, "unknown" being a field that does not exist."""

    reason: Reason | Literal["unknown"]
    problem: Problem


@dataclass(frozen=True, slots=True)
class Checked:
    """`values`: column → canonical value of what is to be written; `findings`: why it is not.

    What stays as stored is left out of `values`. Those of type hash are plaintext still.
    """

    values: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(finding.problem for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a validation depends on besides collection and payload.

    `update`: the rules of an update, `stored` being the row as the driver gave it. `pending`: fields whose keys come
    from rows that this request creates; they count as present. `zone`: spec 03 §8.3. `password_policy`: of the project.
    """

    dialect: str
    update: bool = False
    stored: Mapping[str, Any] | None = None
    pending: frozenset[str] = frozenset()
    zone: tzinfo = UTC
    password_policy: str | None = None
    path: Path = ()


def validate(collection: Collection, payload: Mapping[str, Any], terms: Terms) -> Checked:
    """Check one item's payload, field by field in column order. `payload`: field → value, without nested rows.

    Ignored without complaint: aliases that are no relation, columns that the database computes, and on update the
    primary key, which the request's path decides.
    """
    values: dict[str, Any] = {}
    findings = list(unknown(collection, payload, terms.path))
    lenient = skips_required(collection, payload)
    for field in collection.fields.values():
        try:
            if field.column is None:
                _check_alias(field, payload, terms, lenient)
            elif not field.column.generated and not (terms.update and field.column.primary_key):
                _check_column(collection, field, payload, terms, lenient, values)
        except Refused as refused:
            findings.append(Finding(refused.reason, Problem((*terms.path, field.name), refused.message)))
    return Checked(values, tuple(findings))


def failure(collection: Collection, findings: Iterable[Finding]) -> TabulariumError | None:
    """The error of all findings together, None without any: v8's order of checks decides which one leads.

    Unknown fields (422/12), lists for scalars (422/213), lengths and ranges (422/12), everything else (422/4).
    """
    found = tuple(findings)
    if not found:
        return None
    problems = tuple(finding.problem for finding in found)
    for reasons in (("unknown",), ("array",), ("unprocessable",)):
        leading = [finding.problem for finding in found if finding.reason in reasons]
        if not leading:
            continue
        if reasons == ("array",):
            error: TabulariumError = ArrayForScalar(str(leading[0].path[-1]), collection.name)
            error.problems = problems
            return error
        return Unprocessable(" ".join(dict.fromkeys(problem.message for problem in leading)), problems=problems)
    return ValidationFailed.of(problems)


def skips_required(collection: Collection, payload: Mapping[str, Any]) -> bool:
    """Whether the submitted status lets required fields be absent (spec 03 §7, first paragraph)."""
    name, statuses = collection.status_field, collection.statuses
    if name is None or statuses is None or not statuses.required or payload.get(name) is None:
        return False
    try:
        return cast(collection.fields[name], payload[name]) not in statuses.required
    except Uncastable:
        return True


def is_required(collection: Collection, field: Field) -> bool:
    """Whether an item must have a value here: the database decides, for O2M aliases the stored flag (spec 03 §7)."""
    column = field.column
    if column is None:
        return field.required and field.type in TO_MANY_TYPES
    if column.auto_increment or column.generated or field.type in AUTOMATIC_TYPES:
        return False
    if column.primary_key:
        return True
    if field.name == collection.status_field and not column.has_default:
        return True
    return not column.nullable and not column.has_default


def unknown(collection: Collection, names: Iterable[str], path: Path) -> tuple[Finding, ...]:
    """One finding that lists the names that are no fields of the collection, or none."""
    quoted = ", ".join(f'"{name}"' for name in names if name not in collection.fields)
    if not quoted:
        return ()
    message = f'Payload fields: {quoted} does not exist in "{collection.name}" collection.'
    return (Finding("unknown", Problem(path, message)),)


def _check_alias(field: Field, payload: Mapping[str, Any], terms: Terms, lenient: bool) -> None:
    # On update a list of children is a patch: an absent or empty one takes nothing away.
    wanted = field.required and field.type in TO_MANY_TYPES and not terms.update and not lenient
    if wanted and field.name not in terms.pending and _blank(payload.get(field.name)):
        raise Refused(BLANK)


def _check_column(
    collection: Collection,
    field: Field,
    payload: Mapping[str, Any],
    terms: Terms,
    lenient: bool,
    values: dict[str, Any],
) -> None:
    """Puts the canonical value of a submitted field into `values`. Raises Refused."""
    column = field.column
    assert column is not None
    name, system = field.name, collection.is_system
    if name in terms.pending:
        return
    required = is_required(collection, field) and not lenient
    if name not in payload:
        if required and _blank_unsent(name, terms):
            raise Refused(BLANK)
        return
    sent = payload[name]
    if sent is None and column.auto_increment:
        return
    stored = MISSING if terms.stored is None else terms.stored.get(name, MISSING)
    kept = terms.update and stored is not MISSING
    if kept and same_as_read(field, stored, sent, dialect=terms.dialect, system=system):
        return
    if required and _blank(sent):
        raise Refused(BLANK)
    password = collection.name == "directus_users" and name == "password"
    if password and sent == "":
        raise Refused(BLANK)  # an empty password is none; null takes it away (spec 02 §8.3)
    relation = isinstance(collection.relations.get(name), ToOne)
    value = accept(field, sent, dialect=terms.dialect, system=system, zone=terms.zone, relation=relation)
    if value is None and not column.nullable:
        raise Refused(BLANK if required else NULL)
    if value is not None and sent != "":
        _check_pattern(field, sent)
        if password:
            _check_password(str(value), terms.password_policy)
    values[name] = value


def _blank(value: Any) -> bool:
    return value is None or value == "" or value == []


def _blank_unsent(name: str, terms: Terms) -> bool:
    """Whether the merged row has no value: on create it is absent, on update the stored one counts."""
    if not terms.update:
        return True
    stored = (terms.stored or {}).get(name, MISSING)
    return stored is None or stored == ""


def _check_pattern(field: Field, sent: Any) -> None:
    if not field.validation or isinstance(sent, (list, tuple, dict)):
        return
    text = scalar_text(sent) if isinstance(sent, (str, int, float)) else str(sent)
    if field.validation == "$email":
        if not ADDRESS.fullmatch(text):
            raise Refused(EMAIL)
    elif not _passes(field.validation, text, f'The validation of field "{field.name}"'):
        raise Refused(INVALID)


def _check_password(text: str, policy: str | None) -> None:
    if len(text.encode()) > MAX_HASHED or not _passes(policy, text, "The password policy"):
        raise Refused(INVALID)


def _passes(expression: str | None, text: str, what: str) -> bool:
    try:
        return accepts(expression, text)
    except BadPattern:
        raise Refused(f"{what} is not a valid regular expression.", "unprocessable") from None

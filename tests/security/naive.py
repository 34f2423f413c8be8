"""In charge of saying, by Python over the raw tables, what a caller may get: the judge of the permission engine.

Written from the specification (access §12, §13; items §4, 5, 8.2), one row at a time and without any thought of speed.
It must not import core.access or core.sql, nor look at the snapshot: it would then make the same mistakes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.query.selection import Condition, Constant, Leaf, Nested, ReadRequest, Row, Selection, Window
from tests.security import conditions, ruling
from tests.security.conditions import Tree
from tests.security.rights import KEY, KIND, LEVELS, LINKS, Many, One, Record, Rights, special
from tests.security.world import NOW, STATUSES, TABLES

TRANSLATIONS = "words_of"
SEARCHED = ("string", "integer", "decimal")


class Denied(Exception):
    """The collection may not be read: 300."""


class FieldDenied(Exception):
    """A filter names what may not be read: 215."""


class NotThere(Exception):
    """No such item: 203."""


class Naive:
    """Answers requests of one caller."""

    def __init__(self, rights: Rights, *, nulls_last: bool, nocase: bool) -> None:
        self.rights, self.rows = rights, rights.rows
        self.nulls_last, self.nocase = nulls_last, nocase
        self.language: set[str] | None = None
        self.warnings: set[tuple[str, str]] = set()
        rights.fulfils = self.fulfils

    def fulfils(self, name: str, row: Record, text: str) -> bool:
        """Whether an item fulfils a row rule: the filter that it is, asked by an admin, with the caller's variables."""
        tree = ruling.read(text, "read", self.rights.user, self.rights.role)
        if tree is None or not ruling.understood(name, tree):
            return False
        admin = Naive(Rights(self.rows, (), 1, 1), nulls_last=self.nulls_last, nocase=self.nocase)
        return admin.matches(name, row, tree)

    # Reading

    def read(self, request: ReadRequest) -> tuple[list[Record], dict[str, Any]]:
        """Items and meta. Raises Denied, FieldDenied, NotThere."""
        name = request.collection
        if not self.rights.may_read(name):
            raise Denied
        by_key = request.id is not None or request.ids is not None
        tree = conditions.ALL if by_key else self.tree(request.where, request.filter)
        self.check(name, tree)
        if request.groups and not by_key and set(request.groups) & self.rights.doubtful(name):
            raise FieldDenied
        languages = {part for text in request.lang or () for part in text.split(",")}
        self.language = languages if languages and "*" not in languages else None
        self.check_selection(name, request.selection)
        status = self.status(name, request.status) if not by_key else (("*",) if request.include_deleted else None)
        seen = [row for row in self.rows[name] if self.rights.sees(name, row)]
        found = [row for row in seen if self.in_status(name, row, status) and self.matches(name, row, tree)]
        if by_key:
            wanted = [request.id] if request.id is not None else list(request.ids or ())
            found = [row for row in found if any(self.is_key(name, row, text) for text in wanted)]
        elif request.q:
            text = request.q
            found = [row for row in found if self.search(name, row, text, deep=True, otherwise=True)]
        meta = self.meta(request, seen, found)
        if request.groups and not by_key:
            found = self.representatives(name, found, request.groups)
        found = self.ordered(name, found, request.sort)
        if request.id is None:
            found = self.cut(found, 50 if request.limit is None else request.limit, request.offset or 0)
        items = [self.item(name, row, request.selection, top=True) for row in found]
        if request.id is not None and not items:
            raise NotThere
        if not found:  # a relation that cannot be expanded is told of whether or not there are rows
            self.item(name, dict.fromkeys(column.name for column in TABLES[name]), request.selection, top=True)
        if "result_count" in meta:
            meta["result_count"] = len(items)
        return items, meta

    def meta(self, request: ReadRequest, seen: list[Record], found: list[Record]) -> dict[str, Any]:
        name, meta = request.collection, dict[str, Any]()
        if request.id is not None:
            return meta
        if "result_count" in request.meta:
            meta["result_count"] = None
        if "total_count" in request.meta:
            meta["total_count"] = sum(self.in_status(name, row, None) for row in seen)
        field = special(name, "status")
        if "status_count" in request.meta and field and field not in self.rights.passed_over(name):
            counts: dict[str, int] = {}
            for text in sorted(str(row[field]) if row[field] is not None else "" for row in seen):
                counts[text] = counts.get(text, 0) + 1
            meta["status_count"] = counts | {
                str(value): 0 for value in STATUSES.get(name, ()) if str(value) not in counts
            }
        if "filter_count" in request.meta:
            meta["filter_count"] = len(found)
        return meta

    def is_key(self, name: str, row: Record, text: str) -> bool:
        key = row[KEY[name]]
        if isinstance(key, int):
            return bool(text.strip().isdigit() and int(text) == key)
        return bool(self.fold(key) == self.fold(text))

    def status(self, name: str, status: tuple[str, ...] | None) -> tuple[str, ...] | None:
        field = special(name, "status")
        if field is None or not status or field in self.rights.passed_over(name):
            return None
        return tuple(part.strip() for text in status for part in text.split(","))

    def in_status(self, name: str, row: Record, status: tuple[str, ...] | None) -> bool:
        """Items §5.5: the default set, these statuses, or all; soft-deleted ones only by a rule that grants them."""
        field = special(name, "status")
        if field is None:
            return True
        value, mapping = row[field], STATUSES.get(name)
        if status is None:
            return mapping is None or (value in mapping and not mapping[value])
        if mapping and mapping.get(value) and not self.rights.admin:
            granted = self.rights.rules[name].get(str(value))
            if granted is None or LEVELS[granted["read"]] == 0:
                return False
        return "*" in status or (value is not None and str(value) in status)

    def representatives(self, name: str, rows: Iterable[Record], groups: Sequence[str]) -> list[Record]:
        first: dict[tuple[Any, ...], Record] = {}
        for row in sorted(rows, key=lambda row: self.sortable(row[KEY[name]])):
            first.setdefault(tuple(self.fold(row[field]) for field in groups), row)
        return list(first.values())

    def ordered(self, name: str, rows: Iterable[Record], sort: Sequence[str] | None) -> list[Record]:
        tokens = [part.strip() for text in sort or () for part in text.split(",") if part.strip()]
        default = special(name, "sort")
        if not tokens and default:
            tokens = [default]
        fields = [(token.lstrip("-"), token.startswith("-")) for token in tokens]
        hidden = self.rights.passed_over(name)
        fields = [(field, down) for field, down in fields if field not in hidden]
        found = list(rows)
        for field, down in reversed([*fields, (KEY[name], False)]):
            filled = sorted(
                (row for row in found if row[field] is not None),
                key=lambda row, field=field: self.sortable(row[field]),  # type: ignore[misc]
                reverse=down,
            )
            missing = [row for row in found if row[field] is None]
            found = [*filled, *missing] if self.nulls_last or down else [*missing, *filled]
        return found

    def cut(self, rows: list[Record], limit: int, offset: int) -> list[Record]:
        return rows if limit < 0 else rows[max(offset, 0) : max(offset, 0) + limit]

    # Items

    def item(self, name: str, row: Record, selection: Selection, *, top: bool) -> Record:
        found: Record = {}
        hidden = self.rights.hidden(name, row)
        for entry in selection:
            match entry:
                case Constant(key, value):
                    found[key] = value
                case Leaf(key, field, encoder):
                    found[key] = None if field in hidden else encoded(name, field, row[field], encoder)
                case Row(key, paths):
                    shown = self.row_form(name, row, [path.split(".") for path in paths], top=top)
                    found[key] = shown or None
                case Nested(key, field, inner, window):
                    found[key] = self.nested(name, row, field, inner, window, top=top)
        return found

    def nested(
        self, name: str, row: Record, field: str, selection: Selection, window: Window | None, *, top: bool
    ) -> Any:
        if top:
            self.warn(name, field)
        if field in self.gone(name) or field in self.rights.hidden(name, row) or not self.expandable(name, field):
            return None
        link = LINKS[name, field]
        related = self.related(name, row, field)
        if isinstance(link, One):
            return self.item(link.target, related[0], selection, top=False) if related else None
        window = window or Window()
        tree = self.tree(window.where, window.filter)
        related = [child for child in related if self.matches(link.target, child, tree)]
        related = self.ordered(link.target, related, window.sort)
        limit = -1 if window.limit is None else window.limit
        return [
            self.item(link.target, child, selection, top=False) for child in self.cut(related, limit, window.offset)
        ]

    def row_form(self, name: str, row: Record, paths: list[list[str]], *, top: bool) -> Record:
        """Items §5.1: columns in table order, then aliases by name."""
        heads = {path[0] for path in paths}
        excluded = {path[0][1:] for path in paths if len(path) == 1 and path[0].startswith("-")}
        plain = {head for head in heads if head != "*" and not head.startswith("-")}
        star = "*" in heads or not plain
        edges = self.edges(name, paths)
        hidden = self.rights.hidden(name, row) | self.gone(name)
        found: Record = {}
        for field in fields_of(name):
            if field in edges:
                if top:
                    self.warn(name, field)
                if field in hidden:
                    continue
                if self.expandable(name, field):
                    self.expand(name, row, field, edges[field], found)
                elif isinstance(LINKS[name, field], One):
                    value = row[field]
                    found[field] = None if value is None else {"id": encoded(name, field, value, "row")}
            elif (name, field) in KIND and (star or field in plain) and field not in hidden | excluded:
                found[field] = encoded(name, field, row[field], "row")
        return found

    def edges(self, name: str, paths: list[list[str]]) -> dict[str, list[list[str]]]:
        """The relations that paths expand, with the paths below each."""
        excluded = {path[0][1:] for path in paths if len(path) == 1 and path[0].startswith("-")}
        below: dict[str, list[list[str]]] = {}
        for head, *rest in paths:
            if rest:
                below.setdefault(head, []).append(rest)
        expands = any(head == "*" or (name, head) in LINKS for head in below)
        found: dict[str, list[list[str]]] = {}
        for field in fields_of(name):
            link = LINKS.get((name, field))
            if link is None or field in excluded:
                continue
            subtree = below.get(field) or below.get("*")
            if not subtree and isinstance(link, Many) and expands and [field] in paths:
                subtree = [[link.link]]
            if subtree:
                found[field] = subtree
        return found

    def expand(self, name: str, row: Record, field: str, paths: list[list[str]], found: Record) -> None:
        link, related = LINKS[name, field], self.related(name, row, field)
        items = [self.row_form(link.target, child, paths, top=False) for child in related]
        if isinstance(link, One):
            found[field] = items[0] if items else None
        else:
            found[field] = [item for item in items if item]

    def gone(self, name: str) -> set[str]:
        """Fields that are hidden in every item: they are not even spoken of."""
        lists = self.rights.blacklists(name)
        return set.intersection(*lists) if lists else set()

    def expandable(self, name: str, field: str) -> bool:
        """Whether the items behind a relation may be read, and the key that leads to them."""
        link = LINKS[name, field]
        if not self.rights.may_read(link.target):
            return False
        return isinstance(link, One) or link.link not in self.rights.unknown(link.target)

    def warn(self, name: str, field: str) -> None:
        """A relation of the root that cannot be expanded, unless the caller may not know of it."""
        if field not in self.gone(name) and not self.expandable(name, field):
            self.warnings.add((LINKS[name, field].target, field))

    def related(self, name: str, row: Record, field: str) -> list[Record]:
        """The related items that the caller may see, in default order; links that are hidden from him do not count."""
        link = LINKS[name, field]
        if isinstance(link, One):
            value = row[field]
            found = [
                child
                for child in self.rows[link.target]
                if value is not None and self.fold(child[KEY[link.target]]) == self.fold(value)
            ]
        else:
            found = [
                child
                for child in self.rows[link.target]
                if child[link.link] is not None
                and self.fold(child[link.link]) == self.fold(row[KEY[name]])
                and link.link not in self.rights.ruled_out(link.target, child)
            ]
            if self.language is not None and field == TRANSLATIONS:
                found = [child for child in found if child["lang"] in self.language]
        found = [
            child
            for child in found
            if self.rights.sees(link.target, child) and self.in_status(link.target, child, None)
        ]
        return self.ordered(link.target, found, None)

    # Conditions

    def tree(self, where: Sequence[Condition], filter: Sequence[Any]) -> Tree:
        return ("and", (conditions.from_list(where), conditions.from_typed(filter)))

    def check(self, name: str, tree: Tree) -> None:
        """Raises FieldDenied when the tree names what the caller may not read, at any hop."""
        match tree:
            case ("and" | "or", parts):
                for part in parts:
                    self.check(name, part)
            case ("rel", field, inner):
                self.check_hop(name, field)
                self.check(LINKS[name, field].target, inner)
            case ("cond", field, op, _):
                link = LINKS.get((name, field))
                if isinstance(link, Many):
                    self.check_hop(name, field)
                    if op in ("eq", "in", "all"):
                        self.check(link.target, ("cond", link.far or KEY[link.target], "eq", None))
                elif isinstance(link, One) and op in ("contains", "ncontains"):
                    self.check_hop(name, field)
                elif field in self.rights.unknown(name):
                    raise FieldDenied

    def check_hop(self, name: str, field: str) -> None:
        if field in self.rights.unknown(name) or not self.expandable(name, field):
            raise FieldDenied

    def check_selection(self, name: str, selection: Selection) -> None:
        for entry in selection:
            if isinstance(entry, Row):
                self.check_paths(name, [path.split(".") for path in entry.paths])
            elif isinstance(entry, Nested) and self.opens(name, entry.field):
                target = LINKS[name, entry.field].target
                if entry.window is not None:
                    self.check(target, self.tree(entry.window.where, entry.window.filter))
                self.check_selection(target, entry.selection)

    def check_paths(self, name: str, paths: list[list[str]]) -> None:
        for field, subtree in self.edges(name, paths).items():
            if self.opens(name, field):
                self.check_paths(LINKS[name, field].target, subtree)

    def opens(self, name: str, field: str) -> bool:
        """Whether a relation is gone into. Raises FieldDenied when `lang` would be judged by a hidden field."""
        if field in self.gone(name) or not self.expandable(name, field):
            return False
        if self.language is not None and field == TRANSLATIONS and "lang" in self.rights.unknown("articles_words"):
            raise FieldDenied
        return True

    def matches(self, name: str, row: Record, tree: Tree) -> bool:
        """Whether a tree is true for an item; items that hide a field that the tree uses are left out."""
        used = conditions.fields(tree) - {KEY[name]}
        if used & self.rights.ruled_out(name, row):
            return False
        return self.truth(name, row, tree) is True

    def truth(self, name: str, row: Record, tree: Tree) -> bool | None:
        match tree:
            case ("and", parts):
                found = [self.truth(name, row, part) for part in parts]
                return False if False in found else None if None in found else True
            case ("or", parts):
                found = [self.truth(name, row, part) for part in parts]
                return True if True in found else None if None in found else False
            case ("rel", field, inner):
                target = LINKS[name, field].target
                return any(self.matches(target, child, inner) for child in self.filtered(name, row, field))
            case ("cond", field, op, value):
                link = LINKS.get((name, field))
                if isinstance(link, Many):
                    return self.to_many(name, row, field, op, value)
                if isinstance(link, One) and op in ("contains", "ncontains"):
                    related = self.filtered(name, row, field)
                    hit = any(self.search(link.target, child, value, deep=False) for child in related)
                    return hit == (op == "contains")
                return conditions.compare(KIND[name, field], row[field], op, value, NOW, self.fold)
        raise AssertionError(tree)

    def filtered(self, name: str, row: Record, field: str) -> list[Record]:
        """Related items for a filter: `lang` does not narrow those."""
        language, self.language = self.language, None
        found = self.related(name, row, field)
        self.language = language
        return found

    def to_many(self, name: str, row: Record, field: str, op: str, value: Any) -> bool:
        """Items §5.2, table of O2M fields."""
        link = LINKS[name, field]
        assert isinstance(link, Many)
        related = self.filtered(name, row, field)
        far = link.far or KEY[link.target]
        if op in ("empty", "nempty"):
            return bool(related) == (op == "nempty")
        if op in ("has", "nhas"):
            wanted = int(str(value).strip() or 1)
            return (len(related) >= wanted if wanted > 0 else not related) == (op == "has")

        def holds(keys: Sequence[Any]) -> bool:
            return any(self.matches(link.target, child, ("cond", far, "in", keys)) for child in related)

        keys = [value] if op == "eq" else conditions.elements(value)
        return all(holds([key]) for key in keys) if op == "all" else holds(keys)

    def search(self, name: str, row: Record, text: str, *, deep: bool, otherwise: bool = False) -> bool:
        """Items §5.6, access §12.8: readable text and number columns, with `deep` also those of related items."""
        hidden = self.rights.passed_over(name)
        hits: list[bool] = []
        for column in TABLES[name]:
            if column.name in hidden or column.type not in SEARCHED:
                continue
            if (name, column.name) not in LINKS:
                hits.append(conditions.contains(column.kind, row[column.name], text))
            elif deep:
                hits += self.search_related(name, row, column.name, text)
        if deep:
            for collection, alias in LINKS:
                if collection == name and (name, alias) not in KIND and alias not in hidden:
                    hits += self.search_related(name, row, alias, text)
        return any(hits) if hits else otherwise

    def search_related(self, name: str, row: Record, field: str, text: str) -> list[bool]:
        target = LINKS[name, field].target
        if not self.expandable(name, field) or not self.searchable(target):
            return []
        return [any(self.search(target, child, text, deep=False) for child in self.filtered(name, row, field))]

    def searchable(self, name: str) -> bool:
        hidden = self.rights.passed_over(name)
        return any(
            column.type in SEARCHED and column.name not in hidden and (name, column.name) not in LINKS
            for column in TABLES[name]
        )

    # Values

    def fold(self, value: Any) -> Any:
        """What equality compares: MySQL's default collations know no case."""
        return value.upper() if self.nocase and isinstance(value, str) else value

    def sortable(self, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value


def fields_of(name: str) -> list[str]:
    """Columns in table order, then aliases by name."""
    aliases = sorted(alias for collection, alias in LINKS if collection == name and (name, alias) not in KIND)
    return [column.name for column in TABLES[name]] + aliases


def encoded(name: str, field: str, value: Any, encoder: str) -> Any:
    """Items §8.2, 8.3: a stored value in the form of an answer."""
    if value is None:
        return None
    if encoder == "id":
        return str(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (float, Decimal)):
        return int(value) if value == int(value) else float(value)
    return value

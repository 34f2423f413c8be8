"""In charge of the proof that no role gets more or less than its rules give, whatever it asks for (access §12, §13).

For random rules and random requests, what the engine answers equals what a naive evaluation over the raw tables gives:
items in order, hidden fields, counts, aggregates, warnings and refusals. That the proof can fail is shown as well: with
one rule of the engine taken out at a time, a case must be found that tells.

TABULARIUM_EXAMPLES: requests per database (500), each made in three cases. TABULARIUM_SEED: the first seed (0).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core import engine, reading
from core.access import restrict
from core.access.policy import ADMIN_POLICY, FULL, ROLE, Policy
from core.access.rules import Misunderstood
from core.catalog.model import Collection
from core.errors import FieldAccessDenied, ItemNotFound, ReadDenied
from core.query.aggregate import AggregateRequest
from core.query.plan import EdgeOut
from core.query.predicate import EVERYTHING, And, Predicate, Related
from tests import backends
from tests.security.cases import Case, cases
from tests.security.naive import Denied, FieldDenied, Naive, NotThere
from tests.security.rights import Rights
from tests.security.totals import totals
from tests.security.world import World, policy_of, random_rows

EXAMPLES = int(os.environ.get("TABULARIUM_EXAMPLES") or 500)
FIRST = int(os.environ.get("TABULARIUM_SEED") or 0)
PER_WORLD = 50
MUTANT_FIRST, MUTANT_EXAMPLES = 2900, 2000
"""Where the rarest of the differences is not far; any other first seed takes longer."""


@pytest.fixture(scope="module")
async def world(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    with backends.fresh_database(dialect, tmp_path_factory.mktemp("world")) as url:
        world = await World.create(url)
        yield world
        await world.store.close()


@pytest.fixture(scope="module")
async def small_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("small")
    with backends.fresh_database("sqlite", folder) as url:
        world = await World.create(url)
        yield world
        await world.store.close()


# What comes out, in a form that can be compared: order of keys counts, 1 is not true and not 1.0


async def actual(world: World, one: Case) -> str:
    policy = policy_of(one.role, list(one.permissions))
    session = world.session(one.user, one.role, policy, nulls_last=one.nulls_last)
    try:
        if isinstance(one.request, AggregateRequest):
            return _form(await engine.aggregate(session, one.request))
        found = await engine.read(session, one.request)
    except ReadDenied:
        return "denied"
    except FieldAccessDenied:
        return "field denied"
    except ItemNotFound:
        return "not there"
    warnings = sorted({(warning.collection, field) for warning in found.warnings for field in warning.fields})
    return _form([found.items, found.meta, warnings])


def expected(world: World, one: Case) -> str:
    rights = Rights(world.rows, one.permissions, one.user, one.role)
    naive = Naive(rights, nulls_last=one.nulls_last, nocase=world.dialect == "mysql")
    try:
        if isinstance(one.request, AggregateRequest):
            return _form(totals(naive, one.request))
        items, meta = naive.read(one.request)
    except Denied:
        return "denied"
    except FieldDenied:
        return "field denied"
    except NotThere:
        return "not there"
    return _form([items, meta, sorted(naive.warnings)])


def _form(value: Any) -> str:
    return json.dumps(value, indent=1)


async def check(world: World, count: int, first: int = 0) -> str:
    """The first case in which the engine and the naive evaluation differ, in words; empty when there is none."""
    for seed in range(first, first + count):
        if seed == first or seed % PER_WORLD == 0:
            await world.fill(random_rows(Random(seed - seed % PER_WORLD)))
        for one in cases(seed):
            try:
                found = await actual(world, one)
            except Exception as error:
                found = f"{type(error).__name__}: {error}"
            wanted = expected(world, one)
            if _comparable(one, found, world) != _comparable(one, wanted, world):
                return f"{one}\n--- expected\n{wanted}\n--- found\n{found}"
    return ""


def _comparable(one: Case, text: str, world: World) -> str:
    """Of equal texts in different case, MySQL shows any as the name of their group."""
    grouped = isinstance(one.request, AggregateRequest) and world.dialect == "mysql"
    return text.upper() if grouped else text


@pytest.mark.slow
@pytest.mark.timeout(0)
async def test_a_caller_gets_exactly_what_the_rules_give(world: World) -> None:
    difference = await check(world, EXAMPLES, FIRST)
    assert not difference, difference


# That the proof can fail: each mutant takes one rule out of the engine


def _both(patch: pytest.MonkeyPatch, name: str, value: Any) -> None:
    patch.setattr(restrict, name, value)
    patch.setattr(engine, name, value)


def row_rules(patch: pytest.MonkeyPatch) -> None:
    scope = restrict.read_scope

    def everything(*arguments: Any) -> Predicate:
        scope(*arguments)
        return EVERYTHING

    _both(patch, "read_scope", everything)


def rules_of_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restrict, "rule_scope", lambda *_: EVERYTHING)


def rules_of_single_statuses(patch: pytest.MonkeyPatch) -> None:
    scope = restrict.rule_scope
    without = lambda policy: replace(policy, workflow={})  # noqa: E731
    patch.setattr(restrict, "rule_scope", lambda snapshot, policy, *rest: scope(snapshot, without(policy), *rest))


def rules_that_mean_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restrict, "rule_meaning", _open(restrict.rule_meaning))


def _open(meaning: Any) -> Any:
    def opened(*arguments: Any) -> Predicate:
        try:
            found: Predicate = meaning(*arguments)
        except Misunderstood:
            return EVERYTHING
        return found

    return opened


def the_time(patch: pytest.MonkeyPatch) -> None:
    earlier = lambda session: {  # noqa: E731
        name: value.replace(year=2020) if isinstance(value, date) else value for name, value in session.bound.items()
    }
    for module in (engine, reading):
        patch.setattr(module, "bound_of", earlier)


def conditions_of_clients(patch: pytest.MonkeyPatch) -> None:
    rewrite = restrict.restrict_predicate
    as_admin = lambda snapshot, policy, *rest: rewrite(snapshot, ADMIN_POLICY, *rest)  # noqa: E731
    _both(patch, "restrict_predicate", as_admin)


def rows_behind_relations_of_filters(patch: pytest.MonkeyPatch) -> None:
    def inside(self: Any, collection: Collection, name: str, inner: Predicate) -> Predicate:
        target = self.snapshot.collections[collection.relations[name].target]
        return restrict.restrict_predicate(self.snapshot, self.policy, target, inner)

    patch.setattr(restrict._Rewriter, "_inside", inside)


def rows_behind_relations_of_searches(patch: pytest.MonkeyPatch) -> None:
    scope = restrict._Rewriter._search_related

    def everything(*arguments: Any) -> list[Predicate]:
        found = list(scope(*arguments))
        return [Related(part.field, part.part.parts[0]) if isinstance(part.part, And) else part for part in found]

    patch.setattr(restrict._Rewriter, "_search_related", everything)


def rows_of_expanded_relations(patch: pytest.MonkeyPatch) -> None:
    edges = restrict._restrict_edge

    def everything(snapshot: Any, policy: Any, output: EdgeOut, *rest: Any) -> list[Any]:
        where = output.edge.node.where
        return [
            replace(one, edge=replace(one.edge, node=replace(one.edge.node, where=where)))
            if isinstance(one, EdgeOut)
            else one
            for one in edges(snapshot, policy, output, *rest)
        ]

    patch.setattr(restrict, "_restrict_edge", everything)


def owners_of_the_role(patch: pytest.MonkeyPatch) -> None:
    scope = restrict.owner_scope
    wider = lambda snapshot, collection, level: scope(snapshot, collection, FULL if level == ROLE else level)  # noqa: E731
    patch.setattr(restrict, "owner_scope", wider)


def hidden_fields_in_filters(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restrict, "hidden_in_filters", lambda *_: frozenset())


def hidden_fields_in_sort_search_and_status(patch: pytest.MonkeyPatch) -> None:
    _both(patch, "hidden_somewhere", lambda *_: frozenset())


def sort_by_hidden_fields(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restrict, "_restrict_order", lambda policy, collection, order: order)


def links_hidden_by_status(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restrict, "_linked", lambda *_: EVERYTHING)


def filters_on_fields_hidden_by_status(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restrict, "_showing", lambda *_: EVERYTHING)


def hidden_fields_of_answers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Policy, "hidden_always", lambda *_: frozenset())


def fields_hidden_by_status_in_answers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Policy, "hidden_sometimes", lambda *_: {})


def soft_deletion(patch: pytest.MonkeyPatch) -> None:
    _both(patch, "status_scope", lambda *_: EVERYTHING)


def secrets_of_other_users(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restrict, "OWN_ONLY", frozenset())


def relations_into_unreadable_collections(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restrict, "may_read", lambda *_: True)


def hidden_fields_in_aggregates(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "hidden_in_totals", lambda *_: frozenset())


def the_caller(patch: pytest.MonkeyPatch) -> None:
    for module in (engine, reading):
        patch.setattr(module, "bound_of", lambda session: {**session.bound, "user": 2})


def whose_plan_it_is(patch: pytest.MonkeyPatch) -> None:
    make = policy_of
    patch.setattr(sys.modules[__name__], "policy_of", lambda *rules: replace(make(*rules), fingerprint="all alike"))


def rows_of_counts(patch: pytest.MonkeyPatch) -> None:
    compile_counts = engine.compile_counts
    patch.setattr(engine, "compile_counts", lambda s, c, parts: compile_counts(s, c, [EVERYTHING for _ in parts]))
    compile_node = engine.compile_node
    of_all = lambda s, node, counted: compile_node(s, node, counted=[EVERYTHING for _ in counted])  # noqa: E731
    patch.setattr(engine, "compile_node", of_all)


def rows_of_status_counts(patch: pytest.MonkeyPatch) -> None:
    compile_counts = engine.compile_status_counts
    patch.setattr(engine, "compile_status_counts", lambda s, c, part: compile_counts(s, c, EVERYTHING))


MUTANTS = (
    row_rules,
    rules_of_rows,
    rules_of_single_statuses,
    rules_that_mean_nothing,
    the_time,
    conditions_of_clients,
    rows_behind_relations_of_filters,
    rows_behind_relations_of_searches,
    rows_of_expanded_relations,
    owners_of_the_role,
    hidden_fields_in_filters,
    hidden_fields_in_sort_search_and_status,
    sort_by_hidden_fields,
    links_hidden_by_status,
    filters_on_fields_hidden_by_status,
    hidden_fields_of_answers,
    fields_hidden_by_status_in_answers,
    soft_deletion,
    secrets_of_other_users,
    relations_into_unreadable_collections,
    hidden_fields_in_aggregates,
    the_caller,
    whose_plan_it_is,
    rows_of_counts,
    rows_of_status_counts,
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
async def test_without_a_rule_a_difference_is_found(
    mutant: Any, small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_world.project.plans.clear()
    mutant(monkeypatch)
    difference = await check(small_world, MUTANT_EXAMPLES, MUTANT_FIRST)
    small_world.project.plans.clear()
    assert "--- found" in difference
    assert "Error: " not in difference

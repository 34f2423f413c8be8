"""In charge of types that are reached without recursion, made late, and taken apart in the end."""

from __future__ import annotations

import gc
from types import SimpleNamespace
from typing import Any
from weakref import ref

import pytest
from graphql import GraphQLInputObjectType, GraphQLSchema, graphql_sync, print_schema, validate_schema

from core import pace
from core.catalog.model import Collection, Snapshot, ToMany, ToOne
from core.settings import ProjectConfig
from schema.build import build_schema, names_for
from schema.reach import ReachedSchema, own_types, reached, take_apart
from schema.registry import FORGOTTEN, KEPT, edition
from tests.shop import collection, field, key, shop


def chain(length: int, version: int = 1) -> Snapshot:
    """Collections that refer to each other in a ring, both ways."""

    def one(number: int) -> Collection:
        name, after, before = (f"t{place % length:04}" for place in (number, number + 1, number - 1))
        fields = [key(name), field(name, "parent", "m2o"), field(name, "kids", "o2m")]
        relations = (ToOne(name, "parent", after, "id"), ToMany(name, "kids", before, "parent"))
        return collection(name, fields, relations)

    return shop(*(one(number) for number in range(length)), version=version)


def test_types_and_their_order_are_those_of_graphql_core() -> None:
    snapshot = chain(20)
    made = build_schema(snapshot, names_for(snapshot))
    assert made.query_type is not None
    for type_ in made.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            assert type_.fields
    usual = GraphQLSchema(made.query_type, made.mutation_type, made.subscription_type, assume_valid=True)
    assert usual.type_map.keys() == made.type_map.keys()
    assert all(usual.type_map[name] is type_ for name, type_ in made.type_map.items())
    assert print_schema(usual) == print_schema(made)
    assert list(usual._implementations_map) == list(made._implementations_map) == ["Node"]
    for name, known in usual._implementations_map.items():
        found = made._implementations_map[name]
        assert {one.name for one in found.objects} == {one.name for one in known.objects}
    made._validation_errors = None
    assert validate_schema(made) == []


def test_a_thousand_collections_in_a_row() -> None:
    snapshot = chain(1500)
    made = build_schema(snapshot, names_for(snapshot))
    assert {f"T{number:04}Item" for number in range(1500)} <= made.type_map.keys()


def test_filters_are_made_when_they_are_used() -> None:
    snapshot = chain(3)
    made = build_schema(snapshot, names_for(snapshot))
    made_late = made.type_map["T0000Filter"]
    assert "fields" not in vars(made_late)
    asked = graphql_sync(made, '{ __type(name: "T0000Filter") { inputFields { name } } }')
    assert {"name": "id_eq"} in asked.data["__type"]["inputFields"]  # type: ignore[index]
    assert "fields" in vars(made_late)


def test_two_types_of_one_name_are_refused() -> None:
    snapshot = shop()
    one, other = (build_schema(snapshot, names_for(snapshot)) for _ in range(2))
    assert one.query_type is not None
    assert other.mutation_type is not None
    with pytest.raises(TypeError, match="Two types are named"):
        ReachedSchema(one.query_type, other.mutation_type)


def test_only_what_belongs_to_one_schema_is_taken_apart() -> None:
    snapshot = shop()
    one, other = (build_schema(snapshot, names_for(snapshot)) for _ in range(2))
    before = print_schema(other)
    own = own_types(one)
    assert {"Query", "Mutation", "Articles", "ArticlesItem", "ArticlesFilter", "ArticlesInput"} <= {
        type_.name for type_ in own
    }
    assert not {id(type_) for type_ in own} & {id(type_) for type_ in other.type_map.values()}
    pauses: list[None] = []
    take_apart(own, lambda: pauses.append(None))
    assert len(pauses) == len(own)
    assert not any(map(vars, own))
    assert print_schema(other) == before


def test_each_type_is_reached_once() -> None:
    snapshot = chain(5)
    made = build_schema(snapshot, names_for(snapshot))
    assert made.query_type is not None
    found = [type_.name for type_ in reached((made.query_type,))]
    assert len(found) == len(set(found))
    assert found[0] == "Query"


class Home:
    """A project as far as editions know it."""

    def __init__(self) -> None:
        self.key, self.prepare = "main", None
        self.editions: Any = None
        self.config = ProjectConfig.of("main", {"auth": {"secret_key": "a secret of good length"}})

    async def change(self, version: int) -> Any:
        """One more version, asked for all of its types; the schema comes back."""
        with pace.lasting():
            await edition(self, chain(3, version), pace.Pace())  # type: ignore[arg-type]
        schema = self.editions.ready[version].schema
        asked = graphql_sync(schema, "{ __schema { types { name fields { name } inputFields { name } } } }")
        assert asked.errors is None
        return schema


async def test_editions_that_nobody_holds_leave_nothing_to_the_garbage_collector() -> None:
    home, types = Home(), []
    for version in range(1, KEPT + 4):
        schema = await home.change(version)
        types.append(ref(schema.type_map["T0000Filter"]))
        del schema
        gc.collect()  # of what graphql-core leaves behind; what lasts is not looked at
    assert [type_() is not None for type_ in types] == [False] * 2 + [True] * (KEPT + 1)
    assert len(home.editions.gone) == 1  # left to whoever makes the next one


async def test_schemas_that_were_forgotten_in_a_circle_are_found() -> None:
    home, most = Home(), 0
    for version in range(1, KEPT + FORGOTTEN + 4):
        circle: list[Any] = [await home.change(version)]
        circle.append(circle)
        del circle
        gc.freeze()
        most = max(most, len(home.editions.schemas))
    assert most == KEPT + FORGOTTEN + 1
    assert len(home.editions.schemas) <= KEPT + 2


def test_a_pace_works_and_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, rests = [0.0], []
    monkeypatch.setattr(pace, "time", SimpleNamespace(thread_time=lambda: clock[0], sleep=rests.append))
    pause = pace.Pace()
    pause()
    rests.clear()
    for _ in range(10):
        clock[0] += pace.WORK / 4
        pause()
    assert rests == [pace.REST] * 2
    assert list(pace.paced("abc", pace.unpaced)) == ["a", "b", "c"]


def test_what_lasts_is_not_looked_at_again() -> None:
    usual, before, kept = gc.get_threshold(), gc.get_freeze_count(), list[list[int]]()

    def fail() -> None:
        with pace.lasting():
            assert gc.get_threshold()[2] > usual[2]
            kept.extend([] for _ in range(1000))
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() >= before + len(kept)

"""In charge of the proof that rules, presets and checks let through what they say, and nothing else, in random writes.

A naive judge goes through the rows in Python: what a request does, or that it is refused as a whole. It shares nothing
with core but the words of the rules. That the proof can fail is shown as well, by leaving out one part at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from core.access import restrict
from core.access.rules import Misunderstood
from core.errors import AccessError, ItemNotFound
from core.query.predicate import EVERYTHING
from core.write import checks, load, pipeline
from tests.api.writes.world import ROWS, House, reset

ME = 2
SEEDS, MUTANT_SEEDS = 100, 150
Row = dict[str, Any]
State = dict[str, dict[Any, Row]]
Judge = Callable[[Row, State], bool]


ARTICLES: tuple[tuple[Any, Judge], ...] = (
    ({"title": {"neq": "Two"}}, lambda row, _: row["title"] != "Two"),
    ({"owner": "$CURRENT_USER"}, lambda row, _: row["owner"] == ME),
    ({"author.name": "Ada"}, lambda row, state: _name(row, state) == "Ada"),
    ({"rating": {"gte": 3}}, lambda row, _: row["rating"] is not None and row["rating"] >= 3),
    ({"comments": {"has": 1}}, lambda row, state: row["id"] in {one["article"] for one in state["comments"].values()}),
    ([{"field": "title", "op": "contains", "value": "o"}, {"field": "rating", "op": "eq", "value": 5, "or": True}],
     lambda row, _: "o" in row["title"].lower() or row["rating"] == 5),
    ({"nope": 1}, lambda *_: False),
)  # fmt: skip
COMMENTS: tuple[tuple[Any, Judge], ...] = (
    ({"text": {"neq": "bad"}}, lambda row, _: row["text"] is not None and row["text"] != "bad"),
    ({"article.title": "One"}, lambda row, state: _article(row, state).get("title") == "One"),
    ({"article.owner": "$CURRENT_USER"}, lambda row, state: _article(row, state).get("owner") == ME),
    ({"article": {"nnull": ""}}, lambda row, _: row["article"] is not None),
)  # fmt: skip
PRESETS: dict[str, tuple[Row, ...]] = {
    "articles": ({"rating": 5}, {"author": 1}, {"rating": 1, "author": 2}),
    "comments": ({"text": "preset"}, {"text": "bad"}, {"writer": "$CURRENT_USER"}),
}


def _name(row: Row, state: State) -> Any:
    return state["authors"].get(row["author"], {}).get("name")


def _article(row: Row, state: State) -> Row:
    found = state["articles"].get(row["article"], {})
    return {} if found.get("status") == "deleted" else found


class Refused(Exception):
    """The request is refused as a whole."""


class Rights:
    """Random permissions of one collection: as rows, and as the judge has them."""

    def __init__(self, random: Random, name: str) -> None:
        self.name = name
        choices = ARTICLES if name == "articles" else COMMENTS
        levels = ("full", "full", "full", "mine") if name == "articles" else ("full",)
        self.levels = {action: random.choice(levels) for action in ("read", "update", "delete")}
        self.levels["create"] = "full" if random.random() < 0.95 else "none"
        pick = lambda share, actions: {one: random.choice(choices) for one in actions if random.random() < share}  # noqa: E731
        self.rules = pick(0.3, ("read", "update", "delete"))
        self.checks = pick(0.4, ("create", "update"))
        self.presets = {one: random.choice(PRESETS[name]) for one in ("create", "update") if random.random() < 0.4}

    @property
    def row(self) -> Row:
        told = {"rules": self.rules, "checks": self.checks}
        parts = {name: {action: one[0] for action, one in part.items()} for name, part in told.items()}
        return {**self.levels, **{key: json.dumps(one) for key, one in {**parts, "presets": self.presets}.items()}}

    def reaches(self, action: str, row: Row, state: State) -> bool:
        if self.levels[action] == "mine" and row["owner"] != ME:
            return False
        return self.shows(action, row, state)

    def shows(self, action: str, row: Row, state: State) -> bool:
        return action not in self.rules or self.rules[action][1](row, state)


class Naive:
    """Does a request on the rows of `state`."""

    def __init__(self, state: State, rights: dict[str, Rights]) -> None:
        self.before, self.state, self.rights = deepcopy(state), state, rights
        self.asked: list[tuple[str, str, Any]] = []

    def run(self, name: str, action: str, key: Any, payload: Row) -> None:
        if action == "create":
            key = self.create(name, payload)
        elif action == "delete":
            return self.delete(name, key)
        else:
            self.update(name, key, payload)
        for child in payload.get("comments", ()):
            if child.get("$delete"):
                self.delete("comments", child["id"])
            elif "id" in child:
                self.update("comments", child["id"], {**child, "article": key})
            else:
                self.create("comments", {**child, "article": key})
        return None

    def create(self, name: str, payload: Row) -> Any:
        rights, key = self.rights[name], 100 + len(self.asked)
        if rights.levels["create"] == "none":
            raise Refused
        empty: Row = dict.fromkeys(self.before[name][1])
        self.state[name][key] = {**empty, **self.filled(name, "create", payload), "id": key}
        if name == "articles":
            self.state[name][key] |= {"owner": ME, "status": "draft"}
        self.asked.append((name, "create", key))
        return key

    def update(self, name: str, key: Any, payload: Row) -> None:
        rights, old = self.rights[name], self.before[name].get(key)
        if old is None or not all(rights.reaches(action, old, self.before) for action in ("read", "update")):
            raise Refused
        self.state[name][key] |= {**self.filled(name, "update", payload), "id": key}
        self.asked.append((name, "update", key))

    def delete(self, name: str, key: Any) -> None:
        rights, old = self.rights[name], self.before[name].get(key)
        if old is None or not rights.shows("read", old, self.before) or not rights.reaches("delete", old, self.before):
            raise Refused
        self.state[name].pop(key, None)

    def filled(self, name: str, action: str, payload: Row) -> Row:
        own = {field: value for field, value in payload.items() if field != "comments"}
        preset = self.rights[name].presets.get(action, {})
        return {**{field: ME if value == "$CURRENT_USER" else value for field, value in preset.items()}, **own}

    def check(self) -> None:
        for name, action, key in self.asked:
            row, found = self.state[name].get(key), self.rights[name].checks.get(action)
            if row is not None and found is not None and not found[1](row, self.state):
                raise Refused


def request(random: Random) -> tuple[str, str, Any, Row]:
    """Collection, action, key and payload."""
    choice = random.choice
    action = choice(("create", "create", "update", "update", "update", "delete"))
    if random.random() < 0.35:
        payload: Row = {"text": choice(("good", "bad"))} if random.random() < 0.7 else {"writer": 1}
        if random.random() < 0.4:
            payload["article"] = choice((1, 2, None))
        return "comments", action, choice((1, 2)), payload
    payload = {"title": choice(("One", "Two", "Three"))}
    payload |= {"rating": choice((1, 3, 5, None))} if random.random() < 0.5 else {}
    payload |= {"author": choice((1, 2, None))} if random.random() < 0.5 else {}
    if random.random() < 0.5:
        children: list[Row] = [{"text": choice(("good", "bad"))}, {"writer": 2}]
        if action == "update":
            children += [{"id": 1, "text": choice(("good", "bad"))}, {"id": 2, "$delete": True}]
        payload["comments"] = random.sample(children, choice((1, 1, 2)))
    return "articles", action, choice((1, 2)), payload


COLUMNS = {
    "articles": ("id", "title", "rating", "author", "owner", "status"), "comments": ("id", "article", "text", "writer"),
    "authors": ("id", "name"),
}  # fmt: skip


async def stored(house: House) -> State:
    found: State = {}
    for name, columns in COLUMNS.items():
        rows = [dict(zip(columns, row, strict=True)) for row in await house.rows(name, *columns)]
        for row in rows:
            if row.get("rating") is not None:
                row["rating"] = float(row["rating"])  # decimals of some, text of others
        found[name] = {row["id"]: row for row in rows}
    return found


def comparable(state: State) -> list[str]:
    """Rows whatever the keys of new ones are."""

    def plain(name: str, key: str, value: Any) -> Any:
        of = {"id": name, "article": "articles"}.get(key)
        if of is not None and value is not None and value > len(ROWS[of]):
            return "new"
        return float(value) if key == "rating" and value is not None else value

    return sorted(
        json.dumps({key: plain(name, key, value) for key, value in row.items()} | {"": name})
        for name, rows in state.items()
        for row in rows.values()
    )


async def differs(house: House, seeds: int) -> str:
    """The first write that ends otherwise than the judge says, in words; empty when there is none."""
    for seed in range(seeds):
        random = Random(seed)
        await reset(house)
        rights = {name: Rights(random, name) for name in ("articles", "comments")}
        for name, one in rights.items():
            await house.grant(name, **one.row)
        name, action, key, payload = request(random)
        before = await stored(house)
        naive = Naive(deepcopy(before), rights)
        try:
            naive.run(name, action, key, payload)
            naive.check()
            wanted = comparable(naive.state)
        except Refused:
            wanted = comparable(before)
        keys = {} if action == "create" else {"keys": (str(key),)}
        with suppress(AccessError, ItemNotFound):
            await house.write(action, name, *(() if action == "delete" else (payload,)), user=ME, **keys)
        found = comparable(await stored(house))
        if found != wanted:
            told = {one: part.row for one, part in rights.items()}
            return f"seed {seed}: {action} {name} {key} {payload}\n{told}\nwanted {wanted}\nfound {found}"
    return ""


async def test_writes_do_what_the_rules_say(house: House) -> None:
    difference = await differs(house, SEEDS)
    assert not difference, difference


def rules_of_stored_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(load, "rule_scope", lambda *_: EVERYTHING)


def presets(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pipeline, "preset", lambda caller, nodes, rows, now: nodes)


def checks_after_the_write(patch: pytest.MonkeyPatch) -> None:
    async def hold(*_: Any) -> None:
        return

    patch.setattr(checks, "hold", hold)


def rules_that_mean_nothing(patch: pytest.MonkeyPatch) -> None:
    meaning = restrict.rule_meaning

    def opened(*arguments: Any) -> Any:
        try:
            return meaning(*arguments)
        except Misunderstood:
            return EVERYTHING

    patch.setattr(restrict, "rule_meaning", opened)


@pytest.mark.parametrize(
    "mutant",
    [rules_of_stored_rows, presets, checks_after_the_write, rules_that_mean_nothing],
    ids=lambda one: one.__name__,
)
async def test_without_a_part_a_difference_is_found(mutant: Any, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    if house.dialect != "sqlite":
        pytest.skip("one database shows it")
    house.project.plans.clear()
    mutant(monkeypatch)
    difference = await differs(house, MUTANT_SEEDS)
    house.project.plans.clear()
    assert "wanted" in difference

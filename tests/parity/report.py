"""In charge of the verdict on a replay: what agrees, what is meant to differ, what does not agree; counted by family.

It must not compare values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.parity.comparison import Difference, Exchange

CLAIMED = (
    "server", "home", "project", "cors", "error", "items", "collections", "fields", "relations", "settings", "presets",
    "extensions", "gql", "activity", "revisions", "webhooks", "webhook", "scim", "utils", "users", "roles",
    "permissions", "mail", "custom", "public", "editor", "files", "folders", "assets", "uploads",
    "auth", "scratch",
)  # fmt: skip
"""Families that must agree: all that were recorded. One that is not named here is counted and shown, not asserted."""

HEADING = "## Recorded answers that differ"
ROW = re.compile(r"\| `(?P<name>[^`]+)` \| `(?P<at>[^`]+)` \| (?P<on>[a-z, ]*) \| (?P<reason>.+) \|$")
DIALECTS = ("sqlite", "postgres", "mysql")


REPORTS: pytest.StashKey[list[Report]] = pytest.StashKey()
"""Where a run of the suite keeps its reports until its end."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A difference that is meant to be. `name` and `at` may have `*`; `on`: the dialects that show it."""

    name: str
    at: str
    on: tuple[str, ...]
    reason: str

    def covers(self, name: str, at: str, dialect: str) -> bool:
        """Whether this explains a difference of a record on a dialect."""
        return dialect in self.on and fnmatchcase(name, self.name) and fnmatchcase(at, self.at)


def listed(document: Path) -> list[Listed]:
    """The differences listed in docs/differences.md. Raises ValueError for a row that cannot be read."""
    _, _, section = document.read_text(encoding="utf-8").partition(HEADING)
    section = section.partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [_listed(row) for row in rows if not row.startswith("| -")]


def _listed(row: str) -> Listed:
    found = ROW.match(row)
    on = tuple(name for name in re.split(r"[, ]+", found["on"]) if name) if found else ()
    if not found or not set(on) <= set(DIALECTS):
        raise ValueError(f"not a row of a record, a place, databases and a reason: {row}")
    return Listed(found["name"], found["at"], on or DIALECTS, found["reason"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one record that is compared."""

    name: str
    family: str
    open: tuple[Difference, ...]
    """Differences that nobody has listed."""
    meant: tuple[Difference, ...]

    @property
    def outcome(self) -> str:
        return "differs" if self.open else "listed" if self.meant else "ok"


@dataclass(frozen=True, slots=True)
class Report:
    """A replay on one dialect, judged."""

    dialect: str
    verdicts: tuple[Verdict, ...]
    stale: tuple[Listed, ...]
    """Listed differences that are not there."""
    uncompared: int

    def of(self, family: str) -> list[Verdict]:
        """The verdicts on a family."""
        return [verdict for verdict in self.verdicts if verdict.family == family]

    def lines(self) -> Iterator[str]:
        """The counts by family, as text."""
        families = dict.fromkeys(verdict.family for verdict in self.verdicts)
        yield f"{self.dialect:12} {'agree':>6} {'listed':>7} {'differ':>7}"
        for family in sorted(families, key=lambda name: (name not in CLAIMED, name)):
            yield _counted(family + ("" if family in CLAIMED else " …"), self.of(family))
        yield _counted("all", self.verdicts) + f"   ({self.uncompared} sent and not compared)"


def judge(dialect: str, exchanges: Iterable[Exchange], meant: Sequence[Listed]) -> Report:
    """Sort the differences of a replay into those that are listed and those that are not."""
    verdicts: list[Verdict] = []
    used: set[Listed] = set()
    unknown: set[str] = set()
    for exchange in exchanges:
        if exchange.comparison is None:
            unknown.add(exchange.record.name)
            continue
        name = exchange.record.name
        explained: list[Difference] = []
        unexplained: list[Difference] = []
        for difference in exchange.comparison.differences:
            reasons = [one for one in meant if one.covers(name, difference.at, dialect)]
            used.update(reasons)
            (explained if reasons else unexplained).append(difference)
        verdicts.append(Verdict(name, exchange.record.family, tuple(unexplained), tuple(explained)))
    # Nobody can say that a difference from an answer that is kept back is not there.
    stale = tuple(one for one in meant if dialect in one.on and one not in used and one.name not in unknown)
    return Report(dialect, tuple(verdicts), stale, len(unknown))


def _counted(title: str, verdicts: Iterable[Verdict]) -> str:
    outcomes = [verdict.outcome for verdict in verdicts]
    counts = [outcomes.count(outcome) for outcome in ("ok", "listed", "differs")]
    return f"{title:12} {counts[0]:6} {counts[1]:7} {counts[2]:7}"


def described(verdict: Verdict, most: int = 12) -> str:
    """A verdict with its unlisted differences, for people."""
    lines = [f"{verdict.name}"]
    lines += [f"    {one.kind} {one.at}: recorded {one.recorded!r}, here {one.own!r}" for one in verdict.open[:most]]
    if len(verdict.open) > most:
        lines.append(f"    … and {len(verdict.open) - most} more")
    return "\n".join(lines)

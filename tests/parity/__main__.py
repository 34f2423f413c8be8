"""In charge of showing developers what differs: `python -m tests.parity --dialect sqlite --family items --verbose`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import tempfile
from pathlib import Path

import structlog

from tests.parity import recordings
from tests.parity.player import replay
from tests.parity.report import DIALECTS, described, judge, listed

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Replay, print the differences that are not listed, and the counts by family."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=main.__doc__)
    parser.add_argument("--dialect", choices=DIALECTS, default="sqlite")
    parser.add_argument("--family", action="append", help="only these (repeat); all without it")
    parser.add_argument("--record", help="one record, with all that was sent and answered")
    parser.add_argument("--verbose", action="store_true", help="print every difference of a record")
    asked = parser.parse_args()
    shared = Path(os.environ.get("TABULARIUM_SHARED") or ROOT.parent / "shared")
    records = recordings.load(shared / "parity" / "recordings.jsonl")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="tab_par_") as folder:
        exchanges = asyncio.run(replay(asked.dialect, records, Path(folder)))
    for exchange in exchanges:
        if exchange.record.name == asked.record:
            print(exchange.record, exchange.own, sep="\n\n")
    report = judge(asked.dialect, exchanges, listed(ROOT / "docs" / "differences.md"))
    for verdict in report.verdicts:
        if verdict.open and not asked.record and (not asked.family or verdict.family in asked.family):
            print(described(verdict, most=10_000 if asked.verbose else 4))
    for entry in report.stale:
        print(f"listed, but agrees: {entry.name} {entry.at}")
    print(*report.lines(), sep="\n")


if __name__ == "__main__":
    main()

"""In charge of measuring reads while a project of many collections is read anew: p95 alone, p95 meanwhile, how long.

`python -m bench rebuild` starts a server on a fresh database of each kind and sends reads from a process of their own.
Each change is one table more and one entry of the change log, as another process of the server would make it.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from core.catalog.changes import log_change
from core.db.gateway import Store
from core.sql.ddl import quote
from tests import backends
from tests.projects import ADMIN_TOKEN, body, projects

FIELDS = 10
PATHS = {"list": "/items/t{:03}?limit=20", "by id": "/items/t{:03}/1", "relation": "/items/t{:03}?fields=*,parent.*"}
HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
LONGEST = 3.0
RATIO = 2.0
QUIET = 1.2
"""Seconds before, between and after the changes."""
MOST_SECONDS = 300.0
Sample = tuple[str, float, float]
"""What was read, when that began, how long it took."""


def main(arguments: Sequence[str]) -> None:
    """Measures and prints one line for each database and kind of read."""
    options = _options(arguments)
    print(f"{options.collections} collections of {FIELDS} fields; {options.rounds} changes, {options.readers} readers")
    print(f"{'':9} {'rebuild':>11} {'reads':>9} {'alone: p50':>10} {'p95':>6} {'meanwhile: p50':>14} {'p95':>6}  ratio")
    for dialect in options.databases.split(","):
        found = backends.backend(dialect)
        if not found.available:
            print(f"{dialect:9} skipped: {found.reason}")
            continue
        with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as folder:
            with backends.fresh_database(dialect, Path(folder)) as url:
                asyncio.run(_measured(dialect, url, Path(folder) / "data", options))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench rebuild", description=__doc__)
    parser.add_argument("--databases", default=",".join(backends.DIALECTS))
    parser.add_argument("--collections", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--readers", type=int, default=1, help="clients that ask one request after another")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds that a reader waits between its requests")
    return parser.parse_args(arguments)


async def _measured(dialect: str, url: str, data: Path, options: argparse.Namespace) -> None:
    from bench.__main__ import _free_port, _running

    async with projects(data) as found:
        made = await found.create(body(url), trusted=True)
        await fill(await made.store(), options.collections)
    port = _free_port()
    environment = {**os.environ, "TABULARIUM_DATA": str(data), "TABULARIUM_DEFAULT_PROJECT": ""}
    command = [sys.executable, "-m", "core.cli", "serve", "--port", str(port)]
    with _running(command, environment, port), ProcessPoolExecutor(1) as apart:
        ask(port, "/items/t000")
        store = await Store.open(url)
        try:
            loop = asyncio.get_running_loop()
            reading = loop.run_in_executor(apart, reads, port, str(data / "end"), options.readers, options.pause)
            await asyncio.sleep(QUIET)
            windows = [await _change(store, port, number) for number in range(options.rounds)]
            (data / "end").touch()
            found = await reading
        finally:
            await store.close()
    _report(dialect, found, windows)


async def fill(store: Store, collections: int) -> None:
    """Tables in a ring of relations, each with a few rows and the rows of metadata that the app would write."""
    group, dialect = quote("group", store.dialect), store.dialect
    async with store.write() as connection:
        for number in range(collections):
            name, parent = f"t{number:03}", f"t{(number + 1) % collections:03}"
            fields = [f"f{place}" for place in range(FIELDS - 2)]
            columns = ", ".join(f"{field} VARCHAR(50)" for field in fields)
            await connection.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, parent INTEGER, {columns})")
            values = ", ".join("'some text'" for _ in fields)
            rows = ", ".join(f"({key}, {key}, {values})" for key in range(1, 21))
            await connection.execute(f"INSERT INTO {name} VALUES {rows}")
            true = "true" if dialect == "postgres" else "1"
            await connection.execute(
                f"INSERT INTO directus_collections (collection, managed) VALUES ('{name}', {true})"
            )
            typed = [("id", "integer", "primary-key"), ("parent", "m2o", "many-to-one")]
            typed += [(field, "string", "text-input") for field in fields]
            said = ", ".join(f"('{name}', '{field}', '{kind}', '{face}')" for field, kind, face in typed)
            await connection.execute(f"INSERT INTO directus_fields (collection, field, type, interface) VALUES {said}")
            await connection.execute(
                "INSERT INTO directus_relations (collection_many, field_many, collection_one)"
                f" VALUES ('{name}', 'parent', '{parent}')"
            )
        await log_change(connection, "schema")
    del group


async def _change(store: Store, port: int, number: int) -> tuple[float, float]:
    """One table more; from when until when the server read its project anew."""
    async with store.write() as connection:
        await connection.execute(f"CREATE TABLE zz{number} (id INTEGER PRIMARY KEY, parent INTEGER)")
        await log_change(connection, "schema", f"zz{number}")
    began = time.monotonic()
    await asyncio.to_thread(ask, port, f"/items/zz{number}")
    ended = time.monotonic()
    await asyncio.sleep(QUIET)
    return began, ended


def ask(port: int, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    _read(connection, path)
    connection.close()


def _read(connection: http.client.HTTPConnection, path: str) -> None:
    connection.request("GET", "/main" + path, headers=HEADERS)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"GET {path} was answered {answer.status}: {json.loads(content)}")


def reads(port: int, until: str, readers: int, pause: float) -> list[Sample]:
    """Read all the time, until a file is there; in a process of its own, so that nothing here slows it down."""
    end, found = time.monotonic() + MOST_SECONDS, list[Sample]()

    def read(reader: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        number = reader
        while time.monotonic() < end and not (number % 20 == 0 and Path(until).exists()):
            number += 1
            name = list(PATHS)[number % len(PATHS)]
            began = time.monotonic()
            _read(connection, PATHS[name].format(number % 50))
            found.append((name, began, time.monotonic() - began))
            if pause:
                time.sleep(pause)
        connection.close()

    threads = [threading.Thread(target=read, args=(reader,)) for reader in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _report(dialect: str, samples: list[Sample], windows: list[tuple[float, float]]) -> None:
    def overlaps(sample: Sample, margin: float = 0.0) -> bool:
        return any(began < sample[1] + sample[2] and sample[1] < ended + margin for began, ended in windows)

    # Quiet times lie between the changes: what else the machine does changes from one second to the next.
    alone = [sample for sample in samples if not overlaps(sample, QUIET / 4)]
    meanwhile = [sample for sample in samples if overlaps(sample)]
    took = sorted(ended - began for began, ended in windows)
    for name in (*PATHS, "all"):
        one, other = (sorted(s[2] * 1000 for s in found if name in ("all", s[0])) for found in (alone, meanwhile))
        ratio = share(other, 0.95) / share(one, 0.95)
        missed = "" if ratio <= RATIO and took[-1] <= LONGEST else "  too slow"
        print(
            f"{dialect:9} {took[len(took) // 2]:4.2f}–{took[-1]:4.2f} s {name:>9}"
            f" {share(one, 0.5):10.2f} {share(one, 0.95):6.2f} {share(other, 0.5):14.2f} {share(other, 0.95):6.2f}"
            f" {ratio:6.2f} of {len(other)}{missed}",
            flush=True,
        )


def share(sorted_: Sequence[float], share: float) -> float:
    return sorted_[min(len(sorted_) - 1, int(len(sorted_) * share))] if sorted_ else float("nan")

"""In charge of measuring reads while people sign in: p95 alone, p95 with twenty logins a second, how long logins take.

`python -m bench logins` starts a server on a fresh database of each kind, with password hashes as costly as they are by
default, and sends reads from a process of their own. Logins are sent at their times, whether or not earlier ones have
been answered; on few cores more come than can be hashed, and then they wait for each other, not the reads for them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import httpx2

from bench.rebuild import RATIO, Sample, ask, fill, reads, share
from core.auth.hashing import hash_password
from core.db.gateway import Store
from core.sql.ddl import quote
from tests import backends
from tests.projects import body, projects

COLLECTIONS = 50
PASSWORD = "a pass-phrase of somebody"
Login = tuple[float, float]
"""When it was sent, when it was answered."""


def main(arguments: Sequence[str]) -> None:
    """Measures and prints one line for each database and kind of read."""
    options = _options(arguments)
    print(f"{options.rate} logins a second for {options.seconds} s, {options.rounds} times; {options.readers} readers")
    print(f"{'':9} {'reads':>9} {'alone: p50':>10} {'p95':>6} {'meanwhile: p50':>14} {'p95':>6}  ratio")
    for dialect in options.databases.split(","):
        found = backends.backend(dialect)
        if not found.available:
            print(f"{dialect:9} skipped: {found.reason}")
            continue
        with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as folder:
            with backends.fresh_database(dialect, Path(folder)) as url:
                asyncio.run(_measured(dialect, url, Path(folder) / "data", options))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench logins", description=__doc__)
    parser.add_argument("--databases", default=",".join(backends.DIALECTS))
    parser.add_argument("--rate", type=int, default=20, help="logins a second")
    parser.add_argument("--seconds", type=float, default=4.0, help="of logins, and of quiet before and after")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--users", type=int, default=60)
    parser.add_argument("--readers", type=int, default=1, help="clients that ask one request after another")
    parser.add_argument("--pause", type=float, default=0.002, help="seconds that a reader waits between its requests")
    return parser.parse_args(arguments)


async def _measured(dialect: str, url: str, data: Path, options: argparse.Namespace) -> None:
    from bench.__main__ import _free_port, _running

    async with projects(data) as found:
        made = await found.create(body(url, auth={"hashing": {}}), trusted=True)
        await fill(await made.store(), COLLECTIONS)
        await _invite(await made.store(), options.users)
    port = _free_port()
    environment = {**os.environ, "TABULARIUM_DATA": str(data), "TABULARIUM_DEFAULT_PROJECT": ""}
    command = [sys.executable, "-m", "core.cli", "serve", "--port", str(port)]
    with _running(command, environment, port), ProcessPoolExecutor(1) as apart:
        ask(port, "/items/t000")
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(apart, reads, port, str(data / "end"), options.readers, options.pause)
        rounds: list[list[Login]] = []
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}/main", timeout=300) as client:
            await asyncio.sleep(options.seconds)
            for _ in range(options.rounds):
                rounds.append(await _sign_in(client, options))
                await asyncio.sleep(options.seconds)
        (data / "end").touch()
        samples = await reading
    _report(dialect, samples, rounds, options.seconds)


async def _invite(store: Store, users: int) -> None:
    stored = await hash_password(PASSWORD)
    role = quote("role", store.dialect)
    async with store.write() as connection:
        for number in range(users):
            await connection.execute(
                f"INSERT INTO directus_users (status, {role}, email, password)"
                f" VALUES ('active', 1, 'user{number}@example.com', '{stored}')"
            )


async def _sign_in(client: httpx2.AsyncClient, options: argparse.Namespace) -> list[Login]:
    """Logins at their times, until the last one is answered."""

    async def login(after: float, user: int) -> Login:
        await asyncio.sleep(after)
        began = time.monotonic()
        credentials = {"email": f"user{user}@example.com", "password": PASSWORD}
        answer = await client.post("/auth/authenticate", json=credentials)
        if answer.status_code != 200:
            raise RuntimeError(f"A login was answered {answer.status_code}: {answer.text}")
        return began, time.monotonic()

    number = round(options.rate * options.seconds)
    users = random.Random(0).choices(range(options.users), k=number)
    return await asyncio.gather(*(login(place / options.rate, user) for place, user in enumerate(users)))


def _report(dialect: str, samples: list[Sample], rounds: list[list[Login]], quiet: float) -> None:
    windows = [(min(began for began, _ in one), max(ended for _, ended in one)) for one in rounds]

    def overlaps(sample: Sample, margin: float = 0.0) -> bool:
        return any(began < sample[1] + sample[2] and sample[1] < ended + margin for began, ended in windows)

    alone = [sample for sample in samples if not overlaps(sample, quiet / 8)]
    meanwhile = [sample for sample in samples if overlaps(sample)]
    for name in (*dict.fromkeys(sample[0] for sample in samples), "all"):
        one, other = (sorted(s[2] * 1000 for s in found if name in ("all", s[0])) for found in (alone, meanwhile))
        ratio = share(other, 0.95) / share(one, 0.95)
        print(
            f"{dialect:9} {name:>9} {share(one, 0.5):10.2f} {share(one, 0.95):6.2f} {share(other, 0.5):14.2f}"
            f" {share(other, 0.95):6.2f} {ratio:6.2f} of {len(other)}{'' if ratio <= RATIO else '  too slow'}",
            flush=True,
        )
    took = sorted(ended - began for one in rounds for began, ended in one)
    each = sum(len(one) for one in rounds) / sum(ended - began for began, ended in windows)
    print(f"{dialect:9}    logins: {each:.1f} a second, p50 {share(took, 0.5):.2f} s, p95 {share(took, 0.95):.2f} s")

"""In charge of the benchmark run: database, servers, load, and the table of figures beside limits and peers.

Needs PostgreSQL, wrk and the folder of workloads (TABULARIUM_SHARED/bench). Sends load to this machine only; every run
is bounded in time. `python -m bench --help` says what can be set; `python -m bench rebuild`, `python -m bench
assets` and `python -m bench logins` measure other things.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("TABULARIUM_SHARED", ROOT.parent / "shared")) / "bench"
TOKEN = "bench-static-token-of-the-admin"
LIMITS = {"W1": 0.6, "W2": 0.7, "W3": 2.0, "W4": 2.0, "W5": 0.9, "W8": 7.5, "W6": 2.0, "W7": 2.0}
"""Server CPU, milliseconds a request."""
PEER = {"W1": 3.12, "W2": 3.50, "W3": 8.09, "W4": 7.80, "W5": 4.47, "W8": 22.6, "W6": 6.09, "W7": 6.22}
"""Directus 12 by REST on the same kind of machine, from the recorded results."""
GRAPHQL_RATIO = 1.3
RSS_LIMIT_MB = 150


def main() -> None:
    """Measures the server by REST and GraphQL and the bare reference, and prints the comparison."""
    if sys.argv[1:2] == ["rebuild"]:
        from bench import rebuild

        rebuild.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["assets"]:
        from bench import assets

        assets.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["logins"]:
        from bench import logins

        logins.main(sys.argv[2:])
        return
    options = _options()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed to send the load (Debian package wrk).")
    if not (SHARED / "run.py").exists():
        sys.exit(f"The workloads are not at {SHARED}; set TABULARIUM_SHARED.")
    _database(options.database, fresh=options.fresh)
    with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as folder:
        out = Path(folder) / "results.jsonl"
        with _tabularium(options.database, Path(folder)) as (port, process):
            for kind in ("directus8-rest", "directus8-gql-ext"):
                _measure(kind, port, process, out, options, project="main")
        with _reference(options.database) as (port, process):
            _measure("directus8-rest", port, process, out, options, project="main", name="reference")
        _report([json.loads(line) for line in out.read_text().splitlines()])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--database",
        default=f"postgresql://{getpass.getuser()}@127.0.0.1:5432/tabularium_bench",
        help="made when absent",
    )
    parser.add_argument("--fresh", action="store_true", help="build the dataset anew")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--workloads", default=",".join(LIMITS))
    return parser.parse_args()


def _psql(url: str, *arguments: str) -> str:
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _database(url: str, *, fresh: bool) -> None:
    """The dataset and the metadata rows that name the alias fields which the workloads read."""
    name = urlsplit(url).path.lstrip("/")
    server = url.rsplit("/", 1)[0] + "/postgres"
    exists = _psql(server, "-c", f"SELECT 1 FROM pg_database WHERE datname = '{name}'") == "1"
    if exists and not fresh:
        _psql(url, "-f", str(SHARED / "reset.sql"))
        return
    if exists:
        _psql(server, "-c", f'DROP DATABASE "{name}" WITH (FORCE)')
    _psql(server, "-c", f'CREATE DATABASE "{name}"')
    _psql(url, "-f", str(SHARED / "dataset.sql"))


METADATA = """
INSERT INTO directus_relations (collection_many, field_many, collection_one, field_one, junction_field) VALUES
  ('articles_tags', 'articles_id', 'articles', 'tags', 'tags_id'),
  ('articles_tags', 'tags_id', 'tags', NULL, 'articles_id'),
  ('comments', 'article_id', 'articles', 'comments', NULL);
INSERT INTO directus_fields (collection, field, type, interface) VALUES
  ('articles', 'tags', 'o2m', 'many-to-many'), ('articles', 'comments', 'o2m', 'one-to-many');
INSERT INTO directus_collections (collection) VALUES
  ('articles'), ('authors'), ('categories'), ('tags'), ('articles_tags'), ('comments');
"""


@contextmanager
def _tabularium(url: str, folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The server under test, one worker, on a project made of the existing database."""
    port = _free_port()
    environment = {
        **os.environ,
        "TABULARIUM_DATA": str(folder / "data"),
        "TABULARIUM_PORT": str(port),
        "TABULARIUM_DEFAULT_PROJECT": "",
    }
    tables = _system_tables(url)
    if tables:
        _psql(url, "-c", f"DROP TABLE {', '.join(tables)} CASCADE")
    command = [str(Path(sys.executable).with_name("tabularium")), "project", "create", "main", "--database", url]
    command += ["--token", TOKEN]
    subprocess.run(command, check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    _psql(url, "-c", METADATA)
    with _running([sys.executable, str(ROOT / "app.py")], environment, port) as process:
        yield port, process


def _system_tables(url: str) -> list[str]:
    text = _psql(url, "-c", "SELECT quote_ident(tablename) FROM pg_tables WHERE tablename LIKE 'directus\\_%'")
    return text.split()


@contextmanager
def _reference(url: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "bench.reference:app", "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning"]
    with _running(command, {**os.environ, "REFERENCE_URL": url}, port) as process:
        yield port, process


@contextmanager
def _running(command: list[str], environment: dict[str, str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        _wait(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    started = time.monotonic()
    while time.monotonic() < started + 30:
        if process.poll() is not None:
            sys.exit(f"A server ended at once with status {process.returncode}.")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/server/ping", timeout=2).read()
        except OSError:
            time.sleep(0.05)
        else:
            print(f"# ready after {time.monotonic() - started:.2f} s", flush=True)
            return
    sys.exit("A server did not get ready.")


def _measure(
    kind: str,
    port: int,
    process: subprocess.Popen[bytes],
    out: Path,
    options: argparse.Namespace,
    *,
    project: str,
    name: str | None = None,
) -> None:
    workloads = options.workloads if kind != "directus8-gql-ext" else _reads(options.workloads)
    command = [sys.executable, str(SHARED / "run.py"), "--kind", kind, "--url", f"http://127.0.0.1:{port}"]
    command += ["--token", TOKEN, "--project", project, "--pid", str(process.pid), "--out", str(out)]
    command += ["--seconds", str(options.seconds), "--warmup", "2", "--repeats", str(options.repeats)]
    command += ["--workloads", workloads, *(("--name", name) if name else ())]
    command += ["--db-pid", str(_postmaster(options.database))]
    subprocess.run(command, check=True, cwd=SHARED)


def _postmaster(url: str) -> int:
    """The root process of the database server, for its share of the CPU; 1 (nothing) when it may not be known."""
    try:
        folder = _psql(url, "-c", "SHOW data_directory")
        return int((Path(folder) / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, subprocess.CalledProcessError):
        return 1


def _reads(workloads: str) -> str:
    """The workloads that GraphQL documents exist for."""
    return ",".join(name for name in workloads.split(",") if name not in ("W6", "W7"))


def _report(rows: list[dict[str, Any]]) -> None:
    cost = {(row["name"], row["w"]): row for row in rows}
    print("\nServer CPU, ms a request (req/s)")
    print(f"{'':3} {'limit':>6} {'REST':>15} {'GraphQL':>15} {'bare':>15} {'Directus 12':>12}  verdict")
    failed = False
    for name, limit in LIMITS.items():
        rest, graphql = cost.get(("directus8-rest", name)), cost.get(("directus8-gql-ext", name))
        if rest is None:
            continue
        slow = rest["srv_ms"] > limit or bool(graphql and graphql["srv_ms"] > rest["srv_ms"] * GRAPHQL_RATIO)
        failed = failed or slow or rest["errors"] > 0
        cells = [_cell(rest), _cell(graphql), _cell(cost.get(("reference", name)))]
        verdict = "too slow" if slow else "ok"
        print(f"{name:3} {limit:6.2f} {cells[0]:>15} {cells[1]:>15} {cells[2]:>15} {PEER[name]:12.2f}  {verdict}")
    memory = max((row["rss_mb"] or 0 for row in rows if row["name"] != "reference"), default=0)
    print(f"RSS {memory} MB (limit {RSS_LIMIT_MB})")
    print("A shared machine: compare CPU, and figures of one run." + ("  Limits were missed." if failed else ""))


def _cell(row: dict[str, Any] | None) -> str:
    return "-" if row is None else f"{row['srv_ms']:.2f} ({row['rps']:.0f})"


if __name__ == "__main__":
    main()

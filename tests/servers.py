"""In charge of real server processes for tests that kill them or ask them all at once. Makes no projects."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("TABULARIUM_", "DIRECTUS_"))}
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Served:
    """A server process that answers."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it as a power failure would: it has no time for anything."""
        self.process.kill()
        self.process.wait(20)


@contextmanager
def served(data: Path) -> Iterator[Served]:
    """A server on a data folder; terminated at the end, if it still runs."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "core.cli", "serve", "--port", str(port)],
        cwd=ROOT,
        env={**CLEAN, "TABULARIUM_DATA": str(data), "TABULARIUM_DEFAULT_PROJECT": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, port)
        yield Served(process, port)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/server/ping", timeout=5).read()
        except OSError:
            assert process.poll() is None, f"the server ended with status {process.returncode}"
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.05)
        else:
            return

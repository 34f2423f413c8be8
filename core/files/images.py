"""In charge of the processes that make pictures (`picture.py`): how many, how long, what becomes of one that fails.

Processes, not threads: what decodes strangers' files can be bounded in memory, put behind requests, and killed. They
start when they are needed and end when nothing was asked for a while. It knows no storage and no rights.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import structlog

from core.errors import TooManyRequests

T = TypeVar("T")

PROGRAM = Path(__file__).with_name("picture.py")
INHERITED = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ")
"""What of the environment such a process gets: nothing that is secret."""
USUAL_MOST = 2
TIME_LIMIT = 120.0
"""Seconds until an answer; a machine that is busy takes longer for what `picture.SECONDS` bounds as well."""
IDLE = 60.0
"""Seconds without work after which the processes end."""
MOST_WAITING = 500
"""Pictures that may wait to be made; whoever asks for one more is told to come again."""
ANSWER = 65536


class NoPicture(Exception):
    """No picture can be made of a file."""


def usual_workers() -> int:
    """One processor is left to requests."""
    return max(1, min((os.cpu_count() or 1) - 1, USUAL_MOST))


class Images:
    """Makes pictures, a few at a time. One for the whole server, because the processors are; belongs to one loop."""

    def __init__(self, workers: int = 0) -> None:
        self.workers = workers or usual_workers()
        self._turns = asyncio.Semaphore(self.workers)
        self._waiting = 0
        self._pool: ThreadPoolExecutor | None = None
        self._idle: list[Worker] = []
        self._resting: asyncio.TimerHandle | None = None

    async def make(self, source: BinaryIO, target: BinaryIO, order: Mapping[str, Any]) -> tuple[int, int]:
        """Write the picture that is ordered (the arguments of `picture.make`) and give its width and height.

        Both files are real ones. Raises NoPicture.
        """
        return await self._in_thread(self._make, source, target, order)

    def turn(self) -> Turn:
        """A place among those who may make pictures now: an `async with`. Raises TooManyRequests."""
        return Turn(self)

    async def close(self) -> None:
        """End the processes."""
        if self._resting is not None:
            self._resting.cancel()
        if self._pool is not None:
            await self._in_thread(self._end_idle)
            await asyncio.to_thread(self._pool.shutdown)
            self._pool = None

    async def enter(self) -> None:
        """Wait for a place. Raises TooManyRequests."""
        if self._waiting >= MOST_WAITING:
            raise TooManyRequests
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        if self._resting is not None:
            self._resting.cancel()

    def leave(self) -> None:
        """Give the place to the next one."""
        self._turns.release()
        loop = asyncio.get_running_loop()
        if self._resting is not None:
            self._resting.cancel()
        self._resting = loop.call_later(IDLE, self._rest)

    def _rest(self) -> None:
        if self._pool is not None and self._idle:
            self._pool.submit(self._end_idle)

    async def _in_thread(self, work: Callable[..., T], *given: Any) -> T:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="images")
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *given)

    # In threads; `list.pop` and `append` are atomic.

    def _make(self, source: BinaryIO, target: BinaryIO, order: Mapping[str, Any]) -> tuple[int, int]:
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = Worker()
        try:
            found = worker.ask(source, target, order)
        except BaseException:
            worker.kill()
            raise
        self._idle.append(worker)
        if "refused" in found:
            raise NoPicture(found["refused"])
        width, height = found["size"]
        return width, height

    def _end_idle(self) -> None:
        while self._idle:
            self._idle.pop().end()


class Turn:
    """A place among those who make pictures, while it is held."""

    def __init__(self, images: Images) -> None:
        self._images = images

    async def __aenter__(self) -> None:
        await self._images.enter()

    async def __aexit__(self, *error: object) -> None:
        self._images.leave()


class Worker:
    """One such process, and the socket over which it is asked."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        try:
            with theirs:
                number = theirs.fileno()
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, "-I", "-B", str(PROGRAM), str(number)],
                    pass_fds=(number,),
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
        except BaseException:
            ours.close()
            raise
        self._socket = ours

    def ask(self, source: BinaryIO, target: BinaryIO, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the process answers. Raises NoPicture when it takes too long or has died."""
        began = time.monotonic()
        try:
            self._socket.settimeout(TIME_LIMIT)
            socket.send_fds(self._socket, [json.dumps(order).encode()], [source.fileno(), target.fileno()])
            found = b""
            while not found.endswith(b"\n"):
                self._socket.settimeout(max(0.001, began + TIME_LIMIT - time.monotonic()))
                piece = self._socket.recv(ANSWER)
                if not piece:
                    raise ConnectionError("it ended")
                found += piece
        except OSError as error:  # also a time limit
            structlog.get_logger().warning("a picture was given up", reason=str(error) or type(error).__name__)
            raise NoPicture("given up") from None
        answer: Mapping[str, Any] = json.loads(found)
        return answer

    def end(self) -> None:
        """Let it end: nobody will ask it any more."""
        self._socket.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it, whatever it is doing."""
        self._socket.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

"""In charge of how long work in a thread gives way to requests, and of the garbage collector meanwhile. Knows no work.

A thread that computes takes the interpreter from the event loop at every system call of a request. So it works in small
steps: after half a millisecond of its own time it rests for twice as long, and requests find the interpreter free.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
Pause = Callable[[], None]
"""Called between two small steps of long work; it may take its time."""

WORK, REST = 0.0005, 0.001
_USUAL = gc.get_threshold()
_MIDDLE, _NEVER = 2, 1_000_000


def unpaced() -> None:
    """Goes on at once: nobody is waiting."""


class Pace:
    """A pause for one thread that was handed work. Made anew for each piece of work."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = 0.0

    def __call__(self) -> None:
        if time.thread_time() >= self._until:
            time.sleep(REST)
            self._until = time.thread_time() + WORK


def paced(steps: Iterable[T], pause: Pause) -> Iterator[T]:
    """The same, with a pause after each."""
    for step in steps:
        yield step
        pause()


@contextmanager
def lasting() -> Iterator[None]:
    """What is made in this block stays for long: the garbage collector looks only at what is young meanwhile.

    Afterwards it never looks at any of it again: to walk through a schema of 300 collections takes a fifth of a second,
    in which no request goes on. Who makes things that refer to each other in circles takes them apart in the end.
    """
    gc.set_threshold(_USUAL[0], _MIDDLE, _NEVER)
    try:
        yield
    finally:
        # What became garbage just now must not stay for good.
        gc.collect(1)
        gc.freeze()
        gc.set_threshold(*_USUAL)


def search_everything() -> None:
    """Look for garbage also in what was made to last. Takes a fraction of a second, in which nothing else goes on."""
    gc.unfreeze()
    gc.collect()

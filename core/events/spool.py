"""In charge of events that wait for the commit of a long transaction: many of them wait on disk. Tells nobody."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Sequence
from typing import IO, Any

from core.events.collect import Told

MOST_HELD = 2_000


class Spool:
    """Where one transaction keeps its events. The file is nobody else's, and is gone when it is closed."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._held = 0
        self._file: IO[bytes] | None = None

    def keep(self, events: Sequence[Told]) -> Callable[[], Sequence[Told]]:
        """Keep events; what comes back gives them again, once everything is kept, until the spool is closed."""
        self._held += len(events)
        if self._held <= self._most:
            return lambda: events
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the spool
        file, place = self._file, self._file.seek(0, 2)
        pickle.dump(list(events), file, protocol=pickle.HIGHEST_PROTOCOL)
        return lambda: _load(file, place)

    def close(self) -> None:
        """Forget them all."""
        if self._file is not None:
            self._file.close()


def _load(file: IO[bytes], place: int) -> Any:
    file.seek(place)
    return pickle.load(file)  # noqa: S301 - what this process has written to an unnamed file of its own

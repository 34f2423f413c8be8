"""In charge of a content on its way in, as data: bytes that a client has sent as a file. It opens nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """A file as it arrived, spooled: it can be read again. `name`: as the client calls it. Whoever brings it closes it.

    What the client says of its type counts for nothing, so it is not kept.
    """

    file: BinaryIO
    name: str
    size: int

    def close(self) -> None:
        """Let go of the bytes."""
        self.file.close()

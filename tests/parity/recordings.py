"""In charge of what was recorded: requests and answers in the order in which they were sent, as data.

It must not know how they are sent, or when two answers agree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, recorded or our own. `body`: JSON value, text, None for nothing, or the description of binary data."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any


@dataclass(frozen=True, slots=True)
class Record:
    """One request, and what it was answered if that is known."""

    name: str
    method: str
    """Of HTTP; or SMTP and WEBHOOK: what the request before sent out."""
    path: str
    headers: Mapping[str, str]
    body: Any
    answer: Answer | None
    setup: bool
    """Sent for the state it leaves behind; its answer is not compared."""

    @property
    def family(self) -> str:
        return self.name.partition(".")[0]

    @property
    def compared(self) -> bool:
        return self.answer is not None and not self.setup


def load(file: Path) -> list[Record]:
    """The records of a file with one JSON object a line. Raises OSError."""
    with file.open(encoding="utf-8") as lines:
        return [_record(json.loads(line)) for line in lines]


def _record(line: Mapping[str, Any]) -> Record:
    request, answer = line["request"], line["response"]
    return Record(
        name=line["name"],
        method=request["method"],
        path=request["path"],
        headers=request["headers"],
        body=request["body"],
        answer=None if answer is None else Answer(answer["status"], _lower(answer["headers"]), answer["body"]),
        setup=line.get("setup", False),
    )


def _lower(headers: Mapping[str, Any]) -> dict[str, str]:
    return {
        name.lower(): ", ".join(value) if isinstance(value, list) else str(value) for name, value in headers.items()
    }

"""In charge of what is imported, before it is read: a file that arrived, or items that are at hand, and in which form.

It opens no file and reads nothing: whoever brings a file closes the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, Literal

from core.errors import Problem, ValidationFailed

Form = Literal["csv", "json", "ndjson"]
FORMS: tuple[Form, ...] = ("csv", "json", "ndjson")
MEDIA: dict[str, Form] = {
    "text/csv": "csv",
    "application/csv": "csv",
    "application/json": "json",
    "text/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
}
SUFFIXES: dict[str, Form] = {".csv": "csv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson"}


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes that can be read again, or items. `media`: the content type, `name`: of the file, as far as known."""

    file: BinaryIO | None = None
    items: Sequence[Any] | None = None
    media: str = ""
    name: str = ""

    def close(self) -> None:
        """Let go of the file."""
        if self.file is not None:
            self.file.close()

    @classmethod
    def of(cls, data: Any) -> Source:
        """What a client sent as a value: text, a list of items, or a source already. Raises ValidationFailed."""
        if isinstance(data, Source):
            return data
        if isinstance(data, str):
            return cls(BytesIO(data.encode("utf-8", "surrogatepass")))
        if isinstance(data, list | tuple):
            return cls(items=data)
        raise ValidationFailed.of([Problem(("data",), "This value should be text or a list of items.")])

    def form(self, asked: str | None) -> Form:
        """The form: as asked for, else by content type or name. Raises ValidationFailed."""
        if self.items is not None:
            return "json"
        for form in FORMS:
            if asked is not None and asked.lower() == form:
                return form
        if asked is not None:
            raise ValidationFailed.of([Problem(("format",), f"This value should be one of {', '.join(FORMS)}.")])
        kind, _, parameters = self.media.lower().partition(";")
        found = MEDIA.get(kind.strip()) or next(
            (SUFFIXES[end] for end in SUFFIXES if self.name.lower().endswith(end)), None
        )
        if found is None:
            raise ValidationFailed.of([Problem(("format",), "The format of the file is not known.")])
        charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "')
        if charset not in ("", "utf-8", "utf8", "us-ascii"):
            raise ValidationFailed.of([Problem(("format",), "The file should be UTF-8 text.")])
        return found

"""In charge of what is odd in the routes of history: the place of a revision in the path, read as PHP reads numbers."""

from __future__ import annotations

import re
from typing import Any

from core.errors import Problem, ValidationFailed
from rest_adapter.call import Call
from rest_adapter.params import HIGHEST

NUMERIC = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE][+-]?\d{1,2})?\s*", re.ASCII)
NOT_NUMERIC = "This value should be of type numeric."


def one(call: Call) -> dict[str, Any]:
    """The arguments of `…/revisions/:offset`: a list of at most one (spec 03 §11.2).

    A place before the first is as much out of range as one after the last. Raises ValidationFailed for what is no
    number.
    """
    text = call.values["offset"]
    if not NUMERIC.fullmatch(text):
        raise ValidationFailed.of([Problem(("offset",), NOT_NUMERIC)])
    place = int(float(text))
    return {"offset": min(place, HIGHEST) if place >= 0 else HIGHEST, "limit": 1}

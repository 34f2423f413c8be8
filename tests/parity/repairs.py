"""In charge of bringing our state back to the recorded one where a listed difference has left another behind.

Every entry is owed to a difference in docs/differences.md, and says what the recorded server had done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REPAIRS: Mapping[str, tuple[tuple[str, str, Any], ...]] = {}
"""Name of a record → requests of the admin to send after it: method, path, body, in recorded ids."""

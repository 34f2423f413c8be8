"""In charge of importing structlog without rich's tracebacks; imported first by what starts a process. Nothing else.

structlog imports rich when it finds it, a quarter of a second for tracebacks that no server prints.
"""

from __future__ import annotations

import sys
from importlib import import_module


def _import_structlog() -> None:
    hidden = [name for name in ("rich", "rich.traceback") if name not in sys.modules]
    absent: dict[str, None] = dict.fromkeys(hidden)
    sys.modules.update(absent)  # type: ignore[arg-type]
    try:
        import_module("structlog")
    finally:
        for name in hidden:
            del sys.modules[name]


if "structlog" not in sys.modules:
    _import_structlog()

"""In charge of hooks: which events there are, who wants them, how they are called (spec 03 §14). It stores nothing.

This is what modules of hooks import: `from core.hooks import Context, Hooks, Payload, Veto`. How to write one:
docs/hooks.md.
"""

from core.errors import Problem, Veto
from core.hooks.context import Context, Items
from core.hooks.payload import Payload
from core.hooks.registry import Hooks

__all__ = ["Context", "Hooks", "Items", "Payload", "Problem", "Veto"]

"""In charge of endpoints of extensions: their paths, what handlers are given and give, calling them (spec 04 §8.3).

This is what modules of endpoints import: `from core.endpoints import Context, Request, Response, Veto`. How to write
one: docs/endpoints.md. It knows no ASGI and no projects.
"""

from core.endpoints.data import Context, Request, Response
from core.errors import Problem, Veto

__all__ = ["Context", "Problem", "Request", "Response", "Veto"]

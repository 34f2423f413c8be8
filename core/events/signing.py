"""In charge of the headers by which a receiver knows who sends, what it is about, and that nobody has changed it. Pure.

`X-Tabularium-Signature: sha256=<hex>` is the HMAC-SHA256, under the webhook's secret, of the timestamp as it stands in
`X-Tabularium-Timestamp`, a dot, and the body as it was sent (empty for GET).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import quote

from core.settings import ProjectConfig


def secret_of(config: ProjectConfig, webhook: int) -> str:
    """The secret of a webhook, known to the project and to whom an admin has told it.

    It is derived: nothing in the database, which more people read, tells it.
    """
    root: str = config.get("webhooks.secret") or config.secret_key
    return hmac.new(root.encode(), f"webhook {webhook}".encode(), "sha256").hexdigest()


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The value of the header. `timestamp`: seconds since 1970."""
    return "sha256=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, "sha256").hexdigest()


def headers(
    secret: str, *, delivery: int, event: str, collection: str, attempt: int, timestamp: int, body: bytes | None
) -> Mapping[str, str]:
    """All headers of one attempt; `body` None for GET."""
    found = {
        "X-Tabularium-Delivery": str(delivery),
        "X-Tabularium-Event": event,
        # Names of tables may hold what a header may not.
        "X-Tabularium-Collection": quote(collection, safe=""),
        "X-Tabularium-Attempt": str(attempt),
        "X-Tabularium-Timestamp": str(timestamp),
        "X-Tabularium-Signature": signature(secret, timestamp, body or b""),
    }
    return found if body is None else {"Content-Type": "application/json", **found}

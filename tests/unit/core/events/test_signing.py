"""In charge of the headers of a delivery: a receiver checks them with nothing but its secret."""

from __future__ import annotations

import hashlib
import hmac

from core.events.signing import headers, secret_of, signature
from core.settings import ProjectConfig


def config(**webhooks: str) -> ProjectConfig:
    return ProjectConfig.of("main", {"auth": {"secret_key": "a long secret of this test"}, "webhooks": webhooks})


def test_as_a_receiver_computes_it() -> None:
    body = '{"id":1,"title":"é"}'.encode()
    wanted = "sha256=" + hmac.new(b"the secret", b"1772368245." + body, hashlib.sha256).hexdigest()
    assert signature("the secret", 1772368245, body) == wanted
    assert signature("the secret", 1772368246, body) != wanted
    assert signature("the secret", 1772368245, body + b" ") != wanted


def test_each_webhook_has_a_secret_of_its_own() -> None:
    first, second, other = secret_of(config(), 1), secret_of(config(), 2), secret_of(config(secret="another"), 1)
    assert len({first, second, other}) == 3
    assert (first, len(first)) == (secret_of(config(), 1), 64)
    assert "secret" not in first


def test_headers() -> None:
    sent = headers(
        "s", delivery=7, event="item.create:after", collection="artí\nculos", attempt=2, timestamp=5, body=b"{}"
    )
    assert sent == {
        "Content-Type": "application/json",
        "X-Tabularium-Delivery": "7",
        "X-Tabularium-Event": "item.create:after",
        "X-Tabularium-Collection": "art%C3%AD%0Aculos",
        "X-Tabularium-Attempt": "2",
        "X-Tabularium-Timestamp": "5",
        "X-Tabularium-Signature": signature("s", 5, b"{}"),
    }
    without = headers("s", delivery=7, event="e", collection="c", attempt=1, timestamp=5, body=None)
    assert "Content-Type" not in without
    assert without["X-Tabularium-Signature"] == signature("s", 5, b"")

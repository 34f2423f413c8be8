"""In charge of attacks on tokens: none but those that this project signed for this use are taken (spec 02 §3.1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from core.auth.tokens import TokenKeys, fingerprint, is_jwt, peek_project, sign, verify
from core.errors import ExpiredToken, InvalidToken

SECRET = "the secret of the project blog"
KEYS = TokenKeys.of("blog", "5f0c-public", SECRET)
NOW = 1_700_000_000
CLAIMS = {"id": 7, "exp": NOW + 60, "ttl": 20, "type": "auth", "key": "5f0c-public", "project": "blog"}


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(claims: Any = CLAIMS, header: Any = None, secret: str = SECRET, digest: str = "sha256") -> str:
    signed = f"{part(header or {'typ': 'JWT', 'alg': 'HS256'})}.{part(claims)}"
    return f"{signed}.{part(hmac.new(secret.encode(), signed.encode(), digest).digest())}"


def test_a_token_of_the_reference_product_is_taken() -> None:
    assert verify(KEYS, forge(), "auth", now=NOW) == CLAIMS


def test_what_we_sign_is_what_the_reference_product_signs() -> None:
    token = sign(KEYS, "auth", {"id": 7, "sid": 3}, expires=NOW + 60, ttl=20)
    header, payload, _ = token.split(".")
    assert base64.urlsafe_b64decode(header + "==") == b'{"typ":"JWT","alg":"HS256"}'
    assert list(json.loads(base64.urlsafe_b64decode(payload + "=="))) == [
        "id",
        "exp",
        "ttl",
        "type",
        "key",
        "project",
        "sid",
    ]
    assert verify(KEYS, token, "auth", now=NOW) == {**CLAIMS, "sid": 3}


def test_a_claim_cannot_be_overruled_by_the_caller() -> None:
    token = sign(KEYS, "invitation", {"email": "a@b.c", "type": "auth", "project": "other"}, expires=NOW + 60)
    assert verify(KEYS, token, "invitation", now=NOW) == {
        "exp": NOW + 60, "type": "invitation", "key": "5f0c-public", "project": "blog", "email": "a@b.c",
    }  # fmt: skip


@pytest.mark.parametrize("token", [
    forge(secret="another secret"),
    forge(secret=""),
    forge(secret="5f0c-public"),
    forge(header={"typ": "JWT", "alg": "none"}),
    f"{part({'typ': 'JWT', 'alg': 'none'})}.{part(CLAIMS)}.",
    f"{part({'typ': 'JWT', 'alg': 'None'})}.{part(CLAIMS)}.",
    f"{part({'typ': 'JWT', 'alg': 'HS256'})}.{part(CLAIMS)}.",
    forge(header={"typ": "JWT", "alg": "HS512"}, digest="sha512"),
    forge(header={"typ": "JWT", "alg": "RS256"}),
    forge(header={"typ": "JWT"}),
    forge(header={"typ": "JWT", "alg": "HS256", "crit": ["exp"]}),
    forge(header={"typ": "JWT", "alg": "HS256", "jwk": {"kty": "oct", "k": part(b"x")}}, secret="x"),
    forge({**CLAIMS, "type": "reset_password"}),
    forge({**CLAIMS, "type": "request_token"}),
    forge({**CLAIMS, "type": "invitation"}),
    forge({name: value for name, value in CLAIMS.items() if name != "type"}),
    forge({**CLAIMS, "key": "other"}),
    forge({**CLAIMS, "key": None}),
    forge({name: value for name, value in CLAIMS.items() if name != "key"}),
    forge({**CLAIMS, "project": "shop"}),
    forge({**CLAIMS, "project": ["blog"]}),
    forge({name: value for name, value in CLAIMS.items() if name != "exp"}),
    forge({**CLAIMS, "exp": None}),
    forge({**CLAIMS, "exp": "2999-01-01"}),
    forge({**CLAIMS, "exp": True}),
    forge([CLAIMS]),
    forge("text"),
    forge()[:-2],
    forge() + "A",
    forge().replace(".", "..", 1),
    "a.b.c",
    "..",
    "",
    "é.é.é",
    forge({**CLAIMS, "x": "y" * 5000}),
])  # fmt: skip
def test_forged_tokens_are_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        verify(KEYS, token, "auth", now=NOW)


def test_a_changed_claim_breaks_the_signature() -> None:
    header, _, signature = forge().split(".")
    with pytest.raises(InvalidToken):
        verify(KEYS, f"{header}.{part({**CLAIMS, 'id': 1})}.{signature}", "auth", now=NOW)


@pytest.mark.parametrize("exp", [NOW, NOW - 1, NOW - 0.5, 0, -1])
def test_an_expired_token_is_refused_as_such(exp: float) -> None:
    with pytest.raises(ExpiredToken):
        verify(KEYS, forge({**CLAIMS, "exp": exp}), "auth", now=NOW)


def test_the_signature_is_checked_before_the_end() -> None:
    with pytest.raises(InvalidToken):
        verify(KEYS, forge({**CLAIMS, "exp": 1}, secret="another"), "auth", now=NOW)


@pytest.mark.parametrize("kind", ["auth", "request_token", "reset_password", "invitation"])
def test_all_four_kinds_are_verified(kind: str) -> None:
    claims = {**CLAIMS, "type": kind}
    assert verify(KEYS, forge(claims), kind, now=NOW) == claims
    with pytest.raises(InvalidToken):
        verify(KEYS, forge(claims, secret="another"), kind, now=NOW)


def test_keys_of_two_projects_with_the_same_secret_do_not_open_each_other() -> None:
    other = TokenKeys.of("shop", "5f0c-public", SECRET)
    token = sign(other, "auth", {"id": 1}, expires=NOW + 60, ttl=1)
    with pytest.raises(InvalidToken):
        verify(KEYS, token, "auth", now=NOW)


@pytest.mark.parametrize("token, answer", [
    (forge(), True),
    (forge(header={"typ": "JWT", "alg": "none"}), True),
    (forge(header={"alg": "HS256"}), False),
    (forge(header={"typ": "jwt", "alg": "HS256"}), False),
    (forge(header=["JWT"]), False),
    ("static-token", False),
    ("a.b.c", False),
    ("a.b", False),
    ("é.é.é", False),
    ("." * 5000, False),
    (part(b"\xff\xfe") + ".b.c", False),
])  # fmt: skip
def test_what_counts_as_a_jwt(token: str, answer: bool) -> None:
    assert is_jwt(token) is answer


def test_short_secrets_work_as_they_did_in_the_reference_product() -> None:
    keys = TokenKeys.of("blog", "5f0c-public", "abc")
    assert verify(keys, forge(secret="abc"), "auth", now=NOW) == CLAIMS
    assert verify(keys, sign(keys, "auth", {"id": 7}, expires=NOW + 60, ttl=20), "auth", now=NOW) == CLAIMS


def test_the_project_of_a_token_says_where_to_look() -> None:
    assert peek_project(forge()) == "blog"
    assert peek_project(forge({"project": 7})) is None
    assert peek_project("static") is None
    assert peek_project(f"{part({'typ': 'JWT'})}.{part(b'[1')}.x") is None


def test_keys_do_not_show_the_secret() -> None:
    assert SECRET not in repr(KEYS)


def test_what_is_stored_of_a_token_is_its_digest() -> None:
    assert fingerprint("abc") == hashlib.sha256(b"abc").hexdigest()

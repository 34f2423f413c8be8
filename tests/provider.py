"""In charge of a small provider of sign-ins for tests: OpenID Connect, OAuth 2 and OAuth 1.0a on a free port.

It is strict where a provider should be (codes are good for one use, PKCE and client secrets are checked) and lies where
a test wants it to. It must not know who asks.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import MISSING, dataclass, field, fields
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.receiver import Received, Receiver, answer, listening

CLIENT, SECRET = "the-client", "a client's secret/+%"
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"})


@dataclass
class Provider:
    """A provider. `user`: who signs in. The rest is what it says, and tests may change it at any time.

    `claims`: in the place of those of an id_token, None takes one away. `lies`: path → the whole answer instead.
    """

    receiver: Receiver
    user: dict[str, Any] = field(default_factory=lambda: {"sub": "u1", "email": "", "email_verified": True})
    claims: dict[str, Any] = field(default_factory=dict)
    in_token: bool = True
    sign: Any = None
    keys: list[Any] = field(default_factory=lambda: [RSA, EC])
    description: dict[str, Any] = field(default_factory=dict)
    lies: dict[str, bytes] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    emails: list[dict[str, Any]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)

    def reset(self, email: str) -> None:
        """An honest provider again, at which the owner of this address signs in."""
        for one in fields(self):
            if one.default_factory is not MISSING:
                setattr(self, one.name, one.default_factory())
        self.user["email"] = email
        self.in_token, self.sign = True, None

    @property
    def url(self) -> str:
        """Its issuer."""
        return self.receiver.url

    def authorize(self, url: str, **more: str) -> dict[str, str]:
        """What a browser does that is sent to `url`: the user signs in. The parameters that it comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(self.url), url
        self.last = asked
        if "oauth_token" in asked:
            return {"oauth_token": asked["oauth_token"], "oauth_verifier": self.tokens[asked["oauth_token"]]}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], **more}

    async def respond(self, request: Received) -> bytes | None:
        """Answer one request."""
        path = request.path.partition("?")[0]
        self.asked.append(path)
        if path in self.slow:
            await asyncio.sleep(600)
        if path in self.lies:
            return self.lies[path]
        if path == "/.well-known/openid-configuration":
            return said(self.describes())
        if path == "/jwks":
            return said({"keys": [key.as_dict(private=False) for key in self.keys]})
        if path.endswith(("/token", "/access_token")) and "oauth_" not in request.headers.get("authorization", ""):
            return self._token(request)
        if path == "/oauth/request_token":
            return self._request_token(request)
        if path == "/oauth/access_token":
            return self._access_token_1(request)
        if path == "/1.1/account/verify_credentials.json":
            assert 'oauth_token="of-user"' in request.headers["authorization"]
            return said({"id": 1, "email": self.user["email"]})
        bearer = request.headers.get("authorization") == "Bearer an-access-token"
        if path.endswith("/user/emails") and bearer:
            return said(self.emails)
        if path.endswith(("/userinfo", "/me")) and bearer:
            return said(self.user)
        return answer(404)

    def describes(self) -> dict[str, Any]:
        """Its discovery document."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            **self.description,
        }

    def _token(self, request: Received) -> bytes:
        form = dict(parse_qsl(request.body.decode()))
        if not self._is_client(request, form):
            return said({"error": "invalid_client"}, 401)
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return said({"error": "invalid_grant"}, 400)
        challenge = asked.get("code_challenge")
        if challenge is not None and challenge != s256(form.get("code_verifier", "")):
            return said({"error": "invalid_grant"}, 400)
        found = {"access_token": "an-access-token", "token_type": "Bearer", "expires_in": 60}
        if "openid" in asked["scope"].split():
            found["id_token"] = self.id_token(asked.get("nonce"))
        return said(found)

    def _is_client(self, request: Received, form: Mapping[str, str]) -> bool:
        header = request.headers.get("authorization", "")
        if header.startswith("Basic "):
            text = base64.b64decode(header.removeprefix("Basic ")).decode()
            name, _, secret = text.partition(":")
            return (unquote_plus(name), unquote_plus(secret)) == (CLIENT, SECRET)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)

    def id_token(self, nonce: str | None) -> str:
        """One for who has just signed in."""
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self.url, "aud": CLIENT, "sub": self.user["sub"], "iat": now, "exp": now + 300}
        if nonce is not None:
            claims["nonce"] = nonce
        if self.in_token:
            claims |= {name: value for name, value in self.user.items() if name != "sub"}
        claims = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        if self.sign is not None:
            return str(self.sign(claims))
        return jwt.encode({"alg": "RS256", "kid": "rsa-1"}, claims, RSA)

    def _request_token(self, request: Received) -> bytes:
        assert f'oauth_consumer_key="{CLIENT}"' in request.headers["authorization"]
        assert "oauth_callback=" in request.headers["authorization"]
        token = secrets.token_urlsafe(8)
        self.tokens[token] = secrets.token_urlsafe(8)
        return answer(200, f"oauth_token={token}&oauth_token_secret=hush&oauth_callback_confirmed=true".encode())

    def _access_token_1(self, request: Received) -> bytes:
        header = request.headers["authorization"]
        for token, verifier in list(self.tokens.items()):
            if f'oauth_token="{token}"' in header and f'oauth_verifier="{verifier}"' in header:
                del self.tokens[token]
                return answer(200, b"oauth_token=of-user&oauth_token_secret=hush2")
        return answer(401)


def s256(verifier: str) -> str:
    """The challenge of a PKCE verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def said(value: Any, status: int = 200) -> bytes:
    """An answer of JSON."""
    return answer(status, json.dumps(value).encode(), Content_Type="application/json")


def with_rsa(claims: Mapping[str, Any], key: Any = RSA, **header: Any) -> str:
    """An id_token as it should be, but for the key or the header."""
    return jwt.encode({"alg": "RS256", "kid": "rsa-1", **header}, dict(claims), key)


def with_secret(claims: Mapping[str, Any], secret: bytes = SECRET.encode()) -> str:
    """One that is signed with what others know as well, as careless clients take it."""
    signed = unsigned(claims, "HS256")[:-1]
    mark = hmac.new(secret, signed.encode(), "sha256").digest()
    return f"{signed}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def unsigned(claims: Mapping[str, Any], alg: str = "none") -> str:
    """One that nobody has signed."""
    parts = ({"alg": alg, "kid": "rsa-1"}, dict(claims))
    head, body = (base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts)
    return f"{head}.{body}."


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """A provider on a free port of this machine."""
    receiver = Receiver()
    found = Provider(receiver)
    receiver.respond = found.respond
    async with listening(receiver.serve) as receiver.port:
        yield found

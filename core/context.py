"""In charge of what a request brings along besides its words: who calls, when, from where. Frozen; no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

ADMIN_ROLE = 1
PUBLIC_ROLE = 2
PUBLIC_USER = 0


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller (spec 02 §1). `user` 0 and `public` True without a valid identity; `role` None has no permission."""

    user: int = PUBLIC_USER
    role: int | None = PUBLIC_ROLE
    public: bool = True
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    session: int | None = None
    """Id of the row of directus_user_sessions, if the credential belongs to one."""
    requires_tfa: bool = False
    """The role enforces a second factor."""

    @property
    def admin(self) -> bool:
        """Everything is allowed. Nothing but role 1 grants it."""
        return self.role == ADMIN_ROLE and not self.public


PUBLIC = Actor()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was presented. `kind`: none, query, basic, bearer, cookie. `token` is None exactly when kind is none."""

    kind: str = "none"
    token: str | None = field(default=None, repr=False)


NONE = Credentials()
COOKIE = "cookie"


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The session cookie of the caller gets this value and lasts until `expires` (aware UTC); None: it is forgotten."""

    value: str | None = field(default=None, repr=False)
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """How often the caller may ask within a window, and may still; it ends at `reset` (epoch), in `left` seconds."""

    limit: int
    remaining: int
    reset: int
    left: int
    exceeded: bool = False


@dataclass(frozen=True, slots=True)
class SignInCookie:
    """What the browser remembers of a sign-in elsewhere, until `expires` (aware UTC); None: it forgets it."""

    value: str | None = field(default=None, repr=False)
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a request carries: actor, clock, address. Time and ids enter pure rooms only through here.

    `now`: aware, UTC. `base_url`: scheme://host[:port] + mount path, without trailing slash. `mount`: that path alone.
    `address`: peer, verbatim.
    """

    actor: Actor
    now: datetime
    address: str = ""
    user_agent: str = ""
    base_url: str = ""
    mount: str = ""
    depth: int = 0
    """How many hooks deep: a write by a hook is one deeper than what the hook was told of."""
    credential_rejected: bool = False
    """A credential was presented and refused; the request goes on as public (spec 02 §4.2)."""
    presented: Credentials = NONE
    """What was presented, whether or not it was looked at: the routes of `/auth` look at it themselves."""
    cookie: SessionCookie | None = None
    """What becomes of the session cookie by this request."""
    allowance: Allowance | None = None
    """How often this user may still ask, where that is limited."""

    remembered: str | None = field(default=None, repr=False)
    """What the browser remembers of a sign-in elsewhere (`SignInCookie`), unverified."""

    def new_id(self) -> UUID:
        """A random (version 4) id."""
        return uuid4()

"""In charge of the numbers that govern sign-in: lifetimes, attempts, cost; from settings and configuration. Pure."""

from __future__ import annotations

from datetime import timedelta

from core.auth.hashing import Cost
from core.catalog.model import Snapshot
from core.settings import ProjectConfig

DEFAULT_TTL = 20
DEFAULT_SIGN_OUT = 10080
DEFAULT_ATTEMPTS = 25
UNLIMITED = timedelta(days=3652)
MOST_MINUTES = 5_256_000
"""Ten years: what a larger number means, as dates end."""


def token_minutes(snapshot: Snapshot, config: ProjectConfig) -> int:
    """Minutes that a JWT lives: setting, then config `auth.ttl`, then 20; no positive number counts as missing."""
    for found in (snapshot.setting("auth_token_ttl"), config.get("auth.ttl")):
        minutes = _number(found)
        if minutes is not None and minutes > 0:
            return min(minutes, MOST_MINUTES)
    return DEFAULT_TTL


def session_time(snapshot: Snapshot) -> timedelta:
    """How long a session lives without use; empty or not positive: ten years."""
    minutes = _number(snapshot.setting("auto_sign_out", str(DEFAULT_SIGN_OUT))) or 0
    return timedelta(minutes=min(minutes, MOST_MINUTES)) if minutes > 0 else UNLIMITED


def attempts_allowed(snapshot: Snapshot) -> int:
    """Wrong passwords in a row that are tolerated; 0 = any number."""
    return max(0, _number(snapshot.setting("login_attempts_allowed", str(DEFAULT_ATTEMPTS))) or 0)


def hashing_cost(config: ProjectConfig) -> Cost:
    """What a new password hash costs: config `auth.hashing`, `memory` in KiB (spec 02 §8.2)."""
    lanes = max(1, config.get("auth.hashing.parallelism"))
    memory = max(8 * lanes, config.get("auth.hashing.memory"))
    return Cost(max(1, config.get("auth.hashing.time")), memory, lanes)


def _number(value: object) -> int | None:
    try:
        return int(float(str(value).strip()))
    except (ValueError, OverflowError):
        return None

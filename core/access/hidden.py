"""In charge of which fields a role may not ask about: filters, sorts, searches, totals (spec 02 §9.1, 12.8). Pure."""

from __future__ import annotations

from core.access.history import hidden_in_conditions
from core.access.policy import Policy
from core.catalog.model import Collection
from core.query.revisions import CONTENTS, REVISIONS

# Columns of directus_users that nobody filters by, and those that only admins do (spec 02 §9.1).
SECRET = frozenset({"password", "password_reset_token"})
ADMIN_ONLY = frozenset({"token", "2fa_secret"})
OWN_ONLY = frozenset({"token", "2fa_secret", "email_notifications", "last_access_on", "last_page"})


def hidden_in_filters(policy: Policy, collection: Collection) -> frozenset[str]:
    """Fields that no filter, search or aggregate of this role may touch; the key is exempt (spec 02 §12.8)."""
    hidden = policy.hidden_always(collection.name)
    if collection.primary_key:
        hidden = hidden - {collection.primary_key}
    if collection.name == "directus_users":
        hidden = hidden | SECRET | (frozenset() if policy.admin else ADMIN_ONLY)
    return hidden | hidden_in_conditions(policy) if collection.name == REVISIONS else hidden


def hidden_somewhere(policy: Policy, collection: Collection) -> frozenset[str]:
    """Fields that must not decide about several items at once (sort, `q`, `status`): hidden in some status, secret."""
    hidden = hidden_in_filters(policy, collection).union(*policy.hidden_sometimes(collection.name).values())
    if collection.name == "directus_users":
        hidden = hidden | SECRET | ADMIN_ONLY
    return hidden - {collection.primary_key} if collection.primary_key else hidden


def hidden_in_totals(policy: Policy, collection: Collection) -> frozenset[str]:
    """Fields that aggregates and groups may not name: those show values, of the key as well, of all rows at once."""
    always, sometimes = policy.hidden_always(collection.name), policy.hidden_sometimes(collection.name)
    redacted = CONTENTS if collection.name == REVISIONS else frozenset()
    return hidden_in_filters(policy, collection).union(redacted, always, *sometimes.values())

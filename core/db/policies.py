"""In charge of the one statement that reads a role's permission rows; parsing them is `core.access.load`'s."""

from __future__ import annotations

import sqlalchemy as sa

from core.access.load import COLUMNS, parse_rows
from core.access.policy import ADMIN_POLICY, NO_POLICY, Policy
from core.context import ADMIN_ROLE
from core.db.gateway import Connection
from core.sql.compile import compile_statement


async def load_policy(connection: Connection, role: int | None) -> Policy:
    """The policy of a role. Admin and no role need no statement."""
    if role is None:
        return NO_POLICY
    if role == ADMIN_ROLE:
        return ADMIN_POLICY
    permissions = sa.table("directus_permissions", sa.column("id"), sa.column("role", sa.Integer()))
    columns: list[sa.ColumnClause[object]] = [sa.column(name) for name in COLUMNS]
    statement = (
        sa.select(*(column.label(f"c{index}") for index, column in enumerate(columns)))
        .select_from(permissions)
        .where(permissions.c.role == sa.bindparam("role"))
        .order_by(permissions.c.id)
    )
    compiled = compile_statement(statement, connection.dialect)
    rows = await connection.rows(compiled.text, compiled.bind({"role": role}))
    return parse_rows(role, rows)

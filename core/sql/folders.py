"""In charge of the statement that reads the tree of folders. Runs nothing."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa

from core.sql.compile import Compiled, compile_statement

FOLDERS = sa.table("directus_folders", sa.column("id"), sa.column("parent_folder"))


@cache
def tree(dialect: str) -> Compiled:
    """Id and parent of all folders, locked until the transaction ends, where the database locks rows."""
    columns = [column.label(f"c{number}") for number, column in enumerate((FOLDERS.c.id, FOLDERS.c.parent_folder))]
    return compile_statement(sa.select(*columns).order_by(FOLDERS.c.id).with_for_update(), dialect)

"""In charge of the statement that finds a file by what its URL says. Compiled once per dialect; runs nothing."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa

from core.sql.compile import Compiled, compile_statement

COLUMNS = ("id", "private_hash", "filename_disk", "filename_download", "type", "checksum", "filesize")
FILES = sa.table("directus_files", *map(sa.column, COLUMNS))
MOST = 100


@cache
def file_by(dialect: str, *columns: str) -> Compiled:
    """The files (COLUMNS) of which one of the columns is what is bound as `alias`; of the first column before others,
    the lowest id first.

    Collations may find more than is meant: who asks compares again. With "id" it is a number.
    """
    kind = sa.Integer() if columns == ("id",) else sa.String()
    alias = sa.bindparam("alias", type_=kind)
    statement = (
        sa.select(*(FILES.c[name].label(f"c{number}") for number, name in enumerate(COLUMNS)))
        .where(sa.or_(*(FILES.c[name] == alias for name in columns)))
        .order_by(
            sa.case((FILES.c[columns[0]] == alias, sa.literal_column("0")), else_=sa.literal_column("1")), FILES.c.id
        )
        .limit(sa.literal_column(str(MOST)))
    )
    return compile_statement(statement, dialect)

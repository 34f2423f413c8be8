"""In charge of every statement that reaches a database: pools, connections, transactions. Builds no SQL.

This package is the only importer of `databases` and of the drivers. `databases` gives the pools of PostgreSQL and
MySQL and reads the URLs; statements run on the raw connections, and transactions are ours:

    store       the lifetime: one project's database
    connection  what a caller holds: statements by position, savepoints, streams; and how it settles
    options     a URL and its options, read once
    sqlite      connections held open: several readers, one writer
    held        one of them, on the loop or in its thread
    leases      what the two servers' pools have in common
    postgres    asyncpg
    mysql       asyncmy
    engine      SQLAlchemy's own connections, for DDL and introspection only
"""

from core.db.gateway.connection import Connection, Result
from core.db.gateway.options import Options
from core.db.gateway.store import Store

__all__ = ["Connection", "Options", "Result", "Store"]

"""In charge of one project over its lifetime: database, snapshot, policies. It decides no right and reads no files.

A project opens itself when it is first asked for something, closes what failed, and tries again at the next request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import structlog

from core.access.policy import ADMIN_POLICY, NO_POLICY, Policy
from core.answers import KeptAnswers, kept_answers
from core.auth.sso.elsewhere import Elsewhere
from core.auth.throttle import Quota, Turns
from core.auth.tokens import TokenKeys
from core.cache.freshness import outdated
from core.cache.lru import Lru
from core.cache.rates import Rates, rates
from core.catalog import load as catalog
from core.catalog.model import Snapshot
from core.context import ADMIN_ROLE
from core.db.gateway import Store
from core.db.policies import load_policy
from core.endpoints.live import LiveEndpoints
from core.errors import (
    DatabaseUnavailable,
    InvalidCacheAdapter,
    InvalidCacheConfiguration,
    NotInstalled,
    TabulariumError,
    Unavailable,
)
from core.events import notes
from core.events.broker import Broker, Silent, broker
from core.events.collect import Subscribers, Told
from core.events.deliver import Courier
from core.extend import Extensions, extend
from core.files.intake import Intake
from core.files.storage import Storage
from core.files.variants import Variants
from core.hooks.live import LiveHooks
from core.migrate.install import ensure, is_installed
from core.migrate.upgrade import upgrade
from core.pace import Pace, lasting
from core.projects import tls
from core.settings import ProjectConfig
from core.sql import accounts
from core.sql.freshness import EVERYTHING

T = TypeVar("T")

PLANS = 2000
ROLES = 500
TOKENS = 5000
RETRY_AFTER = 0.5
"""Seconds in which a database that could not be reached is not tried again: a flood of requests must not queue."""
TOLD_AS_IT_IS = (NotInstalled, InvalidCacheAdapter, InvalidCacheConfiguration)
RELOAD_PAUSE = 1.0
NOTES = 500
"""What one message tells to other processes."""
SETTLE_WITHIN = 30.0
REREAD_AFTER = 10.0
"""Seconds in which a database that lacks what its snapshot names is read anew once: it may be a view that is broken."""
TASKS_WITHIN = 25.0
OF_SCHEMA = frozenset({"directus_collections", "directus_fields"})

Prepare = Callable[["Project", Snapshot], Awaitable[None]]


class Project:
    """One project. Everything that is remembered of it between requests hangs here."""

    def __init__(self, config: ProjectConfig, data: Path) -> None:
        self.key = config.key
        self.config = config
        self.data = data
        self.keys = TokenKeys.of(config.key, config.public_key, config.secret_key, config.retired_keys)
        self.turns = Turns()
        self.rates: Rates | None = rates(config)
        """How often one address and one user may ask, where that is limited."""
        self.mails = Quota()
        """How often strangers may have mail sent."""
        self.elsewhere = Elsewhere(config)
        """What is kept of the providers that users sign in at."""
        self.listens: str | None = None
        """The server's own URL, when only this machine can reach it."""
        self._tasks: set[asyncio.Task[Any]] = set()
        proxied = config.get("storage.proxy_downloads")
        self.root_url: str = f"/downloads/{config.key}" if proxied else config.get("storage.root_url", "")
        """Prefix of the URLs of files (spec 04 §7)."""
        self.storage = Storage(config, data)
        """The bytes of its files; opened when they are first asked for."""
        self.variants = Variants(self.storage, config.get("storage.max_upload_size"))
        """Small pictures of its pictures."""
        self.intake = Intake(config, self.storage)
        """Where the contents of files come in."""
        self.verified: Lru[str, Any] = Lru(TOKENS)
        """Claims of JWTs whose signature was found right; their end is looked at each time."""
        self.plans: Lru[Any, Any] = Lru(PLANS)
        """Compiled plans, by shape; filled by the engine, emptied when the collections change."""
        self.events = Subscribers()
        """Who is told of what was written, after it was stored."""
        self.hooks: LiveHooks | None = None
        """The hooks of its extensions; None when there are none, so that nobody else has to look."""
        self.endpoints: LiveEndpoints | None = None
        """The endpoints of its extensions; None when there are none."""
        self.extensions: Extensions = Extensions()
        """What was found in the folder of extensions when the project was opened, what failed included."""
        self.editions: Any = None
        """What the schema room keeps of this project."""
        self.prepare: Prepare | None = None
        """Awaited with a new snapshot before it takes the place of the old one."""
        self.subscriptions: Any = None
        """The hub of those who subscribed over a socket, when there is one."""
        self.answers: KeptAnswers | None = None
        """Answers that are kept, where the cache is enabled."""
        self.broker: Broker = Silent()
        """How other processes are told that the change log has moved, and what happened to items."""
        self.courier: Courier | None = None
        """Who sends what webhooks are told; only a server that serves the project has one."""
        self.head = 0
        """Head of the change log up to which policies are known to be right."""
        self._store: Store | None = None
        self._snapshot: Snapshot | None = None
        self._policies: Lru[int, Policy] = Lru(ROLES)
        self._generation = 0
        self._flights: dict[str, asyncio.Task[Any]] = {}
        self._failed_at = float("-inf")
        self._failure: type[Unavailable] = DatabaseUnavailable
        self._wanted = 0
        self._forced = False
        self._reread_at = float("-inf")
        self._changing: frozenset[str] = frozenset()
        self._closed = False

    # Opening and closing

    async def store(self) -> Store:
        """The database, opened at the first call.

        Raises DatabaseUnavailable while it cannot be reached, NotInstalled when it has no system tables.
        """
        if self._store is not None:
            return self._store
        if self._closed:
            raise DatabaseUnavailable
        if "open" not in self._flights and time.monotonic() < self._failed_at + RETRY_AFTER:
            raise self._failure()
        return await self._once("open", self._open)

    async def _open(self) -> Store:
        store: Store | None = None
        try:
            answers = kept_answers(self.config)
            database = self.config.database
            store = await connect(
                self.config,
                self.data,
                pool_size=database.pool_size,
                statement_timeout=database.statement_timeout or None,
            )
            if not await is_installed(store):
                raise NotInstalled
            await ensure(store)
            await upgrade(store)
            if answers is not None and answers.store.shared:
                # While the cache was off nobody noted what was written: what may be left of then is not right.
                async with store.write() as connection:
                    await outdated(connection, [EVERYTHING])
            snapshot = await catalog.load_snapshot(store, blacklist=self.config.table_blacklist)
        except BaseException as error:
            self._failed_at = time.monotonic()
            self._failure = type(error) if isinstance(error, TOLD_AS_IT_IS) else DatabaseUnavailable
            if store is not None:
                await store.close()
            raise
        self._snapshot, self.head, self._store, self.answers = snapshot, snapshot.version, store, answers
        await extend(self)
        if isinstance(self.broker, Silent):
            self.broker = broker(self.config, self.hear, self.hear_notes)
            if not isinstance(self.broker, Silent):
                self.events.add(self._pass_on)
        if self.courier is not None:
            self.courier.start(store)
        return store

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that the answer does not wait for; closing does, for a while."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle_tasks(self) -> None:
        """Wait for what was spawned."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=TASKS_WITHIN)

    async def upgrade(self) -> tuple[str, ...]:
        """Run the steps of Directus 8 that the database has not seen (spec 01 §2.17, `POST /:project/update`).

        The names of the steps; usually none, because opening runs them. Raises DatabaseUnavailable, NotInstalled.
        """
        return await upgrade(await self.store())

    async def close(self) -> None:
        """End what runs for the project and close its database. It does not open again."""
        await self.settle_tasks()
        if self.hooks is not None:
            await self.hooks.close()
        self._closed = True
        if self.subscriptions is not None:
            await self.subscriptions.close()
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        kept = self.answers.store if self.answers is not None else None
        parts = (self.broker, self.variants, self.intake, self.storage, kept, self.rates, self.elsewhere)
        for part in parts:
            if part is not None:
                await part.close()
        if self.courier is not None:
            await self.courier.stop()
        store, self._store = self._store, None
        if store is not None:
            await store.close()

    @property
    def server_version(self) -> str:
        """The version of this server."""
        return version("tabularium")

    @property
    def opened(self) -> bool:
        """Whether the database is open and the snapshot loaded."""
        return self._store is not None

    # Snapshot and policies

    @property
    def snapshot(self) -> Snapshot:
        """The present picture. Only after `store()` has succeeded once."""
        if self._snapshot is None:
            raise DatabaseUnavailable
        return self._snapshot

    async def refresh(self, head: int, *, told: bool = False) -> None:
        """Take notice of a change log that has moved to `head` (other processes write it as well).

        `told`: another process has announced it, so it need not be announced again.

        Policies are forgotten, settings are read at once. A new schema is read beside the requests, which go on with
        the old one; `settled` waits for it. Raises DatabaseError's subclasses.
        """
        known = self.head
        if head == known:
            await self._settings_read()
            return
        store = await self.store()
        async with store.read() as connection:
            if head < known:
                # A request that asked before another one did, or an older copy of the database in the place of ours.
                head = await catalog.head(connection)
            changes = accounts.changes_since(connection.dialect)
            found = await connection.rows(changes.text, changes.bind({"known": known}))
        if known != self.head or head == known:
            # Somebody else has taken notice meanwhile; if not of all, the next request will.
            await self._settings_read()
            return
        self.head = head
        if not told:
            self.broker.announce(head)
        self._policies.clear()
        self._generation += 1
        schema = {collection or "" for kind, collection in found if kind == "schema"} or (
            {""} if head < known else set()
        )
        self._wanted = head
        self._changing |= schema
        self._start("reload", self._reload)
        await self._settings_read()

    async def _settings_read(self) -> None:
        """Wait for new settings that are on their way, unless a new schema is as well, which takes longer."""
        flight = self._flights.get("reload")
        if flight is not None and not self._changing:
            await asyncio.wait([flight], timeout=SETTLE_WITHIN)

    def changing(self, collection: str) -> bool:
        """Whether a newer snapshot that tells something else of this collection is on its way.

        Collections and fields as items tell something of all of them.
        """
        if "reload" not in self._flights:
            return False
        return not self._changing.isdisjoint((collection, "")) or (bool(self._changing) and collection in OF_SCHEMA)

    async def settled(self) -> Snapshot:
        """The snapshot after the changes that are known of. Raises DatabaseUnavailable when it does not come."""
        flight = self._flights.get("reload")
        if flight is not None:
            done, _ = await asyncio.wait([flight], timeout=SETTLE_WITHIN)
            if not done:
                raise DatabaseUnavailable
        return self.snapshot

    async def follow(self) -> Snapshot:
        """The snapshot that knows everything changed until now: whoever has just changed the schema waits for it.

        Raises DatabaseUnavailable.
        """
        await self.refresh(await self._head())
        return await self.settled()

    def reread(self, snapshot: Snapshot) -> None:
        """The database lacks what this snapshot names, and nobody has said so: begin to read all of it anew.

        Somebody has altered it by other means, or was killed before the change log was written.
        """
        if snapshot is self.snapshot and time.monotonic() > self._reread_at + REREAD_AFTER:
            self._reread_at = time.monotonic()
            self._forced = True
            self._changing |= {""}
            self._start("reload", self._reload)

    async def _head(self) -> int:
        store = await self.store()
        async with store.read() as connection:
            return await catalog.head(connection)

    async def hear(self, head: int) -> None:
        """Another process has seen the change log at `head`: look what is new. Raises DatabaseError."""
        if head != self.head and not self._closed:
            await self.refresh(await self._head(), told=True)

    def hear_notes(self, data: bytes) -> None:
        """Another process tells what happened to items there."""
        if self.subscriptions is not None and not self._closed:
            self.subscriptions.hear(notes.load(data))

    def _pass_on(self, happened: Sequence[Told]) -> None:
        found = notes.notes_of(self.snapshot, happened)
        for start in range(0, len(found), NOTES):
            self.broker.tell(notes.dump(found[start : start + NOTES]))

    async def notice(self) -> None:
        """Something was just changed here: tell the others at once, where a broker does. Raises DatabaseError."""
        if not isinstance(self.broker, Silent) and not self._closed:
            await self.refresh(await self._head())

    async def deliver(self) -> None:
        """Something was just put into the outbox."""
        if self.courier is not None:
            self.courier.wake()

    async def _reload(self) -> None:
        while not self._closed:
            wanted, before, forced = self._wanted, self.snapshot, self._forced
            try:
                with lasting():
                    store, hidden, pause = await self.store(), self.config.table_blacklist, Pace()
                    if forced:
                        snapshot = await catalog.load_snapshot(store, blacklist=hidden, pause=pause)
                    else:
                        snapshot = await catalog.refresh(store, before, blacklist=hidden, pause=pause)
                    if self.prepare is not None:
                        await self.prepare(self, snapshot)
            except TabulariumError as error:
                structlog.get_logger().warning("snapshot not reloaded", project=self.key, error=error.kind)
                await asyncio.sleep(RELOAD_PAUSE)
                continue
            self._snapshot = snapshot
            if self.answers is not None:
                self.answers.store.clear()  # their keys have the version of the old one
            if snapshot.collections is not before.collections:
                self.plans.clear()
            self._forced = self._forced and not forced
            if wanted == self._wanted and not self._forced:
                self._changing = frozenset()
                return

    async def policy(self, role: int | None) -> Policy:
        """The rules of a role as they are stored now."""
        if role is None:
            return NO_POLICY
        if role == ADMIN_ROLE:
            return ADMIN_POLICY
        known = self._policies.get(role)
        return known if known is not None else await self._once(f"policy {role}", lambda: self._load_policy(role))

    async def _load_policy(self, role: int) -> Policy:
        store = await self.store()
        while True:
            generation = self._generation
            async with store.read() as connection:
                policy = await load_policy(connection, role)
            if generation == self._generation:  # else rules changed while these were read
                self._policies[role] = policy
                return policy

    # One flight at a time

    async def _once(self, name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The outcome of `work`, which runs once however many ask; a caller that gives up does not stop it."""
        flight = self._start(name, work)
        try:
            return await asyncio.shield(flight)
        except asyncio.CancelledError:
            if flight.cancelled():  # the project was closed meanwhile
                raise DatabaseUnavailable from None
            raise

    def _start(self, name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        running = self._flights.get(name)
        # One that has ended, and whose end was not yet noticed, has not seen what it is asked for now.
        if running is not None and not running.done():
            return running
        flight = asyncio.get_running_loop().create_task(work(), name=f"{self.key}: {name}")
        self._flights[name] = flight
        flight.add_done_callback(lambda done: self._landed(name, done))
        return flight

    def _landed(self, name: str, flight: asyncio.Task[Any]) -> None:
        if self._flights.get(name) is flight:
            del self._flights[name]
        if not flight.cancelled():
            flight.exception()  # told to whoever waits; nobody may be waiting


async def connect(
    config: ProjectConfig, data: Path, *, pool_size: int, statement_timeout: float | None = None
) -> Store:
    """Open the database that a configuration names. Raises DatabaseUnavailable, InvalidDatabaseConnection."""
    database = config.database
    options: dict[str, Any] = {}
    if statement_timeout is not None:
        options["statement_timeout"] = statement_timeout
    if database.dialect != "sqlite" and (secured := tls.context(database.options)) is not None:
        options["ssl"] = secured
    if database.socket:
        options["unix_socket" if database.dialect == "mysql" else "host"] = database.socket
    return await Store.open(database.url(data), pool_size=pool_size, options=options)

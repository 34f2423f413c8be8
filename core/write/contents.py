"""In charge of the bytes behind rows of directus_files, on the way of a write (spec 04 §3.2, 3.6, 3.7).

New bytes are stored before the transaction, under a name that no row has; at its end they take the place of others;
what is superfluous goes after the commit. A crash leaves bytes without a row at most, which the doctor finds.

    receive → (transaction: merged → … → settle) → commit → finished, or undone
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any

import structlog

from core.access.authorize import Caller
from core.catalog.model import Collection
from core.db.gateway import Connection
from core.db.gateway.connection import finish
from core.errors import BatchUpload, Problem, TabulariumError, ValidationFailed
from core.files import kinds, names
from core.files.intake import Taken, Wish, new_hash
from core.files.names import former
from core.files.storage import BadName, NotStored, Stat, fits
from core.files.upload import Upload
from core.query.change import WriteRequest
from core.session import Session
from core.types.write import BLANK, INVALID
from core.write.change import Node, Rows
from core.write.guard import guard
from core.write.load import Asking, by_keys, chunks
from core.write.normalize import FILES
from core.write.resolve import resolve
from core.write.run import Run
from core.write.statements import Statements

IN_USE = "already in use."
NO_SOURCE = "source file not found."
HASH = re.compile(r"[A-Za-z0-9_-]{1,16}")
REQUIRED = ("data", "filename_disk", "filename_download")
DERIVED = frozenset({
    "storage", "filename_disk", "type", "uploaded_on", "filesize", "width", "height", "duration", "charset", "checksum",
    "embed", "private_hash",
})  # fmt: skip
"""Columns of a new file that the client has no say in."""


def concerned(nodes: tuple[Node, ...]) -> bool:
    """Whether the bytes of files come, go or move by a change."""
    return any(
        node.collection.name == FILES
        and (node.verb != "update" or node.content is not None or "filename_disk" in node.payload)
        for node in nodes
    )


async def receive(session: Session, request: WriteRequest, nodes: tuple[Node, ...]) -> Contents:
    """Take in the bytes that nodes bring, once their caller may write them. Raises what the guard does,
    BatchUpload, ValidationFailed, StorageFailed; then nothing is left of them.
    """
    found = Contents(session)
    files = tuple(node for node in nodes if node.collection.name == FILES)
    bringing = tuple(node for node in files if node.content is not None)
    lacking = [node for node in files if node.verb == "create" and node.content is None]
    if not bringing and not lacking:
        return found
    if request.collection == FILES and request.action == "update" and request.batch and bringing:
        raise BatchUpload
    asked = await _allowed(session, request, nodes, (*bringing, *lacking))
    for node in lacking:
        raise ValidationFailed.of(
            Problem((*node.path, name), BLANK) for name in REQUIRED if node.payload.get(name) in (None, "")
        )
    try:
        for node in bringing:
            await found.take(node, asked.get(node.index))
    except BaseException:
        await found.undo()
        raise
    return found


async def _allowed(
    session: Session, request: WriteRequest, nodes: tuple[Node, ...], files: tuple[Node, ...]
) -> Mapping[int, str]:
    """Ask before anything is fetched or stored whether the caller may write these; it is asked again when it counts.

    By index of those that are there already: the name on the disk.
    """
    keyed = [node for node in files if node.key is not None]
    rows = Rows()
    if keyed:
        collection = keyed[0].collection
        statements = Statements(session.snapshot, session.project.plans)
        store = await session.project.store()
        async with store.read() as connection:
            keys = list(dict.fromkeys(node.key for node in keyed))
            for row in await by_keys(connection, statements, collection, keys, asking=Asking.of(session)):
                rows.put(collection, row)
    caller = Caller(session.policy, session.actor, comment=bool(request.comment))
    known = resolve(nodes, rows)
    of = tuple(known[node.index] for node in files)
    guard(caller, known, rows, address=session.context.address, dialect=session.snapshot.dialect, of=of)
    found: dict[int, str] = {}
    for node in of:
        stored = rows.get(node.collection, node.key) if node.verb == "update" else None
        if stored is not None:
            found[node.index] = str(stored.values["filename_disk"])
    return found


@dataclass(frozen=True, slots=True)
class _Move:
    """Bytes that get a name as a part of the transaction. `source`: where they are; `target`: the name they get.

    `over`: the target is there and is kept under another name meanwhile. `gone`: what goes after the commit.
    """

    source: str
    target: str
    over: bool = False
    gone: tuple[str, ...] = ()


@dataclass(slots=True)
class _Moved:
    """A move that was made, or begun. `kept`: the name under which the former bytes are, or "". `put`: what stands at
    the target since then; None where the move may have stopped half way."""

    move: _Move
    kept: str = ""
    put: Stat | None = None


@dataclass(slots=True)
class Contents:
    """The bytes of one write. `taken`: by index of the node. Lives until the write has ended."""

    session: Session
    taken: dict[int, Taken] = field(default_factory=dict)
    done: list[_Moved] = field(default_factory=list)
    leaving: list[str] = field(default_factory=list)
    """Names whose bytes go after the commit."""
    changed: list[str] = field(default_factory=list)
    """Names whose bytes are others after the commit."""
    touched: list[str] = field(default_factory=list)
    """Names whose bytes were others for a while, whatever became of it."""
    stored: bool = False
    unsure: bool = False
    """Nobody knows whether the transaction is stored: what is there stays, for the doctor."""

    async def take(self, node: Node, replaces: str | None) -> None:
        """Take in what a node brings. Raises ValidationFailed, StorageFailed."""
        given = node.content
        wish = Wish(
            given,
            self.session.snapshot.setting,
            node.payload.get("filename_disk"),
            node.payload.get("filename_download"),
            replaces,
            node.path,
        )
        if not isinstance(given, str | Upload):
            raise wish.problem("data", INVALID)
        if not node.unknown:  # what is refused anyway is not fetched
            self.taken[node.index] = await self.session.project.intake.take(wish)

    async def merged(
        self, connection: Connection, statements: Statements, nodes: tuple[Node, ...], rows: Rows
    ) -> tuple[Node, ...]:
        """The nodes with what the bytes say of their rows; once more after hooks, which may not say what a file is.

        Raises ValidationFailed for names and hashes of files.
        """
        files = [node for node in nodes if node.collection.name == FILES and node.verb != "delete" and not node.empty]
        if not files:
            return nodes
        found = list(nodes)
        for node in files:
            stored = rows.get(node.collection, node.key)
            found[node.index] = self._merged(node, stored.values if stored is not None else {})
        await self._hashes(connection, statements, found, rows)
        return tuple(found)

    def _merged(self, node: Node, stored: Mapping[str, Any]) -> Node:
        taken = self.taken.get(node.index)
        payload = dict(node.payload)
        if isinstance(payload.get("tags"), str) and not payload["tags"].lstrip().startswith("["):
            payload["tags"] = [tag.strip() for tag in payload["tags"].split(",") if tag.strip()]
        if node.verb == "create":
            if node.unknown:
                return node  # which is refused in a moment
            if taken is None:
                raise ValidationFailed.of([Problem((*node.path, "data"), BLANK)])
            payload = {name: value for name, value in payload.items() if name not in DERIVED}
            if node.key is None and node.sent_key is None:
                payload.pop(node.collection.primary_key or "", None)
            if payload.get("filename_download") in (None, ""):
                payload.pop("filename_download", None)
            now = self.session.context.now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
            return replace(node, payload={**taken.defaults, **payload, **taken.columns, "uploaded_on": now})
        name = payload.get("filename_disk", stored.get("filename_disk"))
        if name == stored.get("filename_disk"):
            payload.pop("filename_disk", None)
        else:
            payload["type"] = kinds.type_of(self._checked_name(node, name))
        if taken is not None:
            payload |= taken.columns
        return replace(node, payload=payload)

    def _checked_name(self, node: Node, name: Any) -> str:
        wish = Wish("", self.session.snapshot.setting, path=node.path)
        if not isinstance(name, str) or not names.is_disk_name(name):
            raise wish.problem("filename_disk", BLANK if name in (None, "") else INVALID)
        intake = self.session.project.intake
        intake.check_name(wish, name)
        intake.check_kind(wish, name)
        return name

    async def _hashes(self, connection: Connection, statements: Statements, nodes: list[Node], rows: Rows) -> None:
        """Private hashes tell files apart. Raises ValidationFailed."""
        sent: dict[str, list[Node]] = {}
        for node in nodes:
            if node.collection.name != FILES or node.verb == "delete" or "private_hash" not in node.payload:
                continue
            stored, value = rows.get(node.collection, node.key), node.payload["private_hash"]
            if value is None or (stored is not None and stored.values.get("private_hash") == value):
                continue
            if not isinstance(value, str) or not HASH.fullmatch(value):
                raise ValidationFailed.of([Problem((*node.path, "private_hash"), INVALID)])
            sent.setdefault(value, []).append(node)
        if not sent:
            return
        of = next(iter(sent.values()))[0].collection
        taken = {row[1] for row in await _where(connection, statements, of, "private_hash", list(sent))}
        for value, using in sent.items():
            for node in using[0 if value in taken else 1 :]:
                if node.verb != "create":
                    raise ValidationFailed.of([Problem((*node.path, "private_hash"), IN_USE)])
                nodes[node.index] = replace(node, payload={**node.payload, "private_hash": new_hash()})

    async def settle(self, run: Run) -> None:
        """The bytes take their places: the last step of the transaction. Raises ValidationFailed, StorageFailed."""
        await self._back()
        self.leaving.clear()
        self.changed.clear()
        nodes = [node for node in run.nodes if node.collection.name == FILES and not node.empty]
        if not nodes:
            return
        moves = await self._moves(run, nodes)
        try:
            for node, move in moves:
                await self._make(node, move)
        except BaseException:
            await finish(self._back())  # while the rows are locked: others wait to put their own bytes there
            raise

    async def _moves(self, run: Run, nodes: list[Node]) -> list[tuple[Node, _Move]]:
        before = {node.index: str(run.before.get(node.index, {}).get("filename_disk") or "") for node in nodes}
        wanted: dict[int, str] = {}
        for node in nodes:
            if node.verb == "update":
                wanted[node.index] = str(run.values[node.index].get("filename_disk") or before[node.index])
        left = {name for name in (*before.values(), *wanted.values()) if name}
        owners: dict[str, set[str]] = {}
        for key, name in await _where(run.connection, run.statements, nodes[0].collection, "filename_disk", list(left)):
            owners.setdefault(str(name), set()).add(str(key))
        found: list[tuple[Node, _Move]] = []
        for node in nodes:
            old, new = before[node.index], wanted.get(node.index, "")
            unused = bool(old) and not owners.get(old)
            if node.verb == "delete":
                self._leaves(old if unused else "")
            elif node.verb == "update":
                taken = self.taken.get(node.index)
                source = taken.name if taken is not None else old
                if new != old:
                    if owners.get(new, set()) - {str(run.keys[node.index])}:
                        raise _taken(node)
                    found.append((node, _Move(source, new, gone=(old,) if unused else ())))
                elif taken is not None:
                    found.append((node, _Move(source, new, over=True)))
        return found

    async def _make(self, node: Node, move: _Move) -> None:
        originals = self.session.project.storage.originals
        kept = ""
        self.touched.append(move.target)
        try:
            if move.over:
                if await originals.exists(move.target):
                    kept = former(node.key, int(self.session.context.now.timestamp()), secrets.token_hex(16))
                    await originals.copy(move.target, kept)
                self.done.append(_Moved(move, kept))
                await originals.copy(move.source, move.target)
                self.done[-1].put = await originals.head(move.target)
            else:
                if not await originals.exists(move.source):
                    raise NotStored(move.source)
                if not await originals.reserve(move.target):
                    raise _taken(node)
                self.done.append(_Moved(move))
                await originals.copy(move.source, move.target)
        except (BadName, NotStored):
            raise ValidationFailed.of([Problem((*node.path, "filename_disk"), NO_SOURCE)]) from None
        for name in move.gone:
            self._leaves(name)
        self.changed.append(move.target)

    def _leaves(self, name: str) -> None:
        if name:
            self.leaving.append(name)
            self.changed.append(name)

    async def finish(self) -> None:
        """After the commit: what is superfluous goes."""
        self.stored = True
        staged = [one.move.source for one in self.done if one.move.source in self._staged()]
        await self._forget([*staged, *(one.kept for one in self.done if one.kept), *self.leaving])
        await self._forget_variants(self.changed)

    async def undo(self) -> None:
        """Nothing was stored: all is as it was, as far as the storage lets us. What it does not, the doctor finds."""
        if self.stored or self.unsure:
            return
        await finish(self._undone())

    async def _undone(self) -> None:
        try:
            await self._back()
        except (TabulariumError, BadName, NotStored) as error:
            structlog.get_logger().error("the bytes of a file could not be put back", exc_info=error)
            return
        await self._forget_variants(self.touched)  # some may have been made of what was not stored after all
        await self._forget([taken.name for taken in self.taken.values() if taken.name])

    async def _back(self) -> None:
        """Take back the moves, the last one first."""
        originals = self.session.project.storage.originals
        while self.done:
            one = self.done[-1]
            if one.kept:
                if one.put is None or await self._still(one.put):
                    await originals.copy(one.kept, one.move.target)
                await originals.delete(one.kept)
            else:
                await originals.delete(one.move.target)
            self.done.pop()

    async def _still(self, put: Stat) -> bool:
        """Whether nobody else has stored other bytes there since, which a COMMIT that was refused leaves time for."""
        try:
            return await self.session.project.storage.originals.head(put.name) == put
        except NotStored:
            return True

    def _staged(self) -> set[str]:
        return {taken.name for taken in self.taken.values()}

    async def _forget_variants(self, names: list[str]) -> None:
        try:
            if names:
                await self.session.project.variants.forget(*dict.fromkeys(names))
        except TabulariumError as error:
            structlog.get_logger().error("variants of a file are left", exc_info=error)

    async def _forget(self, left: list[str]) -> None:
        try:
            await self.session.project.storage.originals.delete(*(name for name in left if fits(name)))
        except TabulariumError as error:
            structlog.get_logger().error("bytes that no file has are left", exc_info=error, names=left)


async def _where(
    connection: Connection, statements: Statements, of: Collection, column: str, values: list[str]
) -> list[tuple[Any, Any]]:
    """Key and value of the rows that have one of the values in a column."""
    found: list[tuple[Any, Any]] = []
    statement = statements.select_where(of, (of.primary_key or "id", column), column)
    for chunk in chunks(values, connection.dialect):
        if chunk:
            found += [(row[0], row[1]) for row in await connection.rows(*statement.bind([chunk], {}))]
    return found


def _taken(node: Node) -> ValidationFailed:
    return ValidationFailed.of([Problem((*node.path, "filename_disk"), IN_USE)])

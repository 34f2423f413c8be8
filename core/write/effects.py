"""In charge of what a write entails beyond its own rows: system rows that follow others, the change log, emptied lists.

Everything here runs in the transaction of the write, after its own statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from core.catalog.changes import log_change
from core.catalog.model import Collection, Field, ToMany, ToOne
from core.catalog.system import new_role_permissions
from core.db.gateway import Connection
from core.errors import LastAdmin, Problem, Unprocessable
from core.sql.accounts import active_admins
from core.write import folders
from core.write import run as running
from core.write.change import Node, same
from core.write.load import chunks
from core.write.rules import Scene, loses_admin
from core.write.run import Run
from core.write.statements import Statements

KINDS = {
    "directus_permissions": "policy",
    "directus_roles": "policy",
    "directus_settings": "settings",
    "directus_webhooks": "webhooks",
}


async def keep_an_admin(connection: Connection, scenes: Iterable[Scene]) -> None:
    """Raises LastAdmin when the change would leave no active admin. All are locked first: two may leave at once."""
    leaving = {scene.node.key for scene in scenes if loses_admin(scene)}
    if not leaving:
        return
    statement = active_admins(connection.dialect)
    found = {row[0] for row in await connection.rows(statement.text, statement.bind({}))}
    if not found - leaving:
        raise LastAdmin()


async def entail(run: Run) -> None:
    """What follows from writes of roles and users: permissions, dangling rows, sessions (spec 02 §9.5, 10, 12.9)."""
    collections = run.statements.snapshot.collections
    made = [run.keys[node.index] for node in run.nodes if _is(node, "directus_roles", "create")]
    if made and (permissions := collections.get("directus_permissions")):
        await _default_permissions(run, permissions, made)
    roles = [run.keys[node.index] for node in run.nodes if _is(node, "directus_roles", "delete")]
    if roles:
        for name in ("directus_permissions", "directus_collection_presets"):
            await _delete_where(run, collections.get(name), "role", roles)
        users = collections.get("directus_users")
        if users is not None:
            for chunk in chunks(roles, run.connection.dialect):
                await run.connection.execute(*run.statements.clear_where(users, "role").bind([chunk], {}))
    await folders.lift(run)
    signed_out = [run.keys[node.index] for node in run.nodes if _signs_out(node)]
    if signed_out:
        await _delete_where(run, collections.get("directus_user_sessions"), "user", signed_out)


def _signs_out(node: Node) -> bool:
    """A user who is deleted, retired, or has another password is signed in nowhere (spec 02 §3.4)."""
    if node.collection.name != "directus_users" or node.verb == "create":
        return False
    status = node.payload.get("status")
    return node.verb == "delete" or "password" in node.payload or (status is not None and status != "active")


def _is(node: Node, name: str, verb: str) -> bool:
    return node.collection.name == name and node.verb == verb


async def _default_permissions(run: Run, permissions: Collection, roles: list[int]) -> None:
    rows = [row for role in roles for row in new_role_permissions(role)]
    wanted = tuple(name for name in permissions.fields if name in rows[0])
    await running.insert(run.connection, run.statements, permissions, wanted, rows, gives=running.NOTHING)


async def _delete_where(run: Run, collection: Collection | None, by: str, values: list[int]) -> None:
    if collection is None:
        return
    statement = run.statements.delete_where(collection, by)
    for chunk in chunks(values, run.connection.dialect):
        await run.connection.execute(*statement.bind([chunk], {}))


async def log_changes(run: Run) -> bool:
    """Note what others must read anew: policies, settings, webhooks, relations; whether there was anything."""
    noted: dict[tuple[str, str | None], None] = {}
    for node in run.nodes:
        if node.empty:
            continue
        name = node.collection.name
        if name in KINDS:
            noted[KINDS[name], name] = None
        elif name == "directus_relations":
            for row in (run.before.get(node.index), run.after.get(node.index)):
                for member in ("collection_many", "collection_one"):
                    if row is not None and row.get(member):
                        noted["schema", row[member]] = None
    for kind, collection in noted:
        await log_change(run.connection, kind, collection)
    return bool(noted)


def outdates(run: Run) -> set[str]:
    """The collections of which what was read before is out of date.

    A row that goes may take others with it, or be taken out of them, by foreign keys of the database: of all that refer
    to it, and to those in turn.
    """
    written = {node.collection.name for node in run.nodes if not node.empty}
    reached = gone = {node.collection.name for node in run.nodes if node.verb == "delete"}
    collections = run.statements.snapshot.collections
    while gone:
        gone = {name for name in collections.keys() - reached if _refers(collections[name], gone)}
        reached = reached | gone
    return written | reached


def _refers(collection: Collection, targets: Set[str]) -> bool:
    return any(isinstance(one, ToOne) and one.target in targets for one in collection.relations.values())


async def keep_required_children(run: Run) -> None:
    """Raises Unprocessable when a required to-many field has lost its last row through this change (spec 03 §6.2)."""
    for field, relation, parents in _emptied(run):
        target = run.statements.snapshot.collections[relation.target]
        left = await _with_children(
            run.connection, run.statements, target, relation, [run.keys[one.index] for one in parents]
        )
        for node in parents:
            if _linked(target, relation, run.keys[node.index]) not in left:
                message = f'Field "{field.name}" needs at least one row.'
                raise Unprocessable(message, problems=[Problem((*node.path, field.name), message)])


def _emptied(run: Run) -> list[tuple[Field, ToMany, list[Node]]]:
    """Required to-many fields from which the change takes rows, with the nodes that have them."""
    found: dict[tuple[str, str], tuple[Field, ToMany, dict[int, Node]]] = {}
    for node in run.nodes:
        parent = node.parent
        if parent is None or run.nodes[parent.index].verb != "update":
            continue
        relation = parent.relation
        field = run.nodes[parent.index].collection.fields[relation.field]
        leaves = node.verb == "delete" or (node.verb == "update" and node.link is None)
        if field.required and leaves:
            entry = found.setdefault((field.collection, field.name), (field, relation, {}))
            entry[2][parent.index] = run.nodes[parent.index]
    return [(field, relation, list(parents.values())) for field, relation, parents in found.values()]


async def _with_children(
    connection: Connection, statements: Statements, target: Collection, relation: ToMany, parents: list[object]
) -> set[object]:
    statement = statements.select_where(target, (relation.target_field,), relation.target_field)
    found: set[object] = set()
    for chunk in chunks(parents, connection.dialect):
        text, arguments = statement.bind([chunk], {})
        found.update(_linked(target, relation, row[0]) for row in await connection.rows(text, arguments))
    return found


def _linked(target: Collection, relation: ToMany, value: object) -> object:
    """A foreign key in comparable form."""
    return str(same(target, value)) if value is not None else None

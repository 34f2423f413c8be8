"""In charge of the rules of the house as functions from source text to violations; it must not look at the repository.

The rules are written down in docs/; each function names the one it keeps. `test_imports.py` applies them to the
tree, `test_rules.py` shows that each of them can fail.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

PRODUCT = ("app", "core", "schema", "resolvers", "rest_adapter")
DRIVERS = ("asyncpg", "aiosqlite", "asyncmy", "aiomysql", "sqlite3")
MOST_LINES = 450

# Inside core, arrows point down this list only (rooms of one row may know each other, but not in a circle).
_DOORS_OF_CORE = (
    "engine", "enter", "history", "metadata", "configuration", "permissions", "extensions", "utilities", "webhooks",
    "projects", "accounts", "demo", "start", "doctor", "cli", "counts", "stream", "transfer", "subscriptions", "users",
    "passwords", "invitations", "extend", "answers", "mailing", "assets", "originals", "reading", "scim",
)  # fmt: skip
ROWS: tuple[tuple[str, ...], ...] = (
    _DOORS_OF_CORE,
    ("write", "ddl", "migrate", "auth", "files", "mail"),
    ("db", "events", "cache", "telemetry", "session", "hooks", "endpoints"),
    ("sql",),
    ("access",),
    ("query",),
    ("types",),
    ("catalog", "context", "errors", "settings", "frozen", "pace"),
)
# These two modules sit in pure rooms and read the database through a connection that is handed to them.
LOADERS = ("core.catalog.load", "core.access.load")
LOADER_ROW = 2
# The session carries its project along without looking into it: the type is named, nothing is imported at run time.
NAMED_ABOVE = {"core.session": "core.projects"}

# What a request brings and what comes back: plain data that every layer may name.
DATA = (
    "core.catalog", "core.context", "core.errors", "core.settings", "core.session", "core.frozen", "core.pace",
    "core.query", "core.transfer.source", "core.files.upload", "core.endpoints.data",
    "core.scim.refusals", "core.scim.rows", "core.scim.shape",
)  # fmt: skip
DOORS = (
    "core.engine", "core.enter", "core.history", "core.metadata", "core.configuration", "core.permissions",
    "core.extensions", "core.utilities", "core.webhooks", "core.subscriptions", "core.stream", "core.projects",
    "core.auth.login", "core.auth.presence", "core.auth.sso.flow",
    "core.users", "core.passwords", "core.invitations", "core.mailing",
    "core.ddl.collections", "core.ddl.fields", "core.ddl.code",
    "core.transfer.imports", "core.transfer.export", "core.answers", "core.assets",
    "core.originals", "core.scim.service",
)  # fmt: skip
# What a caller presents, and the project that a token names: read as text, nothing is verified there.
PRESENTED = ("core.auth.credentials", "core.auth.tokens")

PURE = ("core.types", "core.query", "core.access", "core.sql", "core.catalog")
# Where the clock, chance, the environment, files and other machines live.
IMPURE_MODULES = (
    "asyncio", "anyio", "os", "pathlib", "random", "secrets", "shutil", "socket", "subprocess", "tempfile", "threading",
    "time", "urllib.request", *DRIVERS,
)  # fmt: skip
IMPURE_CALLS = (
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "uuid.uuid1", "uuid.uuid4", "uuid1", "uuid4",
    "open", "input",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Import:
    """One module named by an import; `name` is complete, `at_run_time` False under TYPE_CHECKING."""

    name: str
    line: int
    at_run_time: bool = True


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed source file under its dotted name."""

    name: str
    tree: ast.Module
    lines: int
    imports: tuple[Import, ...] = field(default=())


def parse(name: str, source: str, known: Iterable[str] = ()) -> Module:
    """A module from its source. `known` are all module names, which tell `from a import b` the module from the name."""
    tree = ast.parse(source)
    package = name.removesuffix(".__init__") if name.endswith(".__init__") else name.rpartition(".")[0]
    imports = tuple(_imports(tree, package, frozenset(known)))
    return Module(name.removesuffix(".__init__"), tree, source.count("\n") + 1, imports)


def _imports(tree: ast.Module, package: str, known: frozenset[str]) -> Iterator[Import]:
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, node not in typing_only)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            for alias in node.names:
                inner_name = f"{base}.{alias.name}"
                yield Import(inner_name if inner_name in known else base, node.lineno, node not in typing_only)


def within(name: str, *rooms: str) -> bool:
    """Whether a module is one of the rooms or lies in one."""
    return any(name == room or name.startswith(room + ".") for room in rooms)


def violations(module: Module) -> list[str]:
    """Everything that a single module does against the rules, each as "module:line what"."""
    return [f"{module.name}:{line} {what}" for rule in RULES for line, what in rule(module)]


Found = Iterator[tuple[int, str]]


def core_stands_alone(module: Module) -> Found:
    """Rule 1: core knows neither GraphQL nor HTTP, nor the layers above it."""
    if within(module.name, "core"):
        for one in module.imports:
            if within(one.name, "graphql", "ariadne", "starlette", "schema", "resolvers", "rest_adapter", "app"):
                yield one.line, f"core imports {one.name}"


def resolvers_know_doors_and_data(module: Module) -> Found:
    """Rule 2: resolvers import core's doors and data, and Ariadne."""
    if within(module.name, "resolvers"):
        for one in module.imports:
            if within(one.name, "starlette", "sqlalchemy", "schema", "rest_adapter", "app"):
                yield one.line, f"resolvers import {one.name}"
            elif within(one.name, "core") and not within(one.name, *DOORS, *DATA):
                yield one.line, f"resolvers import {one.name}, which is neither a door nor data"


def schema_knows_no_http(module: Module) -> Found:
    """Rule 3: schema binds resolvers, reads the catalog, and opens projects in two places; HTTP in one."""
    if not within(module.name, "schema"):
        return
    for one in module.imports:
        if within(one.name, "rest_adapter", "app", "sqlalchemy"):
            yield one.line, f"schema imports {one.name}"
        elif within(one.name, "starlette", "ariadne.asgi", "ariadne.wsgi") and not within(
            module.name, "schema.endpoint"
        ):
            yield one.line, f"HTTP ({one.name}) outside schema.endpoint"
        elif within(one.name, *DOORS) and not within(module.name, "schema.execute", "schema.registry"):
            yield one.line, f"{one.name} outside schema.execute and schema.registry"
        elif within(one.name, "core.access.policy") and not within(module.name, "schema.visibility"):
            yield one.line, f"{one.name} outside schema.visibility"
        elif within(one.name, "core") and not within(one.name, *DATA, *DOORS, "core.access.policy"):
            yield one.line, f"schema imports {one.name}"


def rest_adapter_only_translates(module: Module) -> Found:
    """Rule 4: the adapter knows the door of the schema and data; never the engine, the database or a policy."""
    if not within(module.name, "rest_adapter"):
        return
    for one in module.imports:
        if within(one.name, "schema", "resolvers", "app", "sqlalchemy", "ariadne"):
            if not within(one.name, "schema.execute", "schema.names"):
                yield one.line, f"rest_adapter imports {one.name}"
        elif within(one.name, "core") and not within(one.name, *DATA, *PRESENTED):
            yield one.line, f"rest_adapter imports {one.name}, which is not data"


def only_the_app_knows_the_adapter(module: Module) -> Found:
    """Rule 5: app.py is the only place that knows all rooms, and nothing knows app.py."""
    for one in module.imports:
        if within(one.name, "rest_adapter") and not within(module.name, "rest_adapter", "app"):
            yield one.line, f"{one.name} is known to app.py only"
        if within(one.name, "app"):
            yield one.line, "nothing imports app.py"


def one_room_for_databases(module: Module) -> Found:
    """Rule 6: one importer of `databases` and of the drivers; SQLAlchemy in two rooms; SQL knows no permissions."""
    for one in module.imports:
        if within(one.name, "databases", *DRIVERS) and not within(module.name, "core.db.gateway"):
            yield one.line, f"{one.name} is imported by core/db/gateway only"
        if within(one.name, "sqlalchemy", "alembic") and not within(module.name, "core.sql", "core.db"):
            yield one.line, f"{one.name} is imported by core/sql and core/db only"
        if within(one.name, "core.access", "core.session") and within(module.name, "core.sql"):
            yield one.line, f"core/sql imports {one.name}: the compiler must not see permissions"


def core_points_down(module: Module) -> Found:
    """The rows of core: a module imports from its own row and from those below it."""
    if not within(module.name, "core") or module.name == "core":
        return
    own = _row(module.name)
    if own is None:
        yield 1, "is in no row of core; add its room to ROWS"
        return
    for one in module.imports:
        other = _row(one.name) if within(one.name, "core") and one.name != "core" else None
        named_only = not one.at_run_time and NAMED_ABOVE.get(module.name) == one.name
        if other is not None and other < own and not named_only:
            yield one.line, f"{one.name} lies above it"


def _row(name: str) -> int | None:
    if name in LOADERS:
        return LOADER_ROW
    room = name.split(".")[1]
    return next((number for number, row in enumerate(ROWS) if room in row), None)


def no_global_state(module: Module) -> Found:
    """Rule 7: nothing at module level changes; a dataclass of a pure room is frozen.

    Two exceptions: a *Result is filled once and handed to the serialiser, which takes lists and dicts; a private one
    is the working state of a function and does not leave its module.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield node.lineno, f"global {', '.join(node.names)}"
        elif isinstance(node, ast.ClassDef):
            for decorator in node.decorator_list:
                excepted = node.name.endswith("Result") or node.name.startswith("_")
                data = within(module.name, *PURE) and _is_dataclass(decorator) and not excepted
                if data and not _is_frozen(decorator):
                    yield node.lineno, f"dataclass {node.name} is not frozen"
    for statement in module.tree.body:
        value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
        if isinstance(value, ast.Call) and _dotted(value.func).rpartition(".")[2] in (
            "ContextVar", "Lock", "Semaphore", "Event", "Queue", "WeakValueDictionary", "WeakKeyDictionary", "local",
        ):  # fmt: skip
            yield statement.lineno, f"{ast.unparse(value.func)} at module level is global state"
        elif _is_mutable(value) and not all(name.strip("_").isupper() or _dunder(name) for name in _names(statement)):
            yield statement.lineno, f"{', '.join(_names(statement))} is mutable at module level"


def _is_dataclass(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return _dotted(target).rpartition(".")[2] == "dataclass"


def _is_frozen(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and any(
        keyword.arg == "frozen" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        for keyword in decorator.keywords
    )


def _is_mutable(value: ast.expr | None) -> bool:
    return isinstance(value, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)) or (
        isinstance(value, ast.Call) and _dotted(value.func) in ("list", "dict", "set", "defaultdict", "OrderedDict")
    )


def _dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _names(statement: ast.stmt) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]  # type: ignore[attr-defined]
    return [ast.unparse(target) for target in targets]


def pure_rooms_are_pure(module: Module) -> Found:
    """Rule 8: no await, clock, chance or environment in a pure room; time and ids come in through the Context."""
    if not within(module.name, *PURE) or module.name in LOADERS:
        return
    for one in module.imports:
        if one.at_run_time and within(one.name, *IMPURE_MODULES):
            yield one.line, f"a pure room imports {one.name}"
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)):
            yield node.lineno, f"{type(node).__name__} in a pure room"
        elif isinstance(node, ast.Call):
            called = _dotted(node.func)
            if any(called == impure or called.endswith("." + impure) for impure in IMPURE_CALLS):
                yield node.lineno, f"{called}() in a pure room"


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def says_what_it_is_for(module: Module) -> Found:
    """Every module opens by saying what it is in charge of."""
    if not ast.get_docstring(module.tree):
        yield 1, "has no docstring"


RULES: tuple[Callable[[Module], Found], ...] = (
    core_stands_alone,
    resolvers_know_doors_and_data,
    schema_knows_no_http,
    rest_adapter_only_translates,
    only_the_app_knows_the_adapter,
    one_room_for_databases,
    core_points_down,
    no_global_state,
    pure_rooms_are_pure,
    says_what_it_is_for,
)


def cycles(modules: Iterable[Module]) -> list[list[str]]:
    """The groups of modules that import each other in a circle at run time, wherever the import stands."""
    graph: Mapping[str, set[str]] = {
        module.name: {one.name for one in module.imports if one.at_run_time and one.name != module.name}
        for module in modules
    }
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:  # Tarjan
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name] & graph.keys()):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found

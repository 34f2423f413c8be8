"""In charge of who wants which event: what a module registers, and the lists by event made of it. Calls nobody."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from core.hooks.names import is_action, is_filter

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)

HIGH, NORMAL, LOW = 100, 0, -100


@dataclass(frozen=True, slots=True)
class Hook:
    """One function for one event. `source`: the module and the function, for logs and lists."""

    event: str
    call: Function
    source: str
    priority: int = NORMAL

    @property
    def is_async(self) -> bool:
        """Whether it is awaited; other functions run in a thread."""
        return inspect.iscoroutinefunction(self.call) or inspect.iscoroutinefunction(
            getattr(self.call, "__call__", None)  # noqa: B004
        )


class Hooks:
    """What a module registers its functions with. `source` is its name."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.filters: list[Hook] = []
        self.actions: list[Hook] = []

    def filter(self, *events: str, priority: int = NORMAL) -> Callable[[F], F]:
        """Register a filter: it is given (payload, context) and returns the payload, None for the one it was given.

        Raises ValueError for a name that no filter has, TypeError for a function that does not take two arguments.
        """
        return self._adder(self.filters, events, priority, is_filter, "filter")

    def action(self, *events: str, priority: int = NORMAL) -> Callable[[F], F]:
        """Register an action: it is given (payload, context), and what it returns counts for nothing.

        Raises as `filter`.
        """
        return self._adder(self.actions, events, priority, is_action, "action")

    def take(self, filters: Any, actions: Any) -> None:
        """Register mappings of event → function or functions. Raises as `filter`."""
        for given, add, what in ((filters, self.filter, "filters"), (actions, self.action, "actions")):
            if not isinstance(given, Mapping):
                raise TypeError(f"{what} must be a mapping of events to functions")
            for event, functions in given.items():
                for function in functions if isinstance(functions, list | tuple) else (functions,):
                    add(event)(function)

    def _adder(
        self, to: list[Hook], events: tuple[str, ...], priority: int, known: Callable[[str], bool], what: str
    ) -> Callable[[F], F]:
        for event in events:
            if not known(event):
                raise ValueError(f"there is no {what} {event!r}")
        if not events:
            raise ValueError(f"a {what} needs the name of an event")

        def add(function: F) -> F:
            _check(function)
            name = getattr(function, "__qualname__", type(function).__name__)
            to.extend(Hook(event, function, f"{self.source}: {name}", priority) for event in events)
            return function

        return add


def _check(function: Any) -> None:
    if not callable(function):
        raise TypeError(f"{function!r} is no function")
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        raise TypeError(f"{getattr(function, '__qualname__', function)} must take (payload, context)") from None
    except ValueError:
        return  # a builtin that does not tell its signature


@dataclass(frozen=True, slots=True)
class Registered:
    """All functions of a project by event, in the order in which they are called."""

    filters: Mapping[str, tuple[Hook, ...]]
    actions: Mapping[str, tuple[Hook, ...]]

    @classmethod
    def of(cls, modules: Iterable[Hooks]) -> Registered:
        """Higher priorities first, then in the order of registration."""
        filters: dict[str, list[Hook]] = {}
        actions: dict[str, list[Hook]] = {}
        for module in modules:
            for hook in module.filters:
                filters.setdefault(hook.event, []).append(hook)
            for hook in module.actions:
                actions.setdefault(hook.event, []).append(hook)
        return cls(_ordered(filters), _ordered(actions))

    def __bool__(self) -> bool:
        return bool(self.filters or self.actions)


def _ordered(found: Mapping[str, list[Hook]]) -> dict[str, tuple[Hook, ...]]:
    return {event: tuple(sorted(hooks, key=lambda hook: -hook.priority)) for event, hooks in found.items()}

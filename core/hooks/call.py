"""In charge of calling one function of an extension: within its time, contained, off the loop when it is not async."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from typing import Any

import structlog

from core.errors import HookFailed, TabulariumError


class Threads:
    """Threads for functions that are not async: at most so many at once, and none that keeps a server from ending."""

    def __init__(self, most: int = 8) -> None:
        self._free = asyncio.Semaphore(most)

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What the function returns or raises. One that is given up on keeps its place until it ends."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
        variables = contextvars.copy_context()

        def done(outcome: tuple[Any, BaseException | None]) -> None:
            self._free.release()
            if not future.done():
                future.set_result(outcome)

        def body() -> None:
            try:
                outcome: tuple[Any, BaseException | None] = variables.run(function, *arguments), None
            except BaseException as error:
                outcome = None, error
            try:
                loop.call_soon_threadsafe(done, outcome)
            except RuntimeError:
                return  # the loop has ended meanwhile

        threading.Thread(target=body, name="extension", daemon=True).start()
        value, error = await future
        if error is not None:
            raise error
        return value


async def call(
    function: Callable[..., Any], *arguments: Any, is_async: bool, seconds: float, threads: Threads, **told: Any
) -> Any:
    """What the function answers. `told`: facts for the log.

    Raises core's errors as the function does (a Veto is one); HookFailed for everything else and after `seconds`, with
    what went wrong as its cause.
    """
    failure: BaseException
    try:
        async with asyncio.timeout(seconds) as limit:
            found = function(*arguments) if is_async else await threads.run(function, *arguments)
            return await found if inspect.isawaitable(found) else found
    except TabulariumError:
        raise
    except TimeoutError as error:
        what = f"did not end within {seconds:g} seconds" if limit.expired() else "raised an error"
        structlog.get_logger().error(f"an extension {what}", exc_info=error, **told)
        failure = error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        structlog.get_logger().error("an extension raised an error", exc_info=error, **told)
        failure = error
    except (Exception, SystemExit) as error:
        structlog.get_logger().error("an extension raised an error", exc_info=error, **told)
        failure = error
    raise HookFailed from failure

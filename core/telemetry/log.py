"""In charge of how log lines look: words on a terminal, JSON elsewhere, one line per event on standard error."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure(*, terminal: bool | None = None, level: int = logging.INFO) -> None:
    """Set up structlog and the standard library's logging for this process; called once, at its start."""
    words = sys.stderr.isatty() if terminal is None else terminal
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    ends: list[Any] = (
        [_console(colors=words)]
        if words
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=True)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ends],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These report each connection.
    for name in ("asyncio", "databases"):
        logging.getLogger(name).setLevel(logging.WARNING)


def logger() -> Any:
    """The logger of the process, as `configure` set it up."""
    return structlog.get_logger()


def beside_output() -> None:
    """Let the log lines of a command go to standard error, so that what it prints can be used by others."""
    # Asked for each time: whoever runs commands in one process may have exchanged the stream.
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"), _console()],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _console(*, colors: bool = False) -> structlog.dev.ConsoleRenderer:
    """Words for people. Tracebacks are plain: with local variables they would tell passwords, in thousands of lines."""
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)

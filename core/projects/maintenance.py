"""In charge of maintenance: a flag file that pauses all projects of a server, a key of a project's own configuration.

While a project is paused every request to it is refused (spec 01 §11.4); requests without a project go on.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.projects.project import Project

FLAG = Path("logs", "maintenance")
"""Below the data folder. Its content means nothing, so that any tool may make it."""


def is_paused(project: Project) -> bool:
    """Whether requests to the project are refused now. Looks at the file each time: one system call."""
    return bool(project.config.tree["maintenance"]) or is_on(project.data)


def is_on(data: Path) -> bool:
    """Whether all projects are paused (`maintenance:status`)."""
    return os.access(_flag(data), os.F_OK)


@lru_cache(maxsize=64)
def _flag(data: Path) -> str:
    return str(data / FLAG)


def turn_on(data: Path) -> None:
    """Pause all projects of the data folder, in every process (`maintenance:on`). Raises OSError."""
    flag = data / FLAG
    flag.parent.mkdir(parents=True, exist_ok=True)
    flag.touch()


def turn_off(data: Path) -> None:
    """End it (`maintenance:off`); nothing happens when it is not on. Raises OSError."""
    (data / FLAG).unlink(missing_ok=True)

"""In charge of the files that logs leave in a folder: deleting old ones. It writes none."""

from __future__ import annotations

from pathlib import Path

SUFFIX = ".log"


def prune(folder: Path, before: float) -> int:
    """Delete the log files of a folder that were last written before a moment (seconds since 1970); how many.

    Other files, links and folders stay, whatever their age.
    """
    if not folder.is_dir():
        return 0
    gone = 0
    for path in folder.iterdir():
        if path.suffix == SUFFIX and path.is_file() and not path.is_symlink() and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            gone += 1
    return gone

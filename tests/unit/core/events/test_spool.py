"""In charge of events that wait on disk: they come back as they were, in any order, and are gone with the spool."""

from __future__ import annotations

from core.events.collect import Event
from core.events.spool import Spool


def test_events_beyond_the_limit_come_back_from_disk() -> None:
    spool = Spool(most=3)
    kept = [
        spool.keep([Event("create", "articles", 10 * part + number, {"id": number}) for number in range(2)])
        for part in range(4)
    ]
    assert spool._file is not None
    for part in (3, 0, 1, 2):
        assert [event.key for event in kept[part]()] == [10 * part, 10 * part + 1]
    file = spool._file
    spool.close()
    assert file.closed


def test_few_events_need_no_file() -> None:
    spool = Spool()
    assert [event.key for event in spool.keep([Event("delete", "articles", 7, {})])()] == [7]
    assert spool._file is None
    spool.close()

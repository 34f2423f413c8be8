"""In charge of showing, after a run, how much of the recorded traffic agrees, by family."""

from __future__ import annotations

import pytest

from tests.parity.report import REPORTS


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORTS] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for report in config.stash.get(REPORTS, []):
        terminalreporter.section(f"recorded traffic on {report.dialect}", sep="-")
        for line in report.lines():
            terminalreporter.write_line(line)

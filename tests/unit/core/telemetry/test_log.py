"""In charge of how log lines look: what a traceback tells, on a terminal and elsewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAILING = """
import structlog
from core.telemetry import log

def sign_in(secret):
    raise ValueError("no luck")

{setup}
try:
    sign_in("correct" + "-horse")
except ValueError:
    structlog.get_logger().exception("sign-in failed")
"""


@pytest.mark.parametrize(
    "setup", ["log.configure(terminal=True)", "log.configure(terminal=False)", "log.beside_output()"]
)
def test_a_traceback_tells_no_values(setup: str) -> None:
    command = [sys.executable, "-c", FAILING.format(setup=setup)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    assert "sign-in failed" in ran.stderr
    assert "ValueError: no luck" in ran.stderr
    assert "correct-horse" not in ran.stderr

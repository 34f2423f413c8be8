"""In charge of the TLS options of a database: what they ask for, and that nothing is weakened unasked."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from core.errors import InvalidDatabaseConnection
from core.projects.tls import context


def test_without_options_there_is_no_context() -> None:
    assert context({}) is None
    assert context({"ATTR_TIMEOUT": 3, "ssl_ca": ""}) is None


def test_certificates_are_verified_unless_told_otherwise() -> None:
    made = context({"ssl_verify_server_cert": True})
    assert made is not None
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)
    for word in (False, "0", "off", "false"):
        made = context({"ssl_verify_server_cert": word})
        assert made is not None
        assert (made.verify_mode, made.check_hostname) == (ssl.CERT_NONE, False)


def test_ciphers_are_taken_over() -> None:
    made = context({"ssl_cipher": "ECDHE-RSA-AES256-GCM-SHA384"})
    assert made is not None
    names = {cipher["name"] for cipher in made.get_ciphers()}
    assert "ECDHE-RSA-AES256-GCM-SHA384" in names
    assert "ECDHE-RSA-AES128-GCM-SHA256" not in names


@pytest.mark.parametrize("option", ["ssl_ca", "ssl_cert", "ssl_cipher"])
def test_what_cannot_be_used_is_refused_without_its_value(option: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidDatabaseConnection) as refused:
        context({option: str(tmp_path / "nosuch")})
    assert "nosuch" not in refused.value.message

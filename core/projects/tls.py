"""In charge of TLS between a project and its database, from `database.driver_options`. It connects to nothing.

The names are those that `config import-php` makes of the options of PDO.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from core.errors import InvalidDatabaseConnection
from core.settings.tree import FALSE_TEXTS

NAMES = ("ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_cipher", "ssl_verify_server_cert")


def context(options: Mapping[str, Any]) -> ssl.SSLContext | None:
    """The context that the options describe; None when they say nothing of TLS.

    The server's certificate and name are verified unless `ssl_verify_server_cert` is false. Raises
    InvalidDatabaseConnection for files or ciphers that cannot be used.
    """
    given = {name: options[name] for name in NAMES if options.get(name) not in (None, "")}
    if not given:
        return None
    try:
        made = ssl.create_default_context(cafile=given.get("ssl_ca"), capath=given.get("ssl_capath"))
        if "ssl_cert" in given:
            made.load_cert_chain(given["ssl_cert"], given.get("ssl_key"))
        if "ssl_cipher" in given:
            made.set_ciphers(str(given["ssl_cipher"]))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise InvalidDatabaseConnection("The TLS options of the database cannot be used") from error
    if str(given.get("ssl_verify_server_cert", True)).strip().lower() in FALSE_TEXTS:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made

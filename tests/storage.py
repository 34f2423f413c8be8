"""In charge of a server that speaks S3, for tests: nothing leaves this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx2

KEY = {"key": "test", "secret": "test", "region": "us-east-1"}


@contextmanager
def s3_server() -> Iterator[str]:
    """The URL of a server without buckets."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def bucket(server: str) -> dict[str, Any]:
    """The branch `storage` of a project whose files are in a fresh bucket."""
    name = f"bucket-{uuid4().hex[:12]}"
    httpx2.put(f"{server}/{name}").raise_for_status()
    return {"adapter": "s3", "bucket": name, "endpoint": server, **KEY}

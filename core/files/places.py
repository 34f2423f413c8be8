"""In charge of where a project's bytes lie: its configuration (spec 04 §7) → one store for originals, one for variants.

It opens stores and must not read or write through them. The library is imported when the first one is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.settings import ConfigurationError, ProjectConfig

GROUP = "tabularium.storage"
"""Entry points of other adapters: (branch `storage` of the configuration, prefix) → a store of obstore."""

CONNECT_WITHIN, SILENT_FOR = timedelta(seconds=5), timedelta(seconds=60)
LONGEST = timedelta(hours=6)
"""A download goes on as long as its client takes; what must not happen is that nothing comes."""
RETRIES: Mapping[str, Any] = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}


@dataclass(frozen=True, slots=True)
class Place:
    """One store. `folder`: where its files lie, if that is a folder of this machine."""

    store: Any
    folder: Path | None = None
    attributes: Mapping[str, str] | None = None
    """What is sent along with every object; None where the store keeps no attributes."""


def check(config: ProjectConfig) -> None:
    """Raise ConfigurationError for an adapter that is not known or lacks what it needs; nothing is opened."""
    adapter = _adapter(config)
    if adapter in NEEDS:
        for key in NEEDS[adapter]:
            if not config.get(f"storage.{key}"):
                raise ConfigurationError(f"storage.{key} is missing: the adapter {adapter} needs it")
    elif adapter not in {point.name for point in entry_points(group=GROUP)}:
        raise ConfigurationError(f"storage.adapter must be one of {', '.join(sorted(NEEDS))}, not {adapter}")


def open_places(config: ProjectConfig, data: Path) -> tuple[Place, Place]:
    """The stores of originals and of generated variants. Raises ConfigurationError, OSError."""
    check(config)
    adapter = _adapter(config)
    root, generated = str(config.get("storage.root", "")), str(config.get("storage.thumb_root", ""))
    if adapter == "local":
        return _folder(data / root), _folder(data / generated)
    make = OPENERS.get(adapter) or _foreign(adapter)
    if adapter == "azure":
        root = ""  # as v8: originals lie at the root of the container
    storage = config.tree["storage"]
    sent = {"Cache-Control": text} if (text := config.get("storage.options.CacheControl")) else {}
    return tuple(Place(make(storage, prefix.strip("/")), attributes=sent) for prefix in (root, generated))  # type: ignore[return-value]


def _adapter(config: ProjectConfig) -> str:
    return str(config.get("storage.adapter") or "local")


def _folder(folder: Path) -> Place:
    from obstore.store import LocalStore

    return Place(LocalStore(prefix=folder, mkdir=True), folder)


def _memory(storage: Mapping[str, Any], prefix: str) -> Any:
    from obstore.store import MemoryStore

    return MemoryStore()


def _s3(storage: Mapping[str, Any], prefix: str) -> Any:
    from obstore.store import S3Store

    config: dict[str, Any] = {"region": storage["region"] or "us-east-1"}
    if storage["key"]:  # without one the instance's role is asked
        config |= {"access_key_id": storage["key"], "secret_access_key": storage["secret"] or ""}
    endpoint = storage["endpoint"]
    if endpoint:
        config |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
    return S3Store(storage["bucket"], **_options(prefix, config, endpoint))


def _gcs(storage: Mapping[str, Any], prefix: str) -> Any:
    from obstore.store import GCSStore

    config = {"service_account": storage["key"]} if storage["key"] else {}
    return GCSStore(storage["bucket"], **_options(prefix, config))


def _azure(storage: Mapping[str, Any], prefix: str) -> Any:
    from obstore.store import AzureStore

    config = azure_config(storage["azure_connection_string"])
    return AzureStore(storage["azure_container"], **_options(prefix, config, config.get("endpoint")))


def azure_config(connection: str) -> dict[str, str]:
    """What a connection string of Azure says, in the library's words. Raises ConfigurationError."""
    parts = dict(part.split("=", 1) for part in connection.split(";") if "=" in part)
    found = {name: parts[theirs] for theirs, name in AZURE.items() if theirs in parts}
    if "account_name" not in found:
        raise ConfigurationError("storage.azure_connection_string names no AccountName")
    if "endpoint" not in found and "EndpointSuffix" in parts:
        scheme = parts.get("DefaultEndpointsProtocol", "https")
        found["endpoint"] = f"{scheme}://{found['account_name']}.blob.{parts['EndpointSuffix']}"
    return found


def _foreign(adapter: str) -> Callable[[Mapping[str, Any], str], Any]:
    [found, *_] = entry_points(group=GROUP, name=adapter)
    return found.load()  # type: ignore[no-any-return]


def _options(prefix: str, config: Mapping[str, Any], endpoint: str | None = None) -> dict[str, Any]:
    client = {
        "connect_timeout": CONNECT_WITHIN,
        "read_timeout": SILENT_FOR,
        "timeout": LONGEST,
        "allow_http": urlsplit(endpoint or "").scheme == "http",
    }
    return {"prefix": prefix or None, "config": config, "client_options": client, "retry_config": RETRIES}


AZURE: Mapping[str, str] = {
    "AccountName": "account_name",
    "AccountKey": "account_key",
    "SharedAccessSignature": "sas_key",
    "BlobEndpoint": "endpoint",
}
NEEDS: Mapping[str, tuple[str, ...]] = {
    "local": (),
    "memory": (),
    "s3": ("bucket",),
    "gcs": ("bucket",),
    "azure": ("azure_connection_string", "azure_container"),
}
OPENERS: Mapping[str, Callable[[Mapping[str, Any], str], Any]] = {
    "memory": _memory,
    "s3": _s3,
    "gcs": _gcs,
    "azure": _azure,
}

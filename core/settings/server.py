"""In charge of the server's own settings, read from environment variables. It must not read files or connect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from core.frozen import EMPTY
from core.settings.tree import FALSE_TEXTS, ConfigurationError

VARIABLES = {
    "TABULARIUM_HOST": "Address to listen on.",
    "TABULARIUM_PORT": "Port to listen on.",
    "TABULARIUM_DATA": "Folder of project files, SQLite databases and uploads.",
    "TABULARIUM_DEFAULT_PROJECT": "Project made at the first start; empty: none is made.",
    "TABULARIUM_DEMO": "0: the first project is made without the demo.",
    "TABULARIUM_ADMIN_EMAIL": "E-mail address of the first admin.",
    "TABULARIUM_ADMIN_PASSWORD": "Password of the first admin; without it one is generated and printed once.",
    "TABULARIUM_ADMIN_TOKEN": "Static token of the first admin.",
    "TABULARIUM_IMAGE_WORKERS": "Processes that make small pictures; without it one less than processors, 2 at most.",
    "TABULARIUM_ADMIN_PATH": "Folder of a copy of the admin app, served below /admin/; none is shipped.",
    "TABULARIUM_ADMIN_POLICY": "Content-Security-Policy of that app's page; none unless it is set.",
    "TABULARIUM_SUPER_ADMIN_TOKEN": "Token that creating and deleting projects over HTTP needs.",
}
"""Every variable that the server reads, with its meaning; docs and tests go by this list."""

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8055
MOST_WORKERS = 64
DEFAULT_EMAIL = "admin@example.com"


@dataclass(frozen=True, slots=True)
class Settings:
    """How this server runs. Secrets are left out of `repr`."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    data: Path = Path("data")
    default_project: str | None = "main"
    demo: bool = True
    admin_email: str = DEFAULT_EMAIL
    admin_password: str | None = field(default=None, repr=False)
    admin_token: str | None = field(default=None, repr=False)
    admin_path: Path | None = None
    admin_policy: str | None = None
    super_admin_token: str | None = field(default=None, repr=False)
    image_workers: int = 0
    """0: as many as there are processors to spare."""
    use_environment: bool = False
    """DIRECTUS_USE_ENV=1: one project `_`, configured by DIRECTUS_* variables (spec 01 §13)."""
    project_variables: Mapping[str, str] = field(default_factory=lambda: EMPTY, repr=False)
    """The DIRECTUS_* variables, when they are used."""

    @property
    def own_url(self) -> str | None:
        """The URL of a server that only this machine can reach; elsewhere the address says nothing about the name."""
        try:
            loopback = ip_address(self.host).is_loopback
        except ValueError:
            loopback = self.host == "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}" if loopback else None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """Settings from environment variables; unset ones have defaults. A relative data folder counts from here.

        Raises ConfigurationError naming the variable whose value makes no sense.
        """
        use_environment = environ.get("DIRECTUS_USE_ENV", "").strip().lower() not in FALSE_TEXTS
        return cls(
            host=_text(environ, "TABULARIUM_HOST") or DEFAULT_HOST,
            port=_number(environ, "TABULARIUM_PORT", DEFAULT_PORT, 65535),
            data=Path(_text(environ, "TABULARIUM_DATA") or "data").expanduser().absolute(),
            default_project="_" if use_environment else _default_project(environ),
            demo=environ.get("TABULARIUM_DEMO", "1").strip().lower() not in FALSE_TEXTS,
            admin_email=_text(environ, "TABULARIUM_ADMIN_EMAIL") or DEFAULT_EMAIL,
            admin_password=environ.get("TABULARIUM_ADMIN_PASSWORD") or None,
            admin_token=_text(environ, "TABULARIUM_ADMIN_TOKEN"),
            admin_path=_folder(environ, "TABULARIUM_ADMIN_PATH"),
            admin_policy=_header(environ, "TABULARIUM_ADMIN_POLICY"),
            super_admin_token=_text(environ, "TABULARIUM_SUPER_ADMIN_TOKEN")
            or (_text(environ, "DIRECTUS_SUPER_ADMIN_TOKEN") if use_environment else None),
            image_workers=_number(environ, "TABULARIUM_IMAGE_WORKERS", 0, MOST_WORKERS),
            use_environment=use_environment,
            project_variables=(
                {name: value for name, value in environ.items() if name.startswith("DIRECTUS_")}
                if use_environment
                else EMPTY
            ),
        )


def _text(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name, "").strip() or None


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    text = _text(environ, name)
    return None if text is None else Path(text).expanduser().absolute()


def _header(environ: Mapping[str, str], name: str) -> str | None:
    """The value of a header as it can be sent."""
    text = _text(environ, name)
    if text is not None and not (text.isascii() and text.isprintable()):
        raise ConfigurationError(f"{name} must be one line of plain text")
    return text


def _default_project(environ: Mapping[str, str]) -> str | None:
    if "TABULARIUM_DEFAULT_PROJECT" not in environ:
        return "main"
    return _text(environ, "TABULARIUM_DEFAULT_PROJECT")


def _number(environ: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = _text(environ, name)
    if text is None:
        return default
    # isdecimal alone accepts digits of other scripts, which int() would take as well.
    if not (text.isascii() and text.isdecimal()) or not 0 <= int(text) <= most:
        raise ConfigurationError(f"{name} must be a number from 0 to {most}")
    return int(text)

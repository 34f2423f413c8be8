"""In charge of holding the documents to the code: settings and rooms that exist are written down, links lead on."""

from __future__ import annotations

import re
from pathlib import Path

from core.settings.server import VARIABLES

ROOT = Path(__file__).resolve().parents[2]


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_every_setting_of_the_server_is_in_the_readme() -> None:
    assert set(re.findall(r"`(TABULARIUM_[A-Z_]+)`", text("README.md"))) >= VARIABLES.keys()


def test_every_room_of_core_is_on_the_code_map() -> None:
    rooms = {path.stem for path in (ROOT / "core").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    named = set(re.findall(r"`([a-z_]+)/?`", text("docs/code-map.md")))
    assert rooms - {"__init__"} - named == set()


def test_what_the_code_map_names_exists() -> None:
    paths = re.findall(
        r"`((?:core|schema|resolvers|rest_adapter|tests)/[\w/]+(?:\.(?:py|json))?)[`:]", text("docs/code-map.md")
    )
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8")):
            if not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert broken == []

"""In charge of the rows of the demo: made of a few word lists, the same ones every time. No chance, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

LANGUAGES = (("en-US", "English"), ("de-DE", "Deutsch"), ("fr-FR", "Français"))
SECTIONS = (
    ("Culture", None), ("Science", None), ("Travel", None), ("Food", None),
    ("Books", 1), ("Music", 1), ("Nature", 2), ("Cities", 3), ("Mountains", 3),
)  # fmt: skip
AUTHORS = (
    ("Ada Brandt", 1975), ("Ben Okoro", 1988), ("Chiara Lunardi", 1981), ("Dmitri Wolkow", 1969),
    ("Elif Demir", 1992), ("Frances Moore", 1958), ("Goran Petrov", 1985), ("Hana Suzuki", 1990),
    ("Ines Carvalho", 1979), ("Jonas Lind", 1996), ("Kofi Mensah", 1983), ("Léa Fontaine", 1987),
)  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
TAGS = (
    "water", "winter", "interview", "history", "craft", "garden", "night", "railway", "sea", "bread", "light", "walks",
    "archive", "weather", "children", "quiet",
)  # fmt: skip
COLORS = ("#2F80ED", "#27AE60", "#F2994A", "#EB5757")
PLACES = (
    ("The harbour", "Der Hafen", "Le port"),
    ("The library", "Die Bibliothek", "La bibliothèque"),
    ("The orchard", "Der Obstgarten", "Le verger"),
    ("The night train", "Der Nachtzug", "Le train de nuit"),
    ("The glass house", "Das Gewächshaus", "La serre"),
    ("The old bridge", "Die alte Brücke", "Le vieux pont"),
    ("The bakery", "Die Bäckerei", "La boulangerie"),
    ("The observatory", "Die Sternwarte", "L’observatoire"),
    ("The market square", "Der Marktplatz", "La place du marché"),
    ("The lighthouse", "Der Leuchtturm", "Le phare"),
    ("The rehearsal room", "Der Probenraum", "La salle de répétition"),
    ("The mountain pass", "Der Bergpass", "Le col"),
)
TIMES = (
    ("at dawn", "im Morgengrauen", "à l’aube"),
    ("in winter", "im Winter", "en hiver"),
    ("after the rain", "nach dem Regen", "après la pluie"),
    ("by night", "bei Nacht", "la nuit"),
    ("a hundred years ago", "vor hundert Jahren", "il y a cent ans"),
    ("without visitors", "ohne Besucher", "sans visiteurs"),
    ("on a Sunday", "an einem Sonntag", "un dimanche"),
    ("in the first snow", "im ersten Schnee", "sous la première neige"),
    ("between two seasons", "zwischen zwei Jahreszeiten", "entre deux saisons"),
    ("when the power fails", "wenn der Strom ausfällt", "quand l’électricité manque"),
)
SENTENCES = (
    "Nobody had planned to stay, and yet the kettle was on.",
    "You hear the place before you see it.",
    "What looks like an accident is the work of forty years.",
    "The keys hang where they have always hung, behind the clock.",
    "There is a list of names on the wall, and one of them is missing.",
    "Most of what we know about it comes from a single letter.",
    "The light changes twice before anybody says a word.",
    "It is the smell that people remember, they say, not the view.",
    "Half of the tools have no name in any dictionary.",
    "At the end of the day the floor is swept towards the door.",
)
READERS = ("Mara", "Tom", "Yusuf", "Ingrid", "Paolo", "Wen", "Olga", "Sam", "Nina")
REMARKS = (
    "I grew up around the corner, and this is just how it was.",
    "Who took the photograph on the second page?",
    "More of this, please.",
    "The year is wrong: it must have been a little later.",
    "I read it aloud to my father.",
    "A fine piece, though too short.",
)

FIRST = datetime(2025, 1, 1, 8)  # noqa: DTZ001 - stored without zone, in UTC
EDITORS = (2, 3)
"""Ids of the users that the demo makes."""


def _slug(text: str) -> str:
    plain = text.lower().replace("é", "e")
    return "-".join("".join(letter if letter.isalnum() else " " for letter in plain).split())


def _status(number: int) -> str:
    return "draft" if number % 10 == 9 else "deleted" if number % 20 == 7 else "published"


def rows() -> dict[str, list[Row]]:
    """The rows of every collection of the demo, parents before children."""
    return {
        "languages": [{"code": code, "name": name} for code, name in LANGUAGES],
        "sections": [
            {"id": number, "name": name, "slug": _slug(name), "parent": parent, "sort": number}
            for number, (name, parent) in enumerate(SECTIONS, 1)
        ],
        "authors": list(_authors()),
        "issues": list(_issues()),
        "tags": [
            {"id": number, "name": name, "color": COLORS[number % len(COLORS)]} for number, name in enumerate(TAGS, 1)
        ],
        "articles": list(_articles()),
        "articles_tags": list(_articles_tags()),
        "articles_translations": list(_translations()),
        "comments": list(_comments()),
    }


def _authors() -> Iterator[Row]:
    for number, (name, year) in enumerate(AUTHORS, 1):
        slug = _slug(name)
        yield {
            "id": number,
            "name": name,
            "slug": slug,
            "email": f"{slug}@example.org",
            "bio": f"{name.split()[0]} writes for the magazine since its issue {1 + number % 6}.",
            "born": date(year, 1 + number % 12, 1 + number * 7 % 28),
            "account": EDITORS[number - 1] if number <= len(EDITORS) else None,
        }


def _issues() -> Iterator[Row]:
    for number, month in enumerate(MONTHS, 1):
        yield {
            "id": number,
            "number": number,
            "title": f"{month} 2025",
            "appeared": date(2025, number, 1),
            "price": Decimal("6.50") if number % 6 else Decimal("9.00"),
            "circulation": 4000 + number * 137 % 900,
        }


def _titles(number: int, language: int) -> str:
    return f"{PLACES[number % len(PLACES)][language]} {TIMES[number // len(PLACES) % len(TIMES)][language]}"


def _articles() -> Iterator[Row]:
    for number in range(len(PLACES) * len(TIMES)):
        created = FIRST + timedelta(days=number * 3, minutes=number * 17 % 600)
        status = _status(number)
        title = _titles(number, 0)
        first = number * 3 % len(SENTENCES)
        sentences = [SENTENCES[(first + step) % len(SENTENCES)] for step in (0, 1, 4)]
        yield {
            "id": number + 1,
            "status": status,
            "title": title,
            "slug": _slug(title),
            "section": 1 + number * 5 % len(SECTIONS),
            "author": 1 + number * 7 % len(AUTHORS),
            "issue": None if status == "draft" else 1 + number // 10,
            "body": "".join(f"<p>{sentence}</p>" for sentence in sentences),
            "keywords": ",".join((TAGS[number % 16], TAGS[(number + 5) % 16])),
            "details": {"columns": 1 + number % 3, "pages": [10 + number, 11 + number]},
            "minutes": 3 + number * 11 % 17,
            "rating": None if status == "draft" else Decimal(200 + number * 37 % 300) / 100,
            "featured": number % 12 == 0,
            "published_on": None if status == "draft" else created + timedelta(days=2),
            "owner": EDITORS[number % 2],
            "created_on": created,
            "edited_by": EDITORS[number % 2],
            "edited_on": created + timedelta(hours=5),
        }


def _articles_tags() -> Iterator[Row]:
    made = 0
    for number in range(len(PLACES) * len(TIMES)):
        for step in range(2 + number % 2):
            made += 1
            yield {"id": made, "article": number + 1, "tag": 1 + (number * 3 + step * 5) % len(TAGS)}


def _translations() -> Iterator[Row]:
    made = 0
    for number in range(len(PLACES) * len(TIMES)):
        # French is still missing for every third article, as it would be.
        for language in (1, 2) if number % 3 else (1,):
            made += 1
            yield {
                "id": made,
                "article": number + 1,
                "language": LANGUAGES[language][0],
                "title": _titles(number, language),
                "summary": None,
            }


def _comments() -> Iterator[Row]:
    for number in range(150):
        yield {
            "id": number + 1,
            "article": 1 + number * 11 % (len(PLACES) * len(TIMES)),
            "name": READERS[number % len(READERS)],
            "text": REMARKS[number * 5 % len(REMARKS)],
            "approved": number % 8 != 3,
            "created_on": FIRST + timedelta(days=4 + number * 2, minutes=number * 31 % 700),
        }

"""In charge of showing which relations are found: by type, by rows, by foreign keys, and in which order."""

from __future__ import annotations

from core.catalog.model import Snapshot, ToMany, ToOne
from tests.unit.core.catalog.making import FILES, USERS, relation, row, snapshot, table

MOVIES = table("movies", "id INT; title VARCHAR(9); director INT; poster INT")
PEOPLE = table("people", "id INT; name VARCHAR(9)")
GENRES = table("genres", "id INT; name VARCHAR(9)")
MOVIES_GENRES = table("movies_genres", "id INT; movies_id INT; genres_id INT")


def related(found: Snapshot, collection: str) -> dict[str, ToOne | ToMany]:
    return dict(found.collections[collection].relations)


# Types


def test_files_and_users_need_no_row() -> None:
    found = snapshot(
        USERS,
        FILES,
        MOVIES,
        fields=[
            row("movies", "poster", "file"),
            row("movies", "director", "owner"),
            row("movies", "title", "user"),
            row("directus_users", "role", "user_updated"),
        ],
    )
    assert related(found, "movies") == {
        "title": ToOne("movies", "title", "directus_users", "id"),
        "director": ToOne("movies", "director", "directus_users", "id"),
        "poster": ToOne("movies", "poster", "directus_files", "id"),
    }
    assert list(related(found, "movies")) == ["title", "director", "poster"]
    assert related(found, "directus_users") == {"role": ToOne("directus_users", "role", "directus_users", "id")}


def test_without_system_tables_there_is_nothing_to_relate_to() -> None:
    assert related(snapshot(MOVIES, fields=[row("movies", "poster", "file")]), "movies") == {}


def test_a_primary_key_never_gets_a_relation() -> None:
    found = snapshot(
        USERS,
        PEOPLE,
        fields=[row("people", "id", "user"), row("directus_users", "people", "o2m")],
        relations=[relation(1, "people.id", "directus_users.people")],
    )
    assert related(found, "people") == {}
    assert related(found, "directus_users") == {}


# Rows


def test_many_to_one_and_back() -> None:
    found = snapshot(
        MOVIES,
        PEOPLE,
        fields=[row("movies", "director", "m2o"), row("people", "movies", "o2m")],
        relations=[relation(5, "movies.director", "people.movies")],
    )
    assert related(found, "movies") == {"director": ToOne("movies", "director", "people", "id", "movies", 5)}
    assert related(found, "people") == {"movies": ToMany("people", "movies", "movies", "director", relation=5)}


def test_the_type_of_the_column_does_not_matter() -> None:
    found = snapshot(MOVIES, PEOPLE, relations=[relation(5, "movies.director", "people")])
    assert found.collections["movies"].fields["director"].type == "integer"
    assert related(found, "movies") == {"director": ToOne("movies", "director", "people", "id", None, 5)}


def test_a_row_of_a_file_field_brings_the_way_back() -> None:
    found = snapshot(
        FILES,
        MOVIES,
        fields=[row("movies", "poster", "file"), row("directus_files", "movies", "o2m")],
        relations=[relation(3, "movies.poster", "directus_files.movies")],
    )
    assert related(found, "movies") == {"poster": ToOne("movies", "poster", "directus_files", "id", "movies", 3)}
    assert related(found, "directus_files") == {
        "movies": ToMany("directus_files", "movies", "movies", "poster", relation=3)
    }


def test_many_to_many_by_two_rows_that_name_each_other() -> None:
    fields = [row("movies", "genres", "o2m"), row("genres", "movies", "o2m")]
    rows = [
        relation(21, "movies_genres.movies_id", "movies.genres", "genres_id"),
        relation(22, "movies_genres.genres_id", "genres.movies", "movies_id"),
    ]
    found = snapshot(MOVIES, GENRES, MOVIES_GENRES, fields=fields, relations=rows)
    assert related(found, "movies")["genres"] == ToMany(
        "movies", "genres", "movies_genres", "movies_id", "genres_id", relation=21
    )
    assert related(found, "genres")["movies"] == ToMany(
        "genres", "movies", "movies_genres", "genres_id", "movies_id", relation=22
    )
    alone = snapshot(MOVIES, GENRES, MOVIES_GENRES, fields=fields, relations=rows[:1])
    assert related(alone, "movies")["genres"] == ToMany("movies", "genres", "movies_genres", "movies_id", relation=21)


def test_translations_know_their_language_field() -> None:
    translations = table("movies_translations", "id INT; movie INT; language CHAR(5); title VARCHAR(9)")
    found = snapshot(
        MOVIES,
        translations,
        fields=[row("movies", "translations", "translation"), row("movies_translations", "language", "lang")],
        relations=[relation(1, "movies_translations.movie", "movies.translations")],
    )
    assert related(found, "movies") == {
        "translations": ToMany("movies", "translations", "movies_translations", "movie", None, "language", 1)
    }


def test_of_several_rows_those_with_existing_collections_count_then_the_lowest_id() -> None:
    found = snapshot(
        MOVIES,
        PEOPLE,
        GENRES,
        fields=[row("people", "movies", "o2m")],
        relations=[
            relation(9, "movies.director", "genres"),
            relation(4, "movies.director", "people.movies"),
            relation(2, "movies.director", "directus_groups"),
            relation(1, "gone.director", "people.movies"),
            relation(3, "movies.gone", "people.movies"),
        ],
    )
    assert related(found, "movies") == {"director": ToOne("movies", "director", "people", "id", "movies", 4)}
    assert related(found, "people") == {"movies": ToMany("people", "movies", "movies", "director", relation=4)}


def test_rows_that_point_nowhere_are_ignored() -> None:
    found = snapshot(
        MOVIES,
        PEOPLE,
        table("composite", "a INT; b INT", primary=("a", "b")),
        fields=[row("people", "list", "o2m"), row("people", "line", "alias")],
        relations=[
            relation(1, "movies.director", None),
            relation(2, "movies.poster", "composite"),
            relation(3, "movies.title", "people.line"),
        ],
    )
    assert related(found, "movies") == {"title": ToOne("movies", "title", "people", "id", None, 3)}
    assert related(found, "people") == {}


def test_a_relation_to_itself() -> None:
    found = snapshot(
        table("pages", "id INT; parent INT"),
        fields=[row("pages", "children", "o2m")],
        relations=[relation(1, "pages.parent", "pages.children")],
    )
    assert related(found, "pages") == {
        "parent": ToOne("pages", "parent", "pages", "id", "children", 1),
        "children": ToMany("pages", "children", "pages", "parent", relation=1),
    }


# Foreign keys


def test_foreign_keys_are_offered_with_a_way_back() -> None:
    movies = table("movies", "id INT; director INT", foreign={"director": "people.id"})
    found = snapshot(movies, PEOPLE)
    assert related(found, "movies") == {"director": ToOne("movies", "director", "people", "id", "movies")}
    assert related(found, "people") == {"movies": ToMany("people", "movies", "movies", "director")}
    alias = found.collections["people"].fields["movies"]
    assert (alias.type, alias.interface, alias.id, alias.column) == ("o2m", "one-to-many", None, None)
    assert list(found.collections["people"].fields) == ["id", "name", "movies"]


def test_a_row_for_the_column_puts_its_foreign_key_out_of_force() -> None:
    movies = table("movies", "id INT; director INT", foreign={"director": "people.id"})
    found = snapshot(movies, PEOPLE, GENRES, relations=[relation(1, "movies.director", "genres")])
    assert related(found, "movies") == {"director": ToOne("movies", "director", "genres", "id", None, 1)}
    assert related(found, "people") == {}
    stale = snapshot(movies, PEOPLE, relations=[relation(1, "movies.director", "gone")])
    assert related(stale, "movies") == {"director": ToOne("movies", "director", "people", "id", "movies")}


def test_foreign_keys_to_other_than_the_primary_key_are_not_offered() -> None:
    people = table("people", "id INT; code INT")
    movies = table("movies", "id INT; code INT; gone INT", foreign={"code": "people.code", "gone": "nowhere.id"})
    assert related(snapshot(people, movies), "movies") == {}


def test_a_shared_primary_key_is_no_relation() -> None:
    details = table("details", "id INT; text TEXT", foreign={"id": "people.id"})
    found = snapshot(PEOPLE, details)
    assert related(found, "details") == {}
    assert related(found, "people") == {}


def test_several_foreign_keys_to_one_table_are_told_apart() -> None:
    matches = table("matches", "id INT; home INT; away INT; x INT", foreign={"home": "teams.id", "away": "teams.id"})
    teams = table("teams", "id INT; matches_away TEXT")
    found = snapshot(matches, teams)
    assert related(found, "teams") == {
        "matches_away_2": ToMany("teams", "matches_away_2", "matches", "away"),
        "matches_home": ToMany("teams", "matches_home", "matches", "home"),
    }
    assert related(found, "matches")["away"] == ToOne("matches", "away", "teams", "id", "matches_away_2")


def test_a_name_that_is_taken_by_a_column_or_field_gets_longer() -> None:
    movies = table("movies", "id INT; director INT", foreign={"director": "people.id"})
    people = table("people", "id INT; movies TEXT")
    assert related(snapshot(movies, people), "people") == {
        "movies_director": ToMany("people", "movies_director", "movies", "director")
    }
    aliased = snapshot(movies, PEOPLE, fields=[row("people", "movies", "alias")])
    assert related(aliased, "people") == {"movies_director": ToMany("people", "movies_director", "movies", "director")}


def test_a_table_of_two_foreign_keys_that_are_its_key_is_a_junction() -> None:
    junction = table(
        "links",
        "movie INT; genre INT",
        primary=("movie", "genre"),
        foreign={"movie": "movies.id", "genre": "genres.id"},
    )
    found = snapshot(MOVIES, GENRES, junction)
    assert related(found, "movies") == {"links": ToMany("movies", "links", "links", "movie", "genre")}
    assert related(found, "genres") == {"links": ToMany("genres", "links", "links", "genre", "movie")}
    assert related(found, "links") == {
        "movie": ToOne("links", "movie", "movies", "id", "links"),
        "genre": ToOne("links", "genre", "genres", "id", "links"),
    }


def test_a_key_of_its_own_leaves_a_table_a_junction() -> None:
    keys = {"movie": "movies.id", "genre": "genres.id"}
    junction = table("links", "id INT; movie INT; genre INT", foreign=keys)
    assert related(snapshot(MOVIES, GENRES, junction), "movies") == {
        "links": ToMany("movies", "links", "links", "movie", "genre")
    }
    more = table("links", "id INT; movie INT; genre INT; note TEXT", foreign=keys)
    assert related(snapshot(MOVIES, GENRES, more), "movies") == {"links": ToMany("movies", "links", "links", "movie")}
    keyless = table("links", "movie INT; genre INT", primary=(), foreign=keys)
    assert related(snapshot(MOVIES, GENRES, keyless), "movies") == {
        "links": ToMany("movies", "links", "links", "movie")
    }


def test_a_junction_of_a_table_with_itself() -> None:
    friends = table("friends", "a INT; b INT", primary=("a", "b"), foreign={"a": "people.id", "b": "people.id"})
    assert related(snapshot(PEOPLE, friends), "people") == {
        "friends_a": ToMany("people", "friends_a", "friends", "a", "b"),
        "friends_b": ToMany("people", "friends_b", "friends", "b", "a"),
    }


def test_system_collections_get_no_fields_from_foreign_keys() -> None:
    movies = table("movies", "id INT; director INT", foreign={"director": "directus_users.id"})
    found = snapshot(USERS, movies)
    assert related(found, "movies") == {"director": ToOne("movies", "director", "directus_users", "id")}
    assert set(found.collections["directus_users"].fields) == {"id", "role", "avatar"}
    assert related(found, "directus_users") == {}

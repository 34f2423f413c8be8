"""In charge of showing how settings and project configuration are read: defaults, spellings, kinds, refusals, files."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from core.settings import ConfigurationError, ProjectConfig, Settings, files
from core.settings.server import VARIABLES
from core.settings.tree import TREE, from_environment, normalize

SECRET = "a-secret-of-thirty-two-characters"


def config(**branches: object) -> ProjectConfig:
    return ProjectConfig.of("shop", {"auth": {"secret_key": SECRET, "public_key": "pub"}, **branches})


# The server


def test_settings_without_any_variable() -> None:
    settings = Settings.read({})
    assert (settings.host, settings.port, settings.data) == ("127.0.0.1", 8055, Path.cwd() / "data")
    assert (settings.default_project, settings.demo, settings.admin_email) == ("main", True, "admin@example.com")
    assert (settings.admin_password, settings.admin_token, settings.super_admin_token) == (None, None, None)
    assert settings.use_environment is False


def test_every_variable_is_read() -> None:
    values = {
        "TABULARIUM_HOST": "0.0.0.0",
        "TABULARIUM_PORT": "9000",
        "TABULARIUM_DATA": "/srv/tabularium",
        "TABULARIUM_DEFAULT_PROJECT": "shop",
        "TABULARIUM_DEMO": "0",
        "TABULARIUM_ADMIN_EMAIL": "ada@example.org",
        "TABULARIUM_ADMIN_PASSWORD": " spaced ",
        "TABULARIUM_ADMIN_TOKEN": "static",
        "TABULARIUM_ADMIN_PATH": "/srv/app",
        "TABULARIUM_ADMIN_POLICY": "default-src *",
        "TABULARIUM_SUPER_ADMIN_TOKEN": "super",
        "TABULARIUM_IMAGE_WORKERS": "1",
    }
    assert set(values) == set(VARIABLES)
    assert Settings.read(values) == Settings(
        host="0.0.0.0",
        port=9000,
        data=Path("/srv/tabularium"),
        default_project="shop",
        demo=False,
        admin_email="ada@example.org",
        admin_password=" spaced ",
        admin_token="static",
        admin_path=Path("/srv/app"),
        admin_policy="default-src *",
        super_admin_token="super",
        image_workers=1,
    )


def test_an_empty_default_project_means_none() -> None:
    assert Settings.read({"TABULARIUM_DEFAULT_PROJECT": ""}).default_project is None


@pytest.mark.parametrize("text", ["http", "-1", "65536", "80.5", "٨٠"])
def test_a_port_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigurationError, match="TABULARIUM_PORT"):
        Settings.read({"TABULARIUM_PORT": text})


def test_secrets_are_not_shown() -> None:
    settings = Settings(admin_password="pw-1", admin_token="tok-2", super_admin_token="sup-3")
    shown = repr(settings) + repr(config(database={"password": "db-4"}))
    for secret in ("pw-1", "tok-2", "sup-3", "db-4", SECRET):
        assert secret not in shown


def test_environment_mode_has_one_project_and_its_own_super_admin_token() -> None:
    given = {"DIRECTUS_USE_ENV": "1", "DIRECTUS_SUPER_ADMIN_TOKEN": "boss", "DIRECTUS_AUTH_SECRETKEY": SECRET}
    settings = Settings.read(given)
    assert (settings.use_environment, settings.default_project, settings.super_admin_token) == (True, "_", "boss")
    assert settings.project_variables == given
    off = Settings.read({**given, "DIRECTUS_USE_ENV": "0"})
    assert (off.use_environment, off.default_project, off.super_admin_token) == (False, "main", None)
    assert off.project_variables == {}


# The key tree


def test_defaults_of_the_tree() -> None:
    tree = normalize({})
    assert tree["env"] == "production"
    assert tree["cors"] == {
        "enabled": True,
        "origin": ("*",),
        "methods": ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"),
        "headers": (),
        "exposed_headers": (),
        "max_age": None,
        "credentials": False,
    }
    assert tree["rate_limit"]["limit"] == 100
    assert tree["auth"]["ttl"] == 20
    assert tree["mail"]["default"]["from"] == "admin@example.com"
    assert list(tree) == list(TREE)


def test_keys_match_in_any_spelling_and_unknown_ones_are_dropped() -> None:
    tree = normalize(
        {"RateLimit": {"LIMIT": "7"}, "cors": {"max-age": 5, "maxAge2": 6}, "table_blacklist": ["x"], "no": 1}
    )
    assert tree["rate_limit"]["limit"] == 7
    assert tree["cors"]["max_age"] == 5
    assert tree["tableBlacklist"] == ("x",)
    assert "no" not in tree


def test_below_ext_everything_is_kept() -> None:
    assert normalize({"ext": {"My_Key": {"a": [1, 2]}}})["ext"] == {"My_Key": {"a": (1, 2)}}


def test_the_first_mail_transport_is_used_where_none_is_the_default() -> None:
    given = {"Mail": {"ses": {"transport": "smtp", "host": "a"}, "other": {"host": "b"}}}
    assert normalize(given)["mail"]["default"]["host"] == "a"
    assert normalize({"mail": {**given["Mail"], "DEFAULT": {"host": "c"}}})["mail"]["default"]["host"] == "c"
    assert normalize({"mail": []})["mail"]["default"]["host"] is None
    assert normalize({"mail": {"host": "x"}})["mail"]["default"]["host"] is None


@pytest.mark.parametrize("text, truth", [
    ("true", True), ("1", True), ("on", True), ("yes", True), ("anything", True),
    ("false", False), ("off", False), ("no", False), ("0", False), ("", False), ("OFF", False),
])  # fmt: skip
def test_truth_in_text(text: str, truth: bool) -> None:
    assert normalize({"cache": {"enabled": text}})["cache"]["enabled"] is truth


@pytest.mark.parametrize("branch", [
    {"cors": {"max_age": "soon"}}, {"cors": "yes"}, {"cache": {"enabled": []}}, {"env": {}}, {"cors": {"origin": 7}},
    {"rate_limit": {"limit": True}},
])  # fmt: skip
def test_values_of_another_kind_are_refused(branch: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        normalize(branch)


def test_the_tree_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        normalize({})["cors"]["enabled"] = False  # type: ignore[index]


def test_environment_variables_make_the_same_tree() -> None:
    tree = normalize(
        from_environment(
            {
                "DIRECTUS_AUTH_SECRETKEY": SECRET,
                "DIRECTUS_AUTH_PUBLIC_KEY": "pub",
                "DIRECTUS_STORAGE_ROOTURL": "/u",
                "DIRECTUS_STORAGE_OPTIONS_ACL": "private",
                "DIRECTUS_STORAGE_OSS_ACCESS_ID": "oss",
                "DIRECTUS_CORS_ORIGIN_0": "https://a.example",
                "DIRECTUS_CORS_ORIGIN_1": "https://b.example",
                "DIRECTUS_CORS_METHODS": "GET, HEAD",
                "DIRECTUS_CORS_ENABLED": "off",
                "DIRECTUS_AUTH_SOCIALPROVIDERS_GITHUB_CLIENTID": "gh",
                "DIRECTUS_RATELIMIT_LIMIT": "7",
                "DIRECTUS_EXT_A_B": "x",
                "DIRECTUS_NOBODY_KNOWS": "1",
                "DIRECTUS_USE_ENV": "1",
            }
        )
    )
    assert tree["auth"]["secret_key"] == SECRET
    assert tree["auth"]["public_key"] == "pub"
    assert tree["storage"]["root_url"] == "/u"
    assert tree["storage"]["options"]["ACL"] == "private"
    assert tree["storage"]["OSS_ACCESS_ID"] == "oss"
    assert tree["cors"]["origin"] == ("https://a.example", "https://b.example")
    assert tree["cors"]["methods"] == ("GET", "HEAD")
    assert tree["cors"]["enabled"] is False
    assert tree["auth"]["social_providers"]["github"]["client_id"] == "gh"
    assert tree["auth"]["social_providers"]["github"]["graph_api_version"] == "v2.8"
    assert tree["rate_limit"]["limit"] == 7
    assert tree["ext"] == {"a": {"b": "x"}}


def test_eleven_entries_of_a_list_keep_their_order() -> None:
    given = {f"DIRECTUS_CORS_ORIGIN_{number}": f"o{number}" for number in range(11)}
    assert normalize(from_environment(given))["cors"]["origin"] == tuple(f"o{number}" for number in range(11))


# A project


@pytest.mark.parametrize(
    "secret", [None, "", "  ", "<type-a-secret-authentication-key-string>", "changeme", "CHANGE-ME"]
)
def test_a_missing_or_placeholder_secret_is_refused(secret: str | None) -> None:
    with pytest.raises(ConfigurationError, match="secret_key"):
        ProjectConfig.of("shop", {"auth": {"secret_key": secret}})


def test_a_short_secret_is_accepted_and_known_to_be_short() -> None:
    assert ProjectConfig.of("shop", {"auth": {"secret_key": "abc"}}).has_short_secret is True
    assert config().has_short_secret is False


@pytest.mark.parametrize("given, url", [
    ({"type": "sqlite", "name": "shop.db"}, "sqlite:////srv/data/shop.db"),
    ({"type": "sqlite", "name": "/var/other.db"}, "sqlite:////var/other.db"),
    ({"type": "mysql", "name": "shop", "username": "me", "password": ""}, "mysql://me@localhost:3306/shop"),
    ({"type": "MariaDB", "name": "s h", "username": "a@b", "password": "p:/?#"}, "mysql://a%40b:p%3A%2F%3F%23@localhost:3306/s%20h"),
    ({"type": "postgres", "name": "shop", "username": "me", "password": "pw", "host": "::1"}, "postgresql://me:pw@[::1]:5432/shop"),
    ({"type": "pgsql", "name": "shop", "username": "me", "password": "", "port": 6000}, "postgresql://me@localhost:6000/shop"),
])  # fmt: skip
def test_database_urls(given: dict[str, object], url: str) -> None:
    assert config(database=given).database.url(Path("/srv/data")) == url


def test_an_unknown_database_type_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"database\.type"):
        config(database={"type": "oracle"})


def test_values_are_found_by_path() -> None:
    found = config(auth={"secret_key": SECRET, "ttl": "5"}, public_url="https://x.example")
    assert found.get("auth.ttl") == 5
    assert found.get("public_url") == "https://x.example"
    assert found.get("mail.default.host") is None
    assert found.get("no.such.key", "fallback") == "fallback"


# Files


def test_project_files_are_found_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    for name in (
        "shop.json",
        "blog.toml",
        "private.hr.json",
        "_.json",
        "_example.json",
        "__api.json",
        "notes.txt",
        "a.b.json",
    ):
        (folder / name).write_text("{}")
    assert [(file.key, file.private) for file in files.find(tmp_path)] == [
        ("_", False), ("blog", False), ("hr", True), ("shop", False),
    ]  # fmt: skip


def test_no_folder_means_no_projects(tmp_path: Path) -> None:
    assert files.find(tmp_path) == []
    assert files.stamp(tmp_path) == 0


def test_two_files_for_one_project_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "shop.json").write_text("{}")
    (tmp_path / "config" / "private.shop.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="same project"):
        files.find(tmp_path)


def test_a_written_file_is_for_the_owner_only_and_reads_back(tmp_path: Path) -> None:
    path = files.write(tmp_path, "shop", {"auth": {"secret_key": SECRET}}, private=True)
    assert path == tmp_path / "config" / "private.shop.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert files.read(path) == {"auth": {"secret_key": SECRET}}
    assert os.listdir(path.parent) == ["private.shop.json"]


def test_a_file_is_replaced_whole_and_its_change_is_seen(tmp_path: Path) -> None:
    files.write(tmp_path, "shop", {"env": "a"}, private=False)
    before = files.find(tmp_path)
    files.write(tmp_path, "shop", {"env": "bb"}, private=False)
    assert files.find(tmp_path) != before
    files.remove(files.find(tmp_path)[0])
    assert files.find(tmp_path) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    files.write(tmp_path, "shop", {"env": "a"}, private=False)
    with pytest.raises(TypeError):
        files.write(tmp_path, "shop", {"env": object()}, private=False)
    assert files.read(tmp_path / "config" / "shop.json") == {"env": "a"}
    assert os.listdir(tmp_path / "config") == ["shop.json"]


def test_toml_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "blog.toml"
    path.write_text('tableBlacklist = ["x"]\n[auth]\nsecret_key = "s"\n')
    assert files.read(path) == {"tableBlacklist": ["x"], "auth": {"secret_key": "s"}}


@pytest.mark.parametrize(
    "name, text", [("a.json", f'{{"secret": "{SECRET}"'), ("a.json", "[]"), ("a.toml", f"x = {SECRET}")]
)
def test_a_broken_file_is_refused_without_quoting_it(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        files.read(tmp_path / name)
    assert SECRET not in str(caught.value)
    assert name in str(caught.value)


def test_the_super_admin_token_is_kept_in_a_file_of_its_own(tmp_path: Path) -> None:
    assert files.read_token(tmp_path) is None
    files.write_token(tmp_path, "boss")
    path = tmp_path / "config" / "__api.json"
    assert json.loads(path.read_text()) == {"super_admin_token": "boss"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert files.read_token(tmp_path) == "boss"
    assert files.find(tmp_path) == []

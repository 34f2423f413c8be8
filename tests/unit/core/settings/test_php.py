"""In charge of PHP configuration files: literals are read as PHP reads them, everything else is refused."""

from __future__ import annotations

from typing import Any

import pytest

from core.auth.sso.providers import providers
from core.settings import ConfigurationError, ProjectConfig
from core.settings.php import import_config, parse

V8 = r"""<?php

/**
 * The file of a project, as an installer leaves it.
 */

return [
    'app' => ['env' => 'production', 'timezone' => 'America/New_York'],
    'env' => 'production',
    'logger' => ['path' => __PATH__ ],
];
"""

WHOLE = r"""<?php
declare(strict_types=1);

# High security: keep out of the web root
return array(
    'database' => [
        'type' => 'mysql',
        'host' => 'db.example.com',
        'port' => 3307,
        'name' => 'films',
        'username' => 'di\'rectus\\',
        'password' => "p\$w\"d\n\x41\u{e9}\101",
        'engine' => 'InnoDB',
        'charset' => 'utf8mb4',
        'driver_options' => [
            PDO::MYSQL_ATTR_SSL_CA => '/etc/ssl/ca.pem',
            \PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => false,
        ],
    ],
    // comments of all kinds ?
    'cache' => ['enabled' => TRUE, 'response_ttl' => 3600, /* 'pool' => getenv('X') */],
    'cors' => [
        'enabled' => true,
        'origin' => ['https://a.example', 'https://b.example',],
        'methods' => ['GET', 'POST'],
        'headers' => [],
        'max_age' => 600,
        'credentials' => True,
    ],
    'mail' => ['default' => ['transport' => 'smtp', 'from' => 'a@example.com', 'port' => 25]],
    'rate_limit' => ['enabled' => false, 'limit' => 1_00, 'interval' => 0x3c],
    'storage' => ['adapter' => 'local', 'root' => 'public/uploads/films/originals'],
    'hooks' => ['actions' => [], 'filters' => []],
    'auth' => [
        'secret_key' => 'a-long-secret-of-films', 'public_key' => 'films-public', 'ttl' => 20,
        'social_providers' => ['github' => ['client_id' => 'abc', 'client_secret' => 'def']],
    ],
    'tableBlacklist' => ['secrets'],
    'feedback' => ['token' => 'x', 'login' => true],
    'ext' => ['mine' => [1, 2.5, -3, null]],
);
?>
"""


def php(value: str) -> str:
    return f"<?php return {value};"


@pytest.mark.parametrize(
    "text, value",
    [
        ("[]", []),
        ("array()", []),
        ("[1, 2, 3,]", [1, 2, 3]),
        ("['a' => 1, 'b' => ['c' => null]]", {"a": 1, "b": {"c": None}}),
        ("[5 => 'a', 'b', 'x' => 'c', 'd']", {"5": "a", "6": "b", "x": "c", "7": "d"}),
        ("['0' => 'a', 1 => 'b']", ["a", "b"]),
        ("[1 => 'b', 0 => 'a']", {"1": "b", "0": "a"}),
        ("['a' => 1, 'a' => 2]", {"a": 2}),
        ("[true => 'x', null => 'y', '01' => 'z', '-0' => 'q']", {"1": "x", "": "y", "01": "z", "-0": "q"}),
        ("[0x1F, 0b11, 017, 1_000, .5, 1., 1e3, -2, +3]", [31, 3, 15, 1000, 0.5, 1.0, 1000.0, -2, 3]),
        (r"'it\'s \n \\ $x {$y}'", r"it's \n \ $x {$y}"),
        (r'"a\tb\\ \$x \q \{"', "a\tb\\ $x \\q \\{"),
        ("TRUE", True),
        (r"\false", False),
        ("'x' // end", "x"),
    ],
)
def test_literals_are_read_as_php_reads_them(text: str, value: Any) -> None:
    found = parse(f"<?php\nreturn {text}\n;")
    assert found == value
    assert repr(found) == repr(value)  # 1 is not True


@pytest.mark.parametrize(
    "text, line",
    [
        ("<?php return [\n'a' => getenv('X')];", 2),
        ("<?php\n$x = 1;\nreturn [];", 2),
        ("<?php return ['a' => $x];", 1),
        ('<?php return ["a" => "b$c"];', 1),
        ('<?php return ["a" => "{$c}"];', 1),
        ("<?php return [\n\n'a' => 'b' . 'c'];", 3),
        ("<?php return ['a' => Some::THING];", 1),
        ("<?php return [Some::THING];", 1),
        ("<?php return ['a' => function () { }];", 1),
        ("<?php return ['a' => PHP_INT_MAX];", 1),
        ("<?php return ['a' => `id`];", 1),
        ("<?php return ['a' => <<<X\nb\nX\n];", 1),
        ("<?php return [];\nsystem('x');", 2),
        ("<?php return [[] => 1];", 1),
        ("<?php return [1 2];", 1),
        ("<?php return ['a' => ;", 1),
        ("<?php return ['a' => 1", 1),
        ("<?php return '", 1),
        ("<?php return 089;", 1),
        ("<?php return " + "[" * 60 + "]" * 60 + ";", 1),
        ("<?php return true();", 1),
        ("<?php echo 1;", 1),
    ],
)
def test_what_php_would_compute_is_refused(text: str, line: int) -> None:
    with pytest.raises(ConfigurationError, match=f"^line {line}: .*; only literal arrays are read$"):
        parse(text)


@pytest.mark.parametrize("text", ["", "return [];", "<html>", '{"a": 1}', "<?phpreturn [];"])
def test_what_is_no_php_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse(text)


def test_a_refusal_tells_no_secret() -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse("<?php return ['secret' => 'hunter2' . getenv('hunter3')];")
    assert "hunter" not in str(refused.value)


def test_a_whole_file_becomes_our_configuration() -> None:
    tree, dropped = import_config(WHOLE)
    assert dropped == ("feedback",)
    assert list(tree) == [
        "database", "cache", "cors", "mail", "rate_limit", "storage", "hooks", "auth", "tableBlacklist", "ext",
    ]  # fmt: skip
    assert tree["database"] == {
        "type": "mysql",
        "host": "db.example.com",
        "port": 3307,
        "name": "films",
        "username": "di'rectus\\",
        "password": 'p$w"d\nAéA',
        "engine": "InnoDB",
        "charset": "utf8mb4",
        "driver_options": {"ssl_ca": "/etc/ssl/ca.pem", "ssl_verify_server_cert": False},
    }
    assert tree["rate_limit"] == {"enabled": False, "limit": 100, "interval": 60}
    assert tree["ext"] == {"mine": [1, 2.5, -3, None]}
    config = ProjectConfig.of("films", tree)
    assert config.secret_key == "a-long-secret-of-films"
    assert config.table_blacklist == {"secrets"}
    assert config.cors.origin == ("https://a.example", "https://b.example")
    assert config.get("auth.social_providers.github.client_id") == "abc"
    assert config.get("cache.response_ttl") == 3600


def test_keys_match_in_any_spelling() -> None:
    tree, dropped = import_config(php("['RateLimit' => ['Enabled' => 1], 'tableblacklist' => [], 'what' => 1]"))
    assert tree == {"rate_limit": {"Enabled".lower(): 1}, "tableBlacklist": []}
    assert dropped == ("what",)


def test_an_array_without_names_is_no_configuration() -> None:
    with pytest.raises(ConfigurationError, match="named settings"):
        import_config(php("[1, 2]"))
    with pytest.raises(ConfigurationError, match=r"^line 10: "):
        import_config(V8)


def test_providers_of_sign_ins_are_brought_along() -> None:
    text = """<?php return [
        'database' => ['type' => 'sqlite', 'name' => 'x.db'],
        'auth' => ['secret_key' => 'a long secret', 'public_key' => 'p', 'social_providers' => [
            'okta' => ['client_id' => 'a', 'client_secret' => 'b', 'base_url' => 'https://x.okta.example/oauth2/default'],
            'google' => ['client_id' => 'c', 'client_secret' => 'd', 'hosted_domain' => 'x.example',
                         'use_oidc_mode' => true],
            'twitter' => ['identifier' => 'e', 'secret' => 'f'],
            'facebook' => ['client_id' => '', 'client_secret' => '', 'graph_api_version' => 'v2.8'],
            'github' => ['enabled' => false, 'client_id' => 'g', 'client_secret' => 'h'],
        ]],
    ];"""
    tree, dropped = import_config(text)
    assert dropped == ()
    found = providers(ProjectConfig.of("main", tree))
    assert [(one.name, one.kind, one.client_id, one.client_secret) for one in found.values()] == [
        ("okta", "okta", "a", "b"),
        ("google", "google", "c", "d"),
        ("twitter", "twitter", "e", "f"),
    ]
    assert found["okta"].endpoints is not None
    assert found["okta"].endpoints.token == "https://x.okta.example/oauth2/default/v1/token"
    assert (found["google"].issuer, found["google"].hosted_domain) == ("https://accounts.google.com", "x.example")

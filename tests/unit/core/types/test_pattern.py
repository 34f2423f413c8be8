"""In charge of PHP's expressions: which compile, what they match, and that none runs away."""

from __future__ import annotations

import time

import pytest

from core.types.pattern import BadPattern, accepts

STRONG = r"/(?=^.{8,}$)(?=.*\d)(?=.*[a-z])(?=.*[A-Z])(?=.*[!@#$%^&*()_+}{';'?>.<,])(?!.*\s).*$/"


@pytest.mark.parametrize(
    "expression, matching, other",
    [
        ("/^a/", "abc", "cba"),
        ("/^a/i", "ABC", "cba"),
        ("#^a/b$#", "a/b", "a"),
        ("{^a{2}$}", "aa", "a"),
        ("(^(a|b)$)", "b", "c"),
        (r"/^\/x$/", "/x", "x"),
        ("/^b$/m", "a\nb", "ab"),
        ("/a.b/s", "a\nb", "ab"),
        ("/^a b $ # comment\n/x", "ab", "a b"),
        (r"/^\d+$/", "42", "٤٢"),
        (r"/^\w+$/u", "élan", "a b"),
        (r"/^\w+$/", "elan", "élan"),
        (r"/^.{3}$/u", "äöü", "ab"),
        (r"/^\p{Lu}/u", "Ä", "ä"),
        (r"/^[[:alpha:]]+$/", "ab", "a1"),
        (r"/^[a[&&b]+$/", "a[&", "c"),
        (r"/^[a-c--]+$/", "abc-", "d"),
        (r"/^a{,2}$/", "a{,2}", "aa"),
        (r"/^(?>a+)b$/", "aab", "aac"),
        (r"/^a++b$/", "aab", "aac"),
        (r"/^(?<n>a|b)\k<n>$/", "aa", "ab"),
        (r"/^(a|b)\1$/", "bb", "ba"),
        (r"/^\Qa.b\E$/", "a.b", "axb"),
        (r"/^\x{e9}\x41$/u", "éA", "eA"),
        (r"/^a\z/", "a", "a\n"),
        (r"/^a\Z/", "a\n", "a\nb"),
        (r"/^\h+$/", "\t ", "\n"),
        (r"/^[\h]+$/", "\t ", "\n"),
        (r"/^\e\[$/", "\x1b[", "["),
        ("/:/", "a:b", "ab"),
        ("/^.{8,}$/", "eight888", "seven77"),
        (STRONG, "Secret-1!", "secret-1!"),
    ],
)
def test_what_an_expression_finds(expression: str, matching: str, other: str) -> None:
    assert accepts(expression, matching)
    assert not accepts(expression, other)


@pytest.mark.parametrize(
    "expression",
    [
        "^a",
        "abc",
        "/a",
        "/",
        "\\a\\",
        "/(/",
        "/a/e",
        "/a/imsq",
        "/[/",
        "/*/",
        "/\\/",
        r"/\x{110000}/",
        "/" + "a" * 20_000 + "/",
    ],
)
def test_what_is_no_expression(expression: str) -> None:
    with pytest.raises(BadPattern):
        accepts(expression, "a")


def test_no_expression_lets_everything_pass() -> None:
    assert accepts("", "anything")
    assert accepts(None, "")


def test_a_runaway_expression_is_stopped_and_refuses() -> None:
    begun = time.monotonic()
    assert not accepts(r"/^(a|aa|a|b?a)+c$/", "a" * 5000)
    assert not accepts(r"/^(([a-z])+.)+[A-Z]([a-z])+$/", "a" * 200)
    assert time.monotonic() - begun < 3

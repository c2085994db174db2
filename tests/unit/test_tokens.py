"""Tokens: made once, kept as hashes, told apart in constant time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hybrid import settings, tokens
from hybrid.cli import cli
from hybrid.errors import SettingsError
from hybrid.tokens import Role, Token


def test_a_token_is_long_and_only_its_hash_is_kept() -> None:
    token, digest = tokens.made()
    assert token.startswith("hyb_")
    assert len(token) == 4 + 43  # 32 random bytes in base64
    assert digest == tokens.digest(token) != token
    assert tokens.made()[0] != token
    # echo -n secret | sha256sum
    assert tokens.digest("secret") == "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"


def test_the_holder_of_a_token_is_found_and_nobody_by_another() -> None:
    known = [Token("a", Role.READ, tokens.digest("one")), Token("b", Role.WRITE, tokens.digest("two"))]
    assert [tokens.holder(said, known) for said in ("one", "two", "three", "")] == [*known, None, None]
    assert tokens.holder("\udcff", known) is None  # what no UTF-8 says
    assert tokens.holder("one", []) is None


@pytest.mark.parametrize(
    ("role", "may"), [(Role.READ, [True, False, False]), (Role.WRITE, [True, True, False]), (Role.ADMIN, [True] * 3)]
)
def test_each_role_may_what_those_before_it_may(role: Role, may: list[bool]) -> None:
    assert [role.may(wanted) for wanted in (Role.READ, Role.WRITE, Role.ADMIN)] == may


def test_tokens_come_from_the_file_or_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    digest = tokens.digest("one")
    made = CliRunner().invoke(cli, ["token", "shop", "--role", "write", "--filter", 'tenant = "a"'])
    assert made.exit_code == 0
    token, lines = made.stdout.split()[0], made.stderr[made.stderr.index("[[") :]
    Path("hybrid.toml").write_text(lines)
    assert settings.read().api.holders == (Token("shop", Role.WRITE, tokens.digest(token), 'tenant = "a"'),)
    monkeypatch.setenv("HYBRID_API_TOKENS", json.dumps([f"env:read:{digest}", f"b:read:{digest[::-1]}:x = 'a:b'"]))
    assert [(one.name, one.filter) for one in settings.read().api.holders] == [("env", ""), ("b", "x = 'a:b'")]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a:read:abc", "digest"),
        ("a:king:" + "0" * 64, "role"),
        ("a b:read:" + "0" * 64, "name"),
        ("a:admin:" + "0" * 64 + ":x = 1", "an admin token sees everything"),
    ],
)
def test_a_token_that_cannot_be_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYBRID_API_TOKENS", json.dumps([given]))
    with pytest.raises(SettingsError, match=said) as caught:
        settings.read()
    assert "0" * 64 not in str(caught.value)
    monkeypatch.setenv("HYBRID_API_TOKENS", json.dumps(["a:read:" + "0" * 64] * 2))
    with pytest.raises(SettingsError, match="two tokens are named a"):
        settings.read()


def test_an_admin_token_with_a_filter_is_not_made() -> None:
    made = CliRunner().invoke(cli, ["token", "boss", "--role", "admin", "--filter", "x = 1"])
    assert made.exit_code == 2
    assert "an admin token sees everything" in made.stderr

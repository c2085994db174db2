"""The public face: few names, sorted, documented, and each where it says."""

from __future__ import annotations

import inspect

import pytest

import hybrid


def test_all_is_sorted_and_small() -> None:
    assert list(hybrid.__all__) == sorted(hybrid.__all__)
    assert len(hybrid.__all__) <= 15


def test_every_name_has_a_home_and_no_home_is_left_over() -> None:
    assert set(hybrid._HOMES) == set(hybrid.__all__)


@pytest.mark.parametrize("name", hybrid.__all__)
def test_a_public_name_resolves_to_a_documented_thing_of_that_name(name: str) -> None:
    thing = getattr(hybrid, name)
    assert thing.__name__ == name
    assert thing.__module__.startswith(hybrid._HOMES[name])
    assert inspect.getdoc(thing)


@pytest.mark.parametrize("name", hybrid.__all__)
def test_public_methods_are_documented(name: str) -> None:
    thing = getattr(hybrid, name)
    if not inspect.isclass(thing):
        return
    bare = [
        member
        for member, value in vars(thing).items()
        if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property | classmethod))
        if not inspect.getdoc(value)
    ]
    # The attributes of a protocol are described in its own docstring.
    assert [member for member in bare if f"{member}:" not in (thing.__doc__ or "")] == []


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="'hybrid' has no attribute 'serach'"):
        _ = hybrid.serach


def test_dir_shows_the_public_names() -> None:
    assert set(hybrid.__all__) <= set(dir(hybrid))

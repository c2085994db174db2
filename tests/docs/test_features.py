"""The table of features is that of the code, and each of its tests exists."""

from __future__ import annotations

import pytest

from tests.docs import features


def test_the_page_is_what_the_code_says() -> None:
    assert (features.ROOT / "docs/features.md").read_text() == features.text()


@pytest.mark.parametrize("test", sorted(set(features.tests())))
def test_a_test_that_the_page_names_is_there(test: str) -> None:
    file, _, function = test.partition("::")
    body = (features.ROOT / "tests" / file).read_text()
    assert f"def {function or 'test_'}" in body

"""Long texts cut into passages. Here a token is a word and there are two special ones, but for the last tests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hybrid.embedding.passages import split


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) + 2 for text in texts]


def letters(texts: Sequence[str]) -> list[int]:
    return [sum(not letter.isspace() for letter in text) + 2 for text in texts]


def cut(text: str, max_tokens: int, overlap: float = 0.15) -> list[str]:
    return [text[start:end] for start, end in split(text, max_tokens, words, overlap)]


@pytest.mark.parametrize("blank", ["", " ", "\n\t \u3000"])
def test_a_blank_text_has_one_empty_passage(blank: str) -> None:
    assert split(blank, 8, words) == ((0, 0),)


def test_a_text_that_fits_is_one_passage_without_outer_white_space() -> None:
    assert split("  one two. three four.\n", 6, words) == ((2, 22),)


def test_one_token_too_many_makes_two_passages() -> None:
    assert cut("one two. three four.", 6) == ["one two. three four."]
    assert cut("one two. three four.", 5) == ["one two.", "three four."]


def test_sentences_are_kept_whole_as_many_as_fit() -> None:
    assert cut("A b c. D e! F? G h… I j k l.", 8, 0) == ["A b c. D e! F?", "G h… I j k l."]


def test_the_last_sentences_are_repeated_up_to_the_overlap() -> None:
    # Room for 8; the overlap takes 2 of them: "F g." fits it, "D e." beside it would not.
    assert cut("A b c d. D e. F g. H i j k l m. N.", 10, 0.25) == ["A b c d. D e. F g.", "F g. H i j k l m.", "N."]


def test_what_is_repeated_leaves_room_for_something_new() -> None:
    # "C." would fit the overlap, but not together with the six words that come next.
    assert cut("A b c d e. C. D e f g h i. J.", 8, 0.5) == ["A b c d e. C.", "D e f g h i.", "J."]


def test_a_line_is_a_sentence() -> None:
    assert cut("title\nfirst item\n\nsecond item", 4, 0) == ["title", "first item", "second item"]


def test_a_full_stop_inside_a_word_ends_nothing() -> None:
    assert cut("Use v1.2.3 of a.b now. It is 3.14 exactly.", 7, 0) == ["Use v1.2.3 of a.b now.", "It is 3.14 exactly."]


def test_closing_quotes_belong_to_their_sentence() -> None:
    assert cut('He said "go now." (Or so.) She went.', 6, 0) == ['He said "go now."', "(Or so.) She went."]


def test_chinese_and_japanese_sentences_end_without_a_space() -> None:
    text = "今日は晴れ。明日は雨！「本当？」はい"
    assert [text[a:b] for a, b in split(text, 9, letters, 0)] == ["今日は晴れ。", "明日は雨！", "「本当？」はい"]


def test_a_sentence_longer_than_the_window_is_cut_between_words() -> None:
    assert cut("a b c d e f g h", 5, 0) == ["a b c", "d e f", "g h"]
    assert cut("a b c d e f g h", 6, 0.25) == ["a b c d", "d e f g", "g h"]


def test_a_word_longer_than_the_window_is_cut_between_letters() -> None:
    text = "한" * 40
    spans = split(text, 18, letters, 0)
    assert spans == ((0, 16), (16, 32), (32, 40))
    assert split(text, 18, letters) == ((0, 16), (14, 30), (28, 40))


def test_a_word_whose_letters_differ_much_in_tokens_still_fits() -> None:
    def count(texts: Sequence[str]) -> list[int]:
        return [text.count("a") + 20 * text.count("Z") + 2 for text in texts]

    text = "a" * 1000 + "Z" * 10  # 1000 + 200 tokens, so a 240th of it (4 letters) can be 80 tokens at its end
    spans = split(text, 42, count, 0)
    assert [text[start:end] for start, end in spans] == ["a" * 40] * 25 + ["ZZ"] * 5


@pytest.mark.parametrize("window", [-1, 0, 1, 2, 3])
def test_a_window_with_no_room_still_gets_to_the_end(window: int) -> None:
    assert cut("a b. c", window) == ["a", "b.", "c"]


def test_a_hostile_text_takes_no_longer_than_its_length() -> None:
    for text in ("." * 200_000, ".'" * 100_000, " " * 200_000 + "x", "a\n" * 50_000, "( " * 100_000, "。" * 100_000):
        spans = split(text, 256, letters)
        assert spans[-1][1] == len(text.rstrip())


def test_tokens_are_counted_in_one_call_where_sentences_fit() -> None:
    calls: list[int] = []

    def count(texts: Sequence[str]) -> list[int]:
        calls.append(len(texts))
        return words(texts)

    split("One two three. " * 50, 20, count)
    assert calls == [51]


def test_a_short_ascii_text_is_not_counted_at_all() -> None:
    def count(texts: Sequence[str]) -> list[int]:
        raise AssertionError(texts)

    assert split("x" * 252, 256, count) == ((0, 252),)


TEXTS = st.text(st.sampled_from("ab.!?… \n\t。！\"')한é\u2028(") | st.characters(codec="utf-8"), max_size=300)


@given(text=TEXTS, window=st.integers(1, 30), overlap=st.floats(0, 1), by_letters=st.booleans())
@example("a " * 40 + "b. " + "c" * 60, 12, 0.15, True)
def test_passages_hold_everything_fit_the_window_and_always_go_on(
    text: str, window: int, overlap: float, by_letters: bool
) -> None:
    count = letters if by_letters else words
    spans = split(text, window, count, overlap)
    passages = [text[start:end] for start, end in spans]
    assert spans
    if text.strip():
        held = {at for start, end in spans for at in range(start, end)}
        assert {at for at, letter in enumerate(text) if not letter.isspace()} <= held
        assert all(passage and passage == passage.strip() for passage in passages)
    for (start, end), (next_start, next_end) in pairwise(spans):
        assert start < next_start <= next_end
        assert end < next_end
        repeated = text[next_start:end] if next_start < end else ""
        assert count([repeated])[0] - 2 <= overlap * max(1, window - 2)
    assert all(size <= max(3, window) for size in count(passages))

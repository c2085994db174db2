"""How words must match: minimums, edits, pieces of a query, and what stores are asked for, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.analysis import slots
from hybrid.errors import QueryError
from hybrid.match import Match, Mode, Piece, Sign, pieces, read, spoken
from hybrid.wording import Begins, Phrase, Wanted, Word, conditions, loose, satisfied, unit, wanted


@pytest.mark.parametrize(
    ("minimum", "of", "least"),
    [
        ("2", 5, 2),
        ("9", 5, 5),
        ("0", 5, 1),
        ("-1", 5, 4),
        ("-9", 5, 1),
        ("75%", 4, 3),
        ("75%", 5, 3),  # 3.75, rounded down
        ("-25%", 5, 4),  # a quarter of five, rounded down, may be missing
        ("3<90%", 3, 3),
        ("3<90%", 10, 9),
        ("2<-25% 9<-3", 2, 2),
        ("2<-25% 9<-3", 8, 6),
        ("2<-25% 9<-3", 10, 7),
    ],
)
def test_a_minimum_is_elasticsearchs(minimum: str, of: int, least: int) -> None:
    assert read({"minimum": minimum}).least(of) == least


def test_without_a_minimum_the_mode_decides() -> None:
    assert [Match(mode).least(3) for mode in Mode] == [1, 3, 1, 3, 1]
    assert read({"mode": "all", "minimum": 2}).least(3) == 2


@pytest.mark.parametrize(
    ("fuzziness", "edits"), [(0, [0, 0, 0, 0]), (1, [0, 1, 1, 1]), (2, [0, 1, 1, 2]), ("auto", [0, 1, 1, 2])]
)
def test_short_words_may_be_off_by_less(fuzziness: Any, edits: list[int]) -> None:
    match = read({"fuzziness": fuzziness})
    assert [match.edits("x" * length) for length in (2, 3, 5, 6)] == edits


def test_a_query_is_taken_apart() -> None:
    assert pieces('quiet +laptop -used "no fan" -"for games" +"14 inch"') == [
        Piece(Sign.MAY, "quiet", False),
        Piece(Sign.MUST, "laptop", False),
        Piece(Sign.MUST_NOT, "used", False),
        Piece(Sign.MUST, "no fan", True),
        Piece(Sign.MUST_NOT, "for games", True),
        Piece(Sign.MUST, "14 inch", True),
    ]


@pytest.mark.parametrize(
    "text", ["", " ", '"', '""', "-", "+", '-"', "--x", '"a', 'a"b', "+-x", "\\", "\x00", "a:b AND (c"]
)
def test_no_query_is_malformed(text: str) -> None:
    found = wanted(text, Match(Mode.QUERY))
    assert found is None or found.should or found.must


def test_a_plain_query_asks_for_any_of_its_words_as_often_as_they_come() -> None:
    assert wanted("plum pear the plums", Match()) == Wanted((Word("plum", 2), Word("pear")), 1)
    assert wanted("the", Match()) is None


def test_a_phrase_keeps_the_places_of_stop_words() -> None:
    assert wanted("the state of the arts", Match(Mode.PHRASE)) == Wanted(
        must=(Phrase(("state", "", "", "art"), "the state of the arts"),)
    )
    assert wanted("the arts", Match(Mode.PHRASE)) == Wanted(must=(Word("art"),))
    assert wanted("of the", Match(Mode.PHRASE)) is None


def test_the_word_that_is_typed_may_become_several() -> None:
    typed = Match(Mode.PREFIX)
    assert wanted("quiet notes", typed) == Wanted((Word("quiet"), Begins("notes", Word("note"))), 2)
    assert wanted("note note", typed) == Wanted((Word("note"), Begins("note", Word("note"))), 2)
    assert wanted("NX-44", typed) == Wanted((Word("nx"), Begins("44", Word("44"))), 2)
    assert wanted("th", typed) == Wanted((Begins("th", Word("th")),), 1)
    assert wanted("the", typed) == Wanted((Begins("the"),), 1)  # a stop word, or the start of "thermos"
    assert wanted("노트북", typed) == Wanted((Begins("노트북", Phrase(("노트", "트북"), "노트북")),), 1)
    assert wanted("  ", typed) is None


def test_a_typed_word_is_found_as_it_is_written_and_finished_as_its_token() -> None:
    found = wanted("runn", Match(Mode.PREFIX))
    assert found is not None
    assert satisfied(found, [["run"]], ["running"])
    assert not satisfied(found, [["run"]], ["runs"])
    assert not satisfied(found, [["run"]])  # in a field alone by tokens, and "run" does not begin so
    finished = wanted("running", Match(Mode.PREFIX))
    assert finished is not None
    assert satisfied(finished, [["run"]], ["runs"])


def test_what_many_tokens_satisfy_is_scored_beside_the_word_itself() -> None:
    near = wanted("laptop fan", read({"fuzziness": 1}))
    assert near is not None
    assert loose(near) == [Word("laptop", edits=1), Word("fan", edits=1)]
    typed = wanted("quiet lap", Match(Mode.PREFIX))
    assert typed is not None
    assert loose(typed) == [Begins("lap", Word("lap"))]
    assert (unit(typed, 2.2), unit(typed, 2.2, (("a", 0.5), ("b", 3.0)))) == (4.4, pytest.approx(13.2))


SEARCHED = (("title", 2.0), ("text", 1.0))


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"text": 1, "title": 3}, (("title", 3.0), ("text", 1.0))),
        (["text", "title"], SEARCHED),
        (["text", "text"], (("text", 1.0),)),
        ("title", (("title", 2.0),)),
        ({"title": None, "text": 0.5}, (("title", 2.0), ("text", 0.5))),
        ([], ()),
        ({}, ()),
        (None, ()),
    ],
)
def test_fields_have_the_boosts_that_are_given_or_the_schemas(given: Any, fields: Any) -> None:
    assert read({"fields": given}, SEARCHED) == Match(fields=fields)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["titel"], "names 'titel', which is no text field here; there is: title, text"),
        ({"title": 0}, "gives 'title' the boost 0; leave it out"),
        ({"title": -1}, r"match.fields.title is -1; it must be a number from 0 to 1000"),
        ({"title": "3"}, r"match.fields.title is '3'; it must be a number"),
        (7, r"match.fields is 7; give names, or boosts by name: \{'title': 3\}"),
        ([7], r"match.fields is \[7\]; give names"),
    ],
)
def test_fields_that_cannot_be_searched_are_refused(given: Any, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        read({"fields": given}, SEARCHED)


def test_a_query_of_many_words_and_fields_stays_below_the_limit_of_clauses() -> None:
    text = " ".join(f"w{number}" for number in range(2000))
    all_text, fields = wanted(text, Match()), wanted(text, Match(fields=SEARCHED))
    assert (all_text is not None, fields is not None) == (True, True)
    assert (len(all_text.should), len(fields.should)) == (1024, 512)  # type: ignore[union-attr]


def test_conditions_are_what_must_and_must_not_be() -> None:
    match = Match(Mode.QUERY)
    near = wanted("+laptop -fan", Match(Mode.QUERY, fuzziness=1))
    assert near == Wanted(must=(Word("laptop", edits=1),), must_not=(Word("fan"),))  # what is shut out is that word
    assert wanted('fan +laptop -"no games"', match) == Wanted((Word("fan"),), 0, (Word("laptop"),), (Word("game"),))
    assert conditions("fan +laptop", match) == Wanted(must=(Word("laptop"),))
    assert conditions("fan", match) is None
    assert conditions("+fan", Match()) is None
    assert wanted("-fan", match) is None


@pytest.mark.parametrize("sign", ["+", "-"])
def test_a_signed_word_of_several_tokens_is_a_phrase(sign: str) -> None:
    of = conditions(f"pad {sign}nx-4410 {sign}게임용 {sign}games", Match(Mode.QUERY, fuzziness=0))
    assert of is not None
    parts = (Phrase(("nx", "4410"), "nx-4410"), Phrase(("게임", "임용"), "게임용"), Word("game"))
    assert (of.must, of.must_not) == ((parts, ()) if sign == "+" else ((), parts))


def test_the_model_reads_a_query_without_signs_and_without_what_must_not_be_there() -> None:
    text = 'quiet "long battery" +light -gaming -"used laptop"'
    assert spoken(text, Match(Mode.QUERY)) == "quiet long battery light"
    assert spoken(text, Match()) == text
    assert spoken('"', Match(Mode.QUERY)) == ""
    with pytest.raises(QueryError, match="add a word without a minus"):
        spoken('-gaming -"used laptop"', Match(Mode.QUERY))


@pytest.mark.parametrize(
    ("text", "query", "good"),
    [
        ("the state of the art", "state of the art", True),
        ("state art", "state of the art", False),
        ("state in its art", "state of the art", True),  # which stop words there are does not count
        ("art state", "state art", False),
        ("조용한 노트북", "조용한", True),
    ],
)
def test_phrases_stand_where_their_words_follow_each_other(text: str, query: str, good: bool) -> None:
    found = wanted(query, Match(Mode.PHRASE))
    assert found is not None
    assert satisfied(found, [slots(text)]) is good


def test_no_phrase_goes_from_one_text_into_the_next() -> None:
    found = wanted("quiet laptop", Match(Mode.PHRASE))
    assert found is not None
    assert not satisfied(found, [slots("so quiet"), slots("laptop")])


@given(
    st.lists(st.sampled_from(["a1", "b2", "c3", "d4"]), max_size=6),
    st.lists(st.sampled_from(["a1", "b2", "c3"]), min_size=1, max_size=4),
)
def test_more_words_that_must_match_never_find_more(text: list[str], query: list[str]) -> None:
    places = [slots(" ".join(text))]
    found = []
    for least in range(1, 5):
        of = wanted(" ".join(query), read({"minimum": least}))
        assert of is not None
        found.append(satisfied(of, places))
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("phrases", "it is one of: any, all, phrase, prefix, query"),
        (3, "give a mode"),
        ({"mode": "all", "slop": 1}, "match has slop"),
        ({"minimum": "most"}, "give such as 2"),
        ({"minimum": "2 3"}, "give such as 2"),
        ({"minimum": True}, "give such as 2"),
        ({"fuzziness": 3}, "it is 0, 1, 2 or 'auto'"),
        ({"fuzziness": True}, "it is 0, 1, 2 or 'auto'"),
        ({"mode": "phrase", "fuzziness": 1}, "a phrase matches as a whole"),
    ],
)
def test_what_is_no_match_is_refused(given: Any, message: str) -> None:
    with pytest.raises(QueryError) as wrong:
        read(given)
    assert message in str(wrong.value)
    assert wrong.value.field == "match"

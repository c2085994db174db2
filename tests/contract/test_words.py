"""The words of every text store: worked out by hand, and against plain counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from hybrid.filters.meaning import matches
from hybrid.filters.tree import Exists, Filter, Not, OneOf
from hybrid.model import Record
from hybrid.schema import Collection, VectorSpec
from hybrid.stores.base import TextStore, WordQuery
from hybrid.surface import distance, words
from tests.contract import filtering
from tests.contract.conftest import TEXT, kept
from tests.contract.records import make_record, make_tombstone
from tests.contract.test_filtering import SCHEMA

VOCABULARY = """laptop laptops lapdog lap 3.5 don't café CAFÉ 노트북 노트북은 東京都 straße ab.cd x+y* (lap)
    l{1,2} "lap"
    lap|top <lap> lap~ #lap @lap &lap [lap] la\u00adptop ﾗｯﾌﾟ lapto\u0301p""".split()


def random_records(seed: int, count: int = 80) -> list[Record]:
    random = Random(seed)
    return [
        make_record(f"r{n}", n + 1, text=" ".join(random.choices(VOCABULARY, k=4)), tag=random.choice(["red", "blue"]))
        for n in range(count)
    ]


def short_words(random: Random, count: int) -> list[str]:
    """Words of few letters, of which many are near each other."""
    return ["".join(random.choices("abé노", k=random.randint(2, 6))) for _ in range(count)]


CROWD = " ".join(f"mnop{chr(code)}" for code in range(0x3B1, 0x3B1 + 80))  # Greek letters
PARTS = [
    [make_record("a", 1, text="Quiet laptop, quiet fan", tag="red"), make_record("b", 2, text="quick")],
    [make_record("c", 3, text="The laptops of Quebec", tag="blue"), make_record("gone", 4, text="quay")],
    [make_record("d", 5, text="quiet laptops", tag="blue"), make_tombstone("gone", 6)],
    [
        *random_records(7),
        make_record("crowd", 90, text=CROWD),
        make_record("lone", 91, text="mnoxy"),
        make_record("short", 92, text=" ".join(short_words(Random(8), 300)), tag="red"),
    ],
]
"""What is written, one part after the other, so that an index has several segments."""

LIVING = [one for part in PARTS for one in part if one.id != "gone"]


@pytest.fixture(scope="module", params=TEXT)
def shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextStore]:
    """A store that no test changes."""
    with kept(request, tmp_path_factory.mktemp("words"), SCHEMA) as store:
        for part in PARTS:
            store.write(part)
        store.refresh()
        yield store


RED, BLUE = OneOf("tag", ("red",)), OneOf("tag", ("blue",))
MINE = OneOf("id", ("a", "b", "c", "d", "gone"))


def found(store: TextStore, limit: int = 10, tree: Filter | None = MINE, **query: object) -> list[tuple[str, int]]:
    return store.words(WordQuery(limit, timeout_s=10, filter=tree, **query))  # type: ignore[arg-type]


def test_words_begin_as_asked_and_come_by_documents_then_by_code_point(shelf: TextStore) -> None:
    assert found(shelf, start="qu") == [("quiet", 2), ("quebec", 1), ("quick", 1)]
    assert found(shelf, start="qu", limit=2) == [("quiet", 2), ("quebec", 1)]
    assert found(shelf, start="qu", limit=0) == []
    assert found(shelf, start="quiet") == [("quiet", 2)]
    assert found(shelf, start="quiets") == []


def test_words_are_shown_as_written_not_as_stems_and_never_stop_words(shelf: TextStore) -> None:
    assert found(shelf, start="lapt") == [("laptops", 2), ("laptop", 1)]
    assert found(shelf, start="th") == []


def test_a_word_that_only_other_documents_have_is_not_shown(shelf: TextStore) -> None:
    assert found(shelf, start="qu", tree=OneOf("id", ("b",))) == [("quick", 1)]
    assert found(shelf, start="qu", tree=OneOf("id", ("nobody",))) == []
    assert found(shelf, near="quitk", tree=OneOf("id", ("a", "c"))) == [("quiet", 1)]


def test_a_deleted_document_shows_none_of_its_words(shelf: TextStore) -> None:
    assert ("quay", 1) not in found(shelf, start="qu", tree=None, limit=100)
    assert found(shelf, near="quaz", tree=None) == []


def test_only_documents_with_all_the_terms_count(shelf: TextStore) -> None:
    assert found(shelf, start="lap", terms=("quiet",)) == [("laptop", 1), ("laptops", 1)]
    assert found(shelf, start="lap", terms=("quiet", "fan")) == [("laptop", 1)]
    assert found(shelf, start="lap", terms=("quick",)) == []


def test_near_words_come_by_edits_then_by_documents(shelf: TextStore) -> None:
    assert found(shelf, near="laptopz") == [("laptops", 2), ("laptop", 1)]
    assert found(shelf, near="quitek") == [("quiet", 2), ("quick", 1)]
    assert found(shelf, near="quitek", edits=1) == []
    assert found(shelf, near="uqiet") == []  # the first character is taken as it is


def test_nearer_words_of_other_documents_do_not_crowd_out_those_of_the_filter(shelf: TextStore) -> None:
    assert found(shelf, near="mnopq", tree=OneOf("id", ("lone",))) == [("mnoxy", 1)]
    assert len(found(shelf, near="mnopq", tree=None, limit=100)) > 50


def counted(tree: Filter | None) -> Counter[str]:
    """By word, the number of documents of the filter that have it."""
    collection = Collection("it", SCHEMA, VectorSpec(3), model="none")
    held = [one for one in LIVING if tree is None or matches(tree, filtering.facts_of(collection, one))]
    return Counter(word for one in held for word in words(one.source["text"]))


TREES = [None, RED, Not(RED), Exists("tag")]
STARTS = [
    "l",
    "lap",
    "lapto",
    "3",
    "3.",
    "don",
    "don't",
    "c",
    "caf",
    "café",
    "노",
    "노트북",
    "東",
    "ラ",
    "{",
    "(",
    "*",
    '"',
]


@pytest.mark.parametrize("tree", TREES)
def test_words_that_begin_so_are_those_of_plain_counting(shelf: TextStore, tree: Filter | None) -> None:
    counts = counted(tree)
    for start in STARTS:
        whole = sorted(((w, n) for w, n in counts.items() if w.startswith(start)), key=lambda pair: (-pair[1], pair[0]))
        assert found(shelf, 1000, tree, start=start) == whole
        assert found(shelf, 2, tree, start=start) == whole[:2]


@pytest.mark.parametrize("tree", TREES)
def test_near_words_are_those_of_plain_counting(shelf: TextStore, tree: Filter | None) -> None:
    counts = counted(tree)
    for near in ("laptop", "latpop", "lpa", "cafe", "노트묵", "dont", "l*p", "l.{9}", *short_words(Random(9), 40)):
        for edits in (1, 2):
            far = {word: distance(word, near, edits) for word in counts if word[0] == near[0]}
            whole = [
                (word, counts[word])
                for word in sorted(far, key=lambda w: (far[w], -counts[w], w))
                if far[word] <= edits
            ]
            assert found(shelf, 1000, tree, near=near, edits=edits) == whole

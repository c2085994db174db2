"""Where the words of a query stand, and which words may be meant, on every deployment alike."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

import hybrid
from hybrid import Engine
from hybrid.errors import CollectionNotFound, FilterError, QueryError
from hybrid.fragments import pieces
from tests.contract import shop
from tests.embedders import HashedWords

LONG = (
    "This page is about a desk. "
    + "Nothing of use is said in this sentence. " * 60
    + "Whisperings of notebooks are heard here. "
    + "Nothing of use is said in this sentence. " * 20
)
DOCUMENTS: list[dict[str, Any]] = [
    {"id": "1", "title": "Quiet laptop", "text": "A <b>quiet</b> & light laptop. It has no fan.", "owner": "ann"},
    {"id": "2", "title": "Quiet laptops", "text": "All the laptops of one maker.", "owner": "ann"},
    {"id": "3", "title": "Loud drill", "text": "Drills through walls.", "owner": "bob"},
    {"id": "4", "title": "노트북", "text": "조용한 노트북은 가볍다", "owner": "ann"},
    {"id": "5", "title": "Secret latpop", "text": "Laplander and zebra, known to bob alone.", "owner": "bob"},
    {"id": "6", "title": "Desk", "text": LONG, "owner": "ann"},
]
ANN = 'owner = "ann"'


@pytest.fixture(scope="module", params=["embedded", "memory", pytest.param("servers", marks=pytest.mark.servers)])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: dict[str, Any] = {"data_dir": tmp_path_factory.mktemp("words"), "embedder": HashedWords(64)}
    place = {
        "embedded": folder,
        "memory": folder | {"data_dir": ":memory:"},
        "servers": folder | {"collection": f"words-{uuid.uuid4().hex}"},
    }[request.param]
    if request.param == "servers":
        place["redis"] = request.getfixturevalue("redis_url")
        place["elasticsearch"] = request.getfixturevalue("elasticsearch_url")
    with hybrid.open(**place) as engine:
        assert engine.put(DOCUMENTS).ok
        yield engine
        engine.drop()


def highlights(engine: Engine, query: str, one: str, highlight: Any = True, **options: Any) -> Any:
    hits = engine.search(query, filter=f'id = "{one}"', highlight=highlight, **options).hits
    return hits[0].highlights


def test_the_words_found_are_marked_and_all_else_is_escaped(engine: Engine) -> None:
    assert highlights(engine, "quiet laptops", "1") == {
        "title": ["<mark>Quiet</mark> <mark>laptop</mark>"],
        "text": ["A &lt;b&gt;<mark>quiet</mark>&lt;/b&gt; &amp; light <mark>laptop</mark>. It has no fan."],
    }
    assert highlights(engine, "노트북", "4") == {
        "title": ["<mark>노트북</mark>"],
        "text": ["조용한 <mark>노트북</mark>은 가볍다"],
    }


def test_fields_fragments_and_size_are_as_asked(engine: Engine) -> None:
    asked = {"fields": ["text"], "fragments": 1, "size": 40}
    assert highlights(engine, "notebook", "6", asked) == {
        "text": ["…Whisperings of <mark>notebooks</mark> are heard here.…"]
    }
    assert highlights(engine, "laptop", "2", {"fields": "title"}) == {"title": ["Quiet <mark>laptops</mark>"]}


def test_a_hit_of_meaning_alone_shows_the_start_of_the_passage_it_was_found_by(engine: Engine) -> None:
    hit = engine.search("whisperfoo notebookish", filter='id = "6"', highlight=True).hits[0]
    assert hit.explain["text"]["status"] == "not_found"
    assert hit.passage is not None
    assert hit.highlights is not None
    (fragment,) = hit.highlights["text"]
    assert "<mark>" not in fragment
    assert fragment.startswith("…" + hit.passage.text[:40])


def test_where_asked_a_hit_of_meaning_alone_shows_its_nearest_sentence(engine: Engine) -> None:
    (fragment,) = highlights(engine, "whisperingsx notebooksx heardx", "6", "sentences")["text"]
    assert fragment.startswith("…<mark>Whisperings of notebooks are heard here.</mark> Nothing of use")
    assert highlights(engine, "quiet laptop", "2", "sentences")["title"] == ["<mark>Quiet</mark> <mark>laptops</mark>"]


def test_a_hit_of_words_alone_without_them_in_the_fields_asked_has_no_highlight(engine: Engine) -> None:
    assert highlights(engine, "maker", "2", {"fields": "title"}, retrievers=["text"]) == {}
    assert engine.search(filter=ANN, highlight=True).hits[0].highlights == {}


def test_highlights_are_in_json_only_where_they_were_asked_for(engine: Engine) -> None:
    for asked in (False, True):
        body = engine.search("quiet", highlight=asked).to_dict()
        assert {"highlights" in hit for hit in body["hits"]} == {asked}
        assert ("highlight" in body["timeline_ms"]) is asked


def test_highlights_change_no_hit_and_go_on_over_pages(engine: Engine) -> None:
    plain, marked = (engine.search("quiet laptop", limit=2, highlight=how) for how in (False, True))
    assert [(hit.id, hit.score, hit.explain) for hit in plain.hits] == [
        (hit.id, hit.score, hit.explain) for hit in marked.hits
    ]
    assert engine.plan("quiet").key == engine.plan("quiet", highlight=True).key
    further = engine.search(cursor=marked.next_cursor)
    assert {hit.highlights is not None for hit in further.hits} == {True}


def test_every_highlight_of_every_hit_is_text_of_its_field(engine: Engine) -> None:
    for query in ("quiet laptop", "조용한 노트북", "drill <b> wall", "notebook sentence"):
        for how in (True, "sentences", {"size": 20, "fragments": 5}):
            for hit in engine.search(query, highlight=how).hits:
                for name, found in (hit.highlights or {}).items():
                    for fragment in found:
                        assert re.sub("</?mark>", "", fragment).count("<") == 0
                        assert "".join(text for text, _ in pieces(fragment)).strip("…") in hit.document[name]


def test_a_highlight_that_cannot_be_is_refused(engine: Engine) -> None:
    with pytest.raises(QueryError, match="choose from the fields that are searched: title, text"):
        engine.search("quiet", highlight={"fields": ["owner"]})


def completions(engine: Engine, text: str, *options: Any) -> list[tuple[str, int]]:
    return [(one.text, one.count) for one in engine.suggest(text, *options).completions]


def test_the_last_word_is_finished_by_words_as_they_are_written(engine: Engine) -> None:
    assert completions(engine, "lap") == [("laplander", 1), ("laptop", 1), ("laptops", 1)]
    assert completions(engine, "My LAPT") == []  # no document has "my"
    assert completions(engine, "the LAPT") == [("the laptop", 1), ("the laptops", 1)]
    assert completions(engine, "laptops") == [("laptops", 1)]
    assert completions(engine, "노트") == [("노트북", 1), ("노트북은", 1)]
    assert completions(engine, "lap", None, 2) == [("laplander", 1), ("laptop", 1)]
    assert completions(engine, "lap", None, 0) == []


def test_the_words_before_the_last_are_in_the_same_document(engine: Engine) -> None:
    assert completions(engine, "quiet l") == [("quiet laptop", 1), ("quiet laptops", 1), ("quiet light", 1)]
    assert completions(engine, "fan l") == [("fan laptop", 1), ("fan light", 1)]
    assert completions(engine, "zebra la") == [("zebra laplander", 1), ("zebra latpop", 1)]


@pytest.mark.parametrize("text", ["", "  ", "lap ", "lap!", "+", "the "])
def test_where_no_word_is_begun_none_is_finished(engine: Engine, text: str) -> None:
    assert completions(engine, text) == []


def test_no_word_of_a_document_outside_the_filter_is_ever_suggested(engine: Engine) -> None:
    assert completions(engine, "lap", ANN) == [("laptop", 1), ("laptops", 1)]
    assert completions(engine, "zeb", ANN) == []
    assert completions(engine, "zeb", 'owner = "bob"') == [("zebra", 1)]
    assert engine.suggest("zebre", ANN).did_you_mean is None
    assert engine.suggest("zebre", 'owner = "bob"').did_you_mean == "zebra"


def test_a_word_that_only_documents_outside_the_filter_have_is_taken_as_unknown(engine: Engine) -> None:
    assert engine.suggest("latpop ").did_you_mean is None
    assert engine.suggest("latpop ", ANN).did_you_mean == "laptop "


def test_unknown_words_are_replaced_by_the_nearest_and_nothing_else_is_changed(engine: Engine) -> None:
    assert engine.suggest("Qiuet,  the drll! ").did_you_mean == "quiet,  the drill! "
    assert engine.suggest("quiet dril").did_you_mean is None  # the last word may be going on
    assert engine.suggest("quietly drilling ").did_you_mean is None  # found by their stems
    assert engine.suggest("xyzzy lx ").did_you_mean is None
    assert engine.suggest("노트묵 ").did_you_mean == "노트북 "


def test_suggestions_are_of_what_is_written_now(engine: Engine) -> None:
    engine.put([{"id": "new", "title": "Aardvark", "owner": "ann"}])
    assert completions(engine, "aard") == [("aardvark", 1)]
    engine.put([{"id": "new", "title": "Abacus", "owner": "ann"}])
    assert completions(engine, "aard") == []
    engine.delete(["new"])
    assert completions(engine, "aba") == []


def test_what_cannot_be_suggested_for_is_refused(engine: Engine) -> None:
    with pytest.raises(FilterError):
        engine.suggest("lap", "prize < 100")
    with pytest.raises(QueryError, match="limit"):
        engine.suggest("lap", limit=101)
    with pytest.raises(QueryError, match="must be a string"):
        engine.suggest(3)  # type: ignore[arg-type]


def test_suggestions_before_anything_was_written_say_so() -> None:
    with hybrid.open(":memory:", embedder=HashedWords()) as empty, pytest.raises(CollectionNotFound):
        empty.suggest("lap")


def test_every_completion_of_the_shop_finds_a_document_of_its_filter() -> None:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put(shop.documents())
        for query in shop.queries()[:20]:
            for one in engine.suggest(query[:-2], "price < 100", 5).completions:
                found = engine.search(one.word, filter="price < 100", retrievers=["text"], limit=1)
                assert found.total is not None
                assert 0 < one.count <= found.total.value

"""Documents as a user handles them, alike in memory, embedded and on servers: read, exported, deleted, changed."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hybrid
from hybrid import Engine
from hybrid.errors import CollectionNotFound, DocumentConflict, DocumentError, FilterError, QueryError
from hybrid.model import Outcome, Vector
from hybrid.plan import MAX_LIMIT
from hybrid.stores import elastic_text
from tests.embedders import HashedWords

SHOP = [
    {"id": "1", "title": "Quiet laptop", "price": 900, "brand": "acer", "tags": ["new", "light"]},
    {"id": "2", "title": "Cordless drill", "price": 120, "brand": "bosch"},
    {"id": "3", "title": "조용한 노트북", "price": 800, "brand": "lg"},
    {"id": "a/b c", "title": "Book “of” <b>bold</b>\nlines", "price": 10, "seen": {"by": [None, 1.5]}},
]


class Counting(HashedWords):
    """Remembers the texts that it was given to embed."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 64)."""
        self.texts += texts
        return super().embed_documents(texts)


Opens = Callable[..., Engine]


LASTING = ["embedded", pytest.param("servers", marks=pytest.mark.servers)]


@pytest.fixture(params=["memory", *LASTING])
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opens]:
    """Opens engines of a deployment, all on one collection unless they are given a name; all of them are dropped."""
    common = f"documents-{uuid.uuid4().hex}"
    with ExitStack() as stack:

        def opened(collection: str = common, **settings: Any) -> Engine:
            where: dict[str, Any] = {"data_dir": ":memory:" if request.param == "memory" else tmp_path}
            if request.param == "servers":
                where["redis"] = request.getfixturevalue("redis_url")
                where["elasticsearch"] = request.getfixturevalue("elasticsearch_url")
            if settings.get("model") != "none":
                settings.setdefault("embedder", HashedWords())
            engine = stack.enter_context(hybrid.open(collection=collection, **(where | settings)))
            if set(settings) <= {"embedder", "model"}:
                stack.callback(engine.drop)
            return engine

        yield opened


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def row(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in ("id", "vector")}


def by_id(rows: Any) -> dict[str, Any]:
    listed = list(rows)
    found = {one["id"]: one for one in listed}
    assert len(found) == len(listed), "an id came twice"
    return found


def counts(report: hybrid.WriteReport) -> dict[str, int]:
    return {str(outcome): count for outcome, count in report.counts.items()}


def numbered(count: int, start: int = 0) -> Iterator[dict[str, Any]]:
    """Documents whose two fields are equal, so that half of one version and half of another would show."""
    for n in range(start, start + count):
        yield {"id": f"n{n:04}", "left": n, "right": n, "even": n % 2 == 0, "vector": [1.0, n + 0.1]}


# many by id


def test_many_come_by_id_in_the_order_asked_without_those_that_are_not_there(opens: Opens) -> None:
    engine = opens()
    engine.put(SHOP)
    asked = ["3", "nobody", "a/b c", "1", "3"]
    found = engine.get_many(asked)
    assert list(found) == ["3", "a/b c", "1"]
    assert found == {one["id"]: row(one) for one in SHOP if one["id"] in asked}
    assert engine.get_many([]) == {}
    assert list(engine.get_many([2])) == ["2"]  # type: ignore[list-item]  # as `put` takes numbers for ids
    engine.delete(["3"])
    assert list(engine.get_many(asked)) == ["a/b c", "1"]


def test_ten_thousand_ids_at_most_and_not_one_string() -> None:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        with pytest.raises(CollectionNotFound):
            engine.get_many(["1"])
        engine.put(SHOP)
        ids = [str(n) for n in range(MAX_LIMIT + 1)]
        assert len(engine.get_many(ids[:MAX_LIMIT])) == 3
        with pytest.raises(QueryError, match="10001 ids are asked for; 10000 are the most"):
            engine.get_many(ids)
        with pytest.raises(QueryError, match="write get_many"):
            engine.get_many("12")


# everything that matches


def test_an_export_is_what_was_put_and_putting_it_again_changes_nothing(opens: Opens) -> None:
    engine = opens()
    engine.put(SHOP)
    assert by_id(engine.export()) == by_id(SHOP)
    assert by_id(engine.export("price >= 120 AND NOT brand = 'lg'")).keys() == {"1", "2"}
    assert by_id(engine.export({"field": "brand", "op": "=", "value": "lg"})).keys() == {"3"}
    assert list(engine.export("price > 10000")) == []
    assert counts(engine.put(engine.export())) == {"unchanged": 4}
    engine.delete(["2"])
    assert by_id(engine.export()).keys() == {"1", "3", "a/b c"}


def test_vectors_that_documents_brought_are_exported_to_the_last_bit(opens: Opens) -> None:
    engine = opens(model="none")
    brought = {"1": [0.1, 1e-30, -3.0], "2": [[1.0, 0.0, 1 / 3], [0.0, 1e20, 0.7]]}
    engine.put({"id": one, "title": "words", "vector": vector} for one, vector in brought.items())
    exported = by_id(engine.export())
    for one, vector in brought.items():
        assert np.array_equal(np.float32(exported[one]["vector"]), np.float32(vector))
    assert counts(engine.put(exported.values())) == {"unchanged": 2}


@pytest.mark.parametrize("opens", ["memory"], indirect=True)
def test_a_model_makes_its_vectors_anew_so_they_are_not_exported(opens: Opens) -> None:
    engine = opens()
    engine.put([{"id": "own", "title": "words", "vector": [1.0] * 64}, {"id": "made", "title": "words"}, {"id": "no"}])
    exported = by_id(engine.export())
    assert {one for one, of in exported.items() if "vector" in of} == {"own"}


def test_what_is_there_throughout_is_exported_exactly_once_and_whole_while_all_is_rewritten(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elastic_text, "PAGE", 100)
    engine = opens(model="none")
    engine.put(numbered(600))
    stream = engine.export()
    first = [next(stream) for _ in range(10)]
    gone = [f"n{n:04}" for n in range(0, 600, 50)]
    engine.put(one | {"left": one["left"] + 1000, "right": one["right"] + 1000} for one in numbered(600))
    engine.put(numbered(100, start=600))
    engine.delete(gone)
    seen = by_id([*first, *stream])
    assert {f"n{n:04}" for n in range(600)} - set(gone) <= seen.keys()
    assert all(one["left"] == one["right"] for one in seen.values())
    assert any(one["left"] >= 1000 for one in seen.values())  # what was read later is newer


def test_what_ceases_to_satisfy_the_filter_meanwhile_does_not_come_as_if_it_did(opens: Opens) -> None:
    engine = opens(model="none")
    engine.put(numbered(600))
    stream = engine.export("even = true")
    first = next(stream)
    engine.put(one | {"even": False} for one in numbered(600))
    rest = list(stream)
    assert first["even"]
    assert all(one["even"] for one in rest)
    assert len(rest) < 299  # nearly all of them were read after they had changed


@pytest.mark.parametrize("opens", LASTING, indirect=True)
def test_the_vector_store_exports_where_the_text_store_is_dead(opens: Opens, closed_port: int) -> None:
    engine = opens(model="none")
    engine.put(numbered(300))
    engine.delete(["n0001"])
    half = opens(model="none", elasticsearch=f"http://127.0.0.1:{closed_port}")
    assert by_id(half.export("even = true")) == by_id(engine.export("even = true"))
    assert by_id(half.export()).keys() == {one["id"] for one in numbered(300)} - {"n0001"}


@pytest.mark.parametrize("opens", ["memory"], indirect=True)
def test_a_filter_that_cannot_be_read_is_told_at_the_call(opens: Opens) -> None:
    engine = opens()
    with pytest.raises(CollectionNotFound):
        engine.export()
    engine.put(SHOP)
    with pytest.raises(FilterError):
        engine.export("price <")


@pytest.mark.parametrize("opens", ["memory"], indirect=True)
def test_frames_go_in_and_come_out(opens: Opens) -> None:
    engine = opens()
    table = pd.DataFrame([{"id": one["id"], "title": one["title"], "price": one["price"]} for one in SHOP])
    assert counts(engine.put(table)) == {"created": 4}
    exported = pd.DataFrame(engine.export()).sort_values("id", ignore_index=True)
    pd.testing.assert_frame_equal(exported, table.sort_values("id", ignore_index=True))
    assert counts(engine.put(exported)) == {"unchanged": 4}
    many = pd.DataFrame.from_dict(engine.get_many(["3", "1"]), orient="index")
    assert many["price"].to_dict() == {"3": 800, "1": 900}
    assert counts(engine.put(many)) == {"unchanged": 2}  # the index is the id
    assert engine.search("book").to_pandas()["id"][0] == "a/b c"


# deleted by filter


def test_a_filter_deletes_what_it_counts_and_a_dry_run_deletes_nothing(opens: Opens) -> None:
    engine = opens(model="none")
    engine.put(numbered(600))
    assert counts(engine.delete(filter="left < 400 AND even = true", dry_run=True)) == {"deleted": 200}
    assert engine.count() == 600
    assert counts(engine.delete(filter="left < 400 AND even = true")) == {"deleted": 200}
    assert by_id(engine.export()).keys() == {
        one["id"] for one in numbered(600) if one["left"] >= 400 or not one["even"]
    }
    assert counts(engine.delete(filter="left < 400 AND even = true")) == {}
    assert counts(engine.delete(filter="left < 0", dry_run=True)) == {}
    assert engine.verify().agree


@pytest.mark.parametrize("opens", ["memory"], indirect=True)
def test_a_dry_run_by_ids_tells_what_would_be_not_there(opens: Opens) -> None:
    engine = opens()
    engine.put(SHOP)
    assert counts(engine.delete(["1", "1", "nobody"], dry_run=True)) == {"deleted": 1, "not_found": 1}
    assert engine.count() == 4


@pytest.mark.parametrize("given", [{}, {"ids": ["1"], "filter": "price > 1"}, {"filter": "  "}])
def test_ids_or_a_filter_and_never_everything_by_mistake(given: dict[str, Any]) -> None:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put(SHOP)
        with pytest.raises(QueryError):
            engine.delete(**given)
        assert engine.count() == 4


# single fields


def test_fields_are_changed_removed_and_left_alone(opens: Opens) -> None:
    engine = opens()
    engine.put(SHOP)
    assert engine.update("1", {"price": 850, "brand": None, "colour": "grey"}).outcome is Outcome.UPDATED
    assert engine.get("1") == {"title": "Quiet laptop", "price": 850, "tags": ["new", "light"], "colour": "grey"}
    assert engine.update("1", {"price": 850, "brand": None}).outcome is Outcome.UNCHANGED
    assert engine.update("1", {}).outcome is Outcome.UNCHANGED
    assert engine.update("nobody", {"price": 1}).outcome is Outcome.NOT_FOUND
    assert engine.search(filter="price = 850").ids == ["1"]
    assert engine.count("exists(brand)") == 2
    assert engine.verify().agree
    engine.delete(["1"])
    assert engine.update("1", {"price": 1}).outcome is Outcome.NOT_FOUND
    assert engine.get_many(["1"]) == {}


def test_only_a_change_of_what_is_embedded_is_embedded(opens: Opens) -> None:
    embedder = Counting()
    engine = opens(embedder=embedder)
    engine.put(SHOP)
    before = engine.search("quiet laptop", retrievers=["vector"]).hits
    embedder.texts.clear()
    assert engine.update("1", {"price": 1}).outcome is Outcome.UPDATED
    after = engine.search("quiet laptop", retrievers=["vector"]).hits
    assert embedder.texts == ["quiet laptop"]  # the query
    assert [(hit.id, hit.score) for hit in after] == [(hit.id, hit.score) for hit in before]
    embedder.texts.clear()
    engine.update("1", {"title": "Loud laptop"})
    assert embedder.texts == ["Loud laptop"]
    assert engine.search("loud laptop").ids[0] == "1"
    # As if it had been put so at once:
    assert counts(engine.put([SHOP[0] | {"price": 1, "title": "Loud laptop"}])) == {"unchanged": 1}


def test_a_vector_that_was_brought_stays_and_can_be_changed(opens: Opens) -> None:
    engine = opens(model="none")
    engine.put(
        [{"id": "1", "title": "words", "vector": [1.0, 0.0]}, {"id": "2", "title": "words", "vector": [0.0, 1.0]}]
    )
    engine.update("1", {"title": "other words"})
    assert by_id(engine.export())["1"] == {"id": "1", "title": "other words", "vector": [1.0, 0.0]}
    assert engine.search(vector=[0.0, 1.0], retrievers=["vector"]).ids == ["2", "1"]
    engine.update("1", {"vector": [0.0, 2.0]})
    engine.update("2", {"vector": [1.0, 0.0]})
    assert engine.search(vector=[0.0, 1.0], retrievers=["vector"]).ids == ["1", "2"]
    with pytest.raises(DocumentError, match="it has no vector"):
        engine.update("1", {"vector": None})


@pytest.mark.parametrize("opens", ["memory"], indirect=True)
def test_a_change_that_does_not_fit_changes_nothing(opens: Opens) -> None:
    engine = opens()
    engine.put(SHOP)
    for changes in ({"price": "cheap"}, {"id": "2"}, {"price": float("nan")}, {"vector": [1.0]}):
        with pytest.raises(DocumentError):
            engine.update("1", changes)
    with pytest.raises(QueryError, match="new values by field"):
        engine.update("1", ["price"])  # type: ignore[arg-type]
    assert engine.get("1") == row(SHOP[0])
    assert engine.update("1", {"id": "1"}).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize("opens", ["memory"], indirect=True)
def test_an_update_of_what_was_not_expected_changes_nothing(opens: Opens) -> None:
    engine = opens()
    engine.put(SHOP)
    with pytest.raises(DocumentConflict, match="its 'price' is 900, not 1 as expected") as caught:
        engine.update("1", {"price": 2}, expected={"brand": "acer", "price": 1})
    assert caught.value.field == "price"
    for wrong in ({"title": None}, {"nothing": 0}, {"price": True}):
        with pytest.raises(DocumentConflict):
            engine.update("1", {"price": 2}, expected=wrong)
    assert engine.get("1") == row(SHOP[0])
    given = {"price": 900.0, "tags": ["new", "light"], "nothing": None}
    assert engine.update("1", {"price": 2}, expected=given).outcome is Outcome.UPDATED


def test_updates_of_one_document_at_the_same_time_lose_nothing(opens: Opens) -> None:
    engine = opens()
    engine.put(SHOP)
    other = engine if engine.settings.in_memory else opens()
    begin = threading.Barrier(4)

    def update(number: int) -> None:
        begin.wait()
        for n in range(5):
            (engine, other)[number % 2].update("1", {f"by_{number}_{n}": n}, wait=False)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(update, range(4)))
    engine.flush()
    assert engine.get("1") == row(SHOP[0]) | {f"by_{number}_{n}": n for number in range(4) for n in range(5)}


def test_an_update_that_a_store_is_owed_is_built_upon_and_paid_later(tmp_path: Path, closed_port: int) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put(SHOP)
    dead = {"redis": f"redis://127.0.0.1:{closed_port}", "elasticsearch": f"http://127.0.0.1:{closed_port}"}
    for servers in ({"redis": dead["redis"]}, {"elasticsearch": dead["elasticsearch"]}):
        (name,) = servers
        with hybrid.open(tmp_path, embedder=HashedWords(), **servers) as engine:
            said = engine.update("1", {name: 1})
            assert said.outcome is Outcome.PENDING
            assert len(said.owed) == 1
            assert engine.update("1", {"then": name}).outcome is Outcome.PENDING
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.repair()
        assert engine.get("1") == row(SHOP[0]) | {"redis": 1, "elasticsearch": 1, "then": "elasticsearch"}
        assert engine.verify().agree

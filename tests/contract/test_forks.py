"""What a server that loads the program first and forks then gets: in each child an engine that searches and writes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from hybrid import Engine
from tests.contract.deployments import deployed

PATIENCE_S = 30


@pytest.fixture(params=["embedded", pytest.param("servers", marks=pytest.mark.servers)])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with deployed(request, tmp_path_factory) as engine:
        engine.put({"id": str(number), "title": f"lamp {number}"} for number in range(20))
        assert len(engine.search("lamp").hits) == 10  # threads and connections are there
        yield engine


def in_a_child(act: Callable[[], bool]) -> bool:
    """Whether it is so in a forked child, which is ended where it hangs."""
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE_S)
        try:
            os._exit(0 if act() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


def test_a_child_searches_and_writes_and_so_does_its_parent(engine: Engine) -> None:
    assert in_a_child(lambda: len(engine.search("lamp").hits) == 10)
    assert in_a_child(lambda: engine.put([{"id": "child", "title": "lamp of the child"}]).ok)
    assert engine.get("child") == {"title": "lamp of the child"}
    assert engine.put([{"id": "child", "title": "lamp of its parent"}]).ok
    assert in_a_child(lambda: engine.get("child") == {"title": "lamp of its parent"})


def test_a_child_pays_compares_and_deletes(engine: Engine) -> None:
    assert in_a_child(lambda: engine.flush().dead == 0)  # it ends, though a thread of the parent was writing maybe
    engine.flush()
    assert in_a_child(lambda: not any(engine.flush().owed.values()))
    assert in_a_child(lambda: engine.verify().agree)
    assert in_a_child(lambda: engine.delete(["1", "2"]).ok)
    assert engine.count() == 18

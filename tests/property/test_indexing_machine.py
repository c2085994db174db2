"""Whatever is put and deleted, whatever fails and whoever dies: in the end both stores hold what a dict would hold.

One writer, so that what was asked for last is what has to be there. A write that died halfway may have happened or not.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from hybrid.indexing import failpoints
from hybrid.model import Outcome
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec
from tests.embedders import HashedWords
from tests.faults.simulation.process import DURABILITY, Crash, Process
from tests.faults.simulation.server import Durability, Server
from tests.faults.simulation.store import SimulatedStore
from tests.faults.simulation.weather import Fault, Weather

COLLECTION = Collection("c", Schema((Field("text", FieldType.TEXT),)), VectorSpec(64), HashedWords.name)
IDS = st.sampled_from(["a", "é/ü", "한"])
FAULTS = sorted(set(Fault) - {Fault.LATE, Fault.CRASH, Fault.KILLED, Fault.WIPED, Fault.CLOCK_BACK, Fault.POISON})
DONE = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.DELETED, Outcome.PENDING})


class IndexingMachine(RuleBasedStateMachine):
    """may: by id, the texts that may be there; None: it may be gone. One alone: it has to be so."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now = 1_700_000_000.0
        self.made = 0
        self.may: dict[str, set[str | None]] = {}
        self.weather = Weather(0.0, frozenset())
        self.redis = Server("redis", Durability.ON_SYNC, Random(1))
        self.elasticsearch = Server("elasticsearch", Durability.AT_ONCE, Random(2))
        servers = {"vector": self.redis, "text": self.elasticsearch}
        self.process = Process(
            Path(self.folder.name) / "journal.sqlite",
            COLLECTION,
            {name: SimulatedStore(of, COLLECTION, self.weather, lambda _: True) for name, of in servers.items()},
            self.weather,
            Random(3),
            lambda: self.now,
            late=0.5,
        )

    def teardown(self) -> None:
        self.all_is_well()
        failpoints.install(None)
        self.process.close()
        self.folder.cleanup()

    def change(self, one: str, text: str | None) -> None:
        self.now += 0.01
        may = self.may.setdefault(one, {None})
        may.add(text)
        try:
            writer = self.process.indexer.writer()
            outcomes = list(writer.delete([one]) if text is None else writer.put([{"id": one, "text": text}]))
        except Crash:
            self.process.die()
            return
        (outcome,) = outcomes
        if outcome.outcome is Outcome.NOT_FOUND:
            assert None in may
        if outcome.outcome in DONE:
            self.may[one] = {text}

    @rule(one=IDS)
    def put(self, one: str) -> None:
        self.made += 1
        self.change(one, f"text {self.made}")

    @rule(one=IDS)
    def put_what_may_be_there(self, one: str) -> None:
        for text in sorted(text for text in self.may.get(one, ()) if text is not None)[:1]:
            self.change(one, text)

    @rule(one=IDS)
    def delete(self, one: str) -> None:
        self.change(one, None)

    @rule(one=IDS, kind=st.sampled_from(FAULTS), rate=st.sampled_from([0.3, 1.0]), deletes=st.booleans())
    def change_in_bad_weather(self, one: str, kind: Fault, rate: float, deletes: bool) -> None:
        self.weather.kinds, self.weather.rate = frozenset({kind}), rate
        self.delete(one) if deletes else self.put(one)
        self.weather.kinds, self.weather.rate = frozenset(), 0.0

    @rule(one=IDS)
    def redis_crashes_before_it_is_asked_whether_all_is_durable(self, one: str) -> None:
        def crash(point: str) -> None:
            if point == "write.after":
                self.redis.restart()

        failpoints.install(crash)
        self.put(one)
        failpoints.install(None)

    @rule(point=st.sampled_from(failpoints.POINTS), one=IDS)
    def put_and_die(self, point: str, one: str) -> None:
        def die(reached: str) -> None:
            if reached == point:
                raise Crash(point)

        failpoints.install(die)
        self.put(one)
        failpoints.install(None)

    @rule()
    def kill(self) -> None:
        self.process.die()

    @rule()
    def redis_crashes(self) -> None:
        self.redis.restart()

    @rule(seconds=st.sampled_from([1.0, 70.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def the_clock_steps_back(self) -> None:
        self.now -= 50

    @rule()
    def flush(self) -> None:
        self.process.indexer.flush()

    @rule()
    def repair(self) -> None:
        self.redis.down = self.elasticsearch.down = 0
        self.process.indexer.repair()

    @rule(lost=st.sampled_from(["redis", "elasticsearch"]))
    def a_store_is_wiped_and_repaired(self, lost: str) -> None:
        self.all_is_well()
        (self.redis if lost == "redis" else self.elasticsearch).wipe()
        self.process.indexer.repair()
        self.all_is_well()

    @rule()
    def all_is_well(self) -> None:
        self.redis.down = self.elasticsearch.down = 0
        self.now += DURABILITY.volatile_s + 100
        assert self.process.indexer.flush().entries == 0
        assert self.process.indexer.verify().agree
        for one, may in self.may.items():
            held = [server.rows.get(one) for server in (self.redis, self.elasticsearch)]
            texts = {record.source.get("text") if record and not record.deleted else None for record in held}
            assert len(texts) == 1
            assert texts <= may
            self.may[one] = texts


IndexingMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=30, derandomize=True, deadline=None)
TestIndexing = IndexingMachine.TestCase

"""How are many documents written by one request? A line in, a line out, in order, while the body still comes.

A line is a document, or `{"_delete": "id"}`. Lines are written in parts, each before the next is read, so memory
stays the same however long the body is. What was answered is done; whoever was cut off sends all of it again, as what
is there already is `unchanged`.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import orjson

from hybrid.engine import Engine
from hybrid.errors import CollectionNotFound, DocumentError, HybridError
from hybrid.indexing.documents import as_id, normalise
from hybrid.model import Document, DocumentOutcome, Json, Outcome
from hybrid.plan import RETRIEVERS
from hybrid.schema import check_id
from hybrid.web.problems import Problem, of_hybrid
from hybrid.web.rejections import rejection
from hybrid.web.wire import MalformedJson, check_depth

MOST_LINES = 1000
"""Lines that are written together."""

MOST_BYTES = 8 * 1024 * 1024
"""Bytes of lines after which they are written together, though they are fewer."""

MAX_LINE = 16 * 1024 * 1024
"""Bytes of the longest line."""

DELETE = "_delete"
"""The only key of a line that deletes."""

_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank, as it was read. number: from 1. id: empty where there is none.

    given: the document, None to delete the one of this id, or what is wrong with the line.
    """

    number: int
    id: str
    given: Document | DocumentError | MalformedJson | None
    size: int = 0


@dataclass(slots=True)
class Tally:
    """What became of all lines until now."""

    lines: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def summary(self, problem: Problem | None = None) -> dict[str, Json]:
        """The last line of the answer. complete: whether all lines were read and answered."""
        body: dict[str, Json] = {
            "summary": True,
            "lines": self.lines,
            "counts": dict(self.counts),
            "complete": problem is None,
        }
        return body if problem is None else body | {"error": _error(problem)}


def answered(engine: Engine, lines: Iterable[Line], *, wait: bool = True) -> Iterator[bytes]:
    """The answer, in parts: what became of each line, and a summary.

    wait: end only when a search sees all of it. An error that concerns all lines, such as a journal that cannot be
    written, is raised where it comes first, and told in the summary where something was answered before it.
    """
    tally = Tally()
    for part in _parts(lines):
        try:
            said = _written(engine, part)
        except _Broken as broken:
            if not tally.lines and not broken.said:
                raise broken.error from broken
            yield _joined([*_counted(broken.said, tally), tally.summary(of_hybrid(broken.error))])
            return
        yield _joined(_counted(said, tally))
    if wait and tally.lines:
        engine.put((), wait=True)
    yield _joined([tally.summary()])


def lines_of(stream: Any) -> Iterator[Line]:
    """The lines of a stream of bytes that are not blank; the last may lack its end."""
    for number, raw in enumerate(_split(stream.read), 1):
        if raw is None:
            said = f"line {number} has more than {MAX_LINE} bytes; send it shorter"
            yield Line(number, "", DocumentError(said))
        elif raw.strip():
            yield _line(number, raw)


def items_of(array: Sequence[Json]) -> Iterator[Line]:
    """The items of a JSON array, as if each were a line."""
    return (_read(number, item) for number, item in enumerate(array, 1))


def _split(read: Callable[[int], bytes]) -> Iterator[bytes | None]:
    """Each line without its end; None for one that is too long, which is not held."""
    held, size = io.BytesIO(), 0
    while piece := read(_PIECE):
        for place, part in enumerate(piece.split(b"\n")):
            if place:
                yield held.getvalue() if size <= MAX_LINE else None
                held, size = io.BytesIO(), 0
            size += len(part)
            if size <= MAX_LINE:
                held.write(part)
    if size:
        yield held.getvalue() if size <= MAX_LINE else None


def _line(number: int, raw: bytes) -> Line:
    try:
        body = orjson.loads(raw)
        check_depth(body, raw)
    except orjson.JSONDecodeError as error:
        return Line(number, "", MalformedJson(f"line {number} is not JSON: {error}"), len(raw))
    except MalformedJson as error:
        return Line(number, "", MalformedJson(f"line {number}: {error}"), len(raw))
    return _read(number, body, len(raw))


def _read(number: int, body: Json, size: int = 0) -> Line:
    try:
        if isinstance(body, dict) and body.keys() == {DELETE}:
            return Line(number, check_id(as_id(body[DELETE])), None, size)
        document = normalise(body)
    except DocumentError as error:
        return Line(number, error.document_id or "", error, size)
    return Line(number, document.id, document, size)


def _parts(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines in parts that are written together."""
    part: list[Line] = []
    size = 0
    for line in lines:
        part.append(line)
        size += line.size
        if len(part) == MOST_LINES or size > MOST_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


class _Broken(Exception):
    """An error that concerns all lines. said: of those before the first of which nothing is known."""

    def __init__(self, error: HybridError, said: list[dict[str, Json]]) -> None:
        super().__init__(str(error))
        self.error = error
        self.said = said


def _written(engine: Engine, part: Sequence[Line]) -> list[dict[str, Json]]:
    """What became of each line, in order. Raises _Broken."""
    outcomes: dict[int, DocumentOutcome] = {}
    try:
        for lines in _rounds(part):
            _write(engine, lines, partial(_noted, outcomes, {line.id: line.number for line in lines}))
    except HybridError as error:
        raise _Broken(error, list(_said(engine, part, outcomes))) from error
    return list(_said(engine, part, outcomes))


def _noted(outcomes: dict[int, DocumentOutcome], numbers: Mapping[str, int], one: DocumentOutcome) -> None:
    outcomes[numbers[one.id]] = one


def _rounds(part: Iterable[Line]) -> list[list[Line]]:
    """The lines that write or delete, each document once a round, so that lines of one id act one after the other."""
    seen: Counter[str] = Counter()
    rounds: list[list[Line]] = []
    for line in part:
        if isinstance(line.given, HybridError):
            continue
        if seen[line.id] == len(rounds):
            rounds.append([])
        rounds[seen[line.id]].append(line)
        seen[line.id] += 1
    return rounds


def _write(engine: Engine, lines: Sequence[Line], told: Callable[[DocumentOutcome], None]) -> None:
    documents = [line.given for line in lines if isinstance(line.given, Document)]
    deleted = [line.id for line in lines if line.given is None]
    if documents:
        engine.put(documents, wait=False, on_outcome=told)
    if not deleted:
        return
    try:
        engine.delete(deleted, wait=False, on_outcome=told)
    except CollectionNotFound:
        for one in deleted:
            told(DocumentOutcome(one, Outcome.NOT_FOUND))


def _said(engine: Engine, part: Iterable[Line], outcomes: Mapping[int, DocumentOutcome]) -> Iterator[dict[str, Json]]:
    """What is to be said of each line, up to the first of which nothing is known."""
    for line in part:
        if isinstance(line.given, HybridError):
            yield _rejected(line, line.given)
        elif line.number not in outcomes:
            return
        else:
            yield _done(engine, line, outcomes[line.number])


_WRITTEN = (Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED, Outcome.PENDING)


def _done(engine: Engine, line: Line, outcome: DocumentOutcome) -> dict[str, Json]:
    if outcome.outcome is Outcome.REJECTED:
        return _rejected(line, rejection(engine, line.given, outcome.reason))
    did = "written" if outcome.outcome in _WRITTEN else "untouched"
    stores = {name: "owed" if name in outcome.owed else did for name in RETRIEVERS}
    return {"line": line.number, "id": line.id, "status": str(outcome.outcome)} | stores


def _rejected(line: Line, error: HybridError) -> dict[str, Json]:
    body: dict[str, Json] = {"line": line.number, "id": line.id or None, "status": str(Outcome.REJECTED)}
    return body | dict.fromkeys(RETRIEVERS, "untouched") | {"error": _error(of_hybrid(error))}


def _error(problem: Problem) -> dict[str, Json]:
    """What of a problem is said in a line."""
    return {name: value for name, value in problem.to_dict().items() if name in ("type", "code", "detail", "errors")}


def _counted(said: Iterable[dict[str, Json]], tally: Tally) -> list[dict[str, Json]]:
    listed = list(said)
    tally.lines += len(listed)
    tally.counts.update(one["status"] for one in listed)
    return listed


def _joined(bodies: Iterable[Mapping[str, Json]]) -> bytes:
    return b"".join(chain.from_iterable((orjson.dumps(body), b"\n") for body in bodies))

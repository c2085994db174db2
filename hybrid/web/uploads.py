"""How does a file become documents? It is sent by a form and read as a stream; what is rejected is told by its line."""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from flask import Response, render_template, request, stream_with_context

from hybrid.engine import Engine
from hybrid.errors import HybridError, InputError
from hybrid.indexing import sources
from hybrid.model import DocumentOutcome, Json, Outcome
from hybrid.web import actions
from hybrid.web.bodies import MOST_LINES_BYTES
from hybrid.web.documents import NDJSON
from hybrid.web.page import say
from hybrid.web.problems import of_hybrid
from hybrid.web.saying import Say
from hybrid.web.wire import engine

_log = logging.getLogger(__name__)

KINDS = (".jsonl", ".ndjson", ".csv", ".tsv")
"""Ends of the names of files that are taken; .gz is not, as a small file may hide a huge one."""

MOST_REJECTED = 1000
"""Rejected rows that are told one by one; all are counted."""

_AT_ONCE = 500


@dataclass(slots=True)
class Upload:
    """How far it is. error: what ended it before its end."""

    name: str
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[dict[str, Json]] = field(default_factory=list)
    error: str = ""

    def to_dict(self) -> dict[str, Json]:
        """The counts as JSON, without the rows that were rejected."""
        error: dict[str, Json] = {"error": self.error} if self.error else {}
        return {"name": self.name, "rows": self.rows, "counts": dict(self.counts), **error}


@actions.blueprint.post("/collections/upload")
def upload() -> Any:
    """Writes the documents of the form's file, and answers with a page.

    Where NDJSON is asked for, with progress: a line each 500 rows, then one with `done`.
    """
    request.max_content_length = MOST_LINES_BYTES
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise InputError("no file was sent. Choose a file of JSON lines or CSV first")
    name = sent.filename.replace("\\", "/").rpartition("/")[2]
    kind = Path(name).suffix.lower()
    if kind not in KINDS:
        raise InputError(f"{name}: files named like this are not taken; there is {', '.join(KINDS)}")
    folder = tempfile.TemporaryDirectory(prefix="hybrid-upload-")
    path = Path(folder.name) / f"upload{kind}"
    sent.save(path)
    progress = _written(engine(), folder, path, Upload(name))
    if request.accept_mimetypes.best_match((NDJSON, "text/html")) == NDJSON:
        return Response(stream_with_context(_lines(progress)), mimetype=NDJSON)
    *_, done = progress
    return render_template("uploaded.html", done=done, most=MOST_REJECTED, place=partial(_place, say()))


def script_words(say: Say) -> dict[str, Json]:
    """What the script says that sends a file; of what is counted, what one is and what many are."""
    keys = ("done", "sending", "ended_early", "broke", "line")
    counted = {"rows": "rows"} | {str(one): f"outcome_{one}" for one in Outcome}
    said: dict[str, Json] = {key: say.pattern(key) for key in keys}
    return said | {"counts": {name: [say.pattern(key, 1), say.pattern(key)] for name, key in counted.items()}}


def _place(say: Say, at: str) -> str:
    """Where a row stands, as the page says it."""
    word, _, line = at.partition(" ")
    return say.text("line", line=line) if word == "line" else at


def _lines(progress: Iterator[Upload]) -> Iterator[bytes]:
    said = None
    for said in progress:
        yield orjson.dumps(said.to_dict()) + b"\n"
    if said is not None:
        yield orjson.dumps(said.to_dict() | {"done": True, "rejected": said.rejected}) + b"\n"


def _written(into: Engine, folder: Any, path: Path, state: Upload) -> Iterator[Upload]:
    """The state after each part that was written, and at the end, when searches see it all."""

    def told(outcome: DocumentOutcome) -> None:
        state.rows += 1
        state.counts[str(outcome.outcome)] += 1
        if outcome.outcome is Outcome.REJECTED and len(state.rejected) < MOST_REJECTED:
            state.rejected.append(_rejected(outcome, str(path)))

    with folder:
        try:
            rows = sources.read(path)
            while part := list(islice(rows, _AT_ONCE)):
                into.put(part, wait=False, on_outcome=told)
                yield state
            if state.counts.keys() - {str(Outcome.REJECTED)}:
                into.put((), wait=True)
        except InputError as error:
            state.error = str(error).replace(str(path), state.name)
        except HybridError as error:
            state.error = of_hybrid(error).detail
    yield state


def _rejected(outcome: DocumentOutcome, path: str) -> dict[str, Json]:
    """Where a row stands, its id, and what is wrong with it: our own words, as a store's may name hosts."""
    place, _, reason = (outcome.reason or "").removeprefix(f"{path}, ").partition(": ")
    if not (outcome.reason or "").startswith(f"{path}, "):
        _log.warning("document %r was rejected: %s", outcome.id, outcome.reason)
        return {"at": "", "id": outcome.id, "reason": "a store cannot hold it as it is. The server's log says why"}
    return {"at": place, "id": outcome.id, "reason": reason}

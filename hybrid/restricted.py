"""What may a holder of some documents only do? All that an engine does, as if there were no others.

Each question is put with the holder's filter beside its own, which no request can remove. A document that the filter
does not let through looks like one that is not there; one with its id cannot be written.
"""

from __future__ import annotations

import hmac
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hybrid import filters
from hybrid import plan as planning
from hybrid.engine import Engine
from hybrid.errors import (
    CursorError,
    DocumentError,
    DocumentNotFound,
    FilterError,
    HybridError,
    QueryError,
    SettingsError,
)
from hybrid.filters.meaning import facts, matches
from hybrid.filters.tree import Filter, both
from hybrid.indexing.documents import normalise, rows
from hybrid.indexing.lots import windows
from hybrid.indexing.report import MOST_PROBLEMS, fold
from hybrid.indexing.turnstile import Turnstile
from hybrid.model import Document, DocumentOutcome, Json, Outcome, Ranking, WriteReport
from hybrid.plan import Explain, Plan, Request
from hybrid.result import SearchResult
from hybrid.schema import Collection
from hybrid.standing import Standing
from hybrid.suggest import Suggestions

NOT_YOURS = "this token may not write it"
"""Why a document was rejected that the filter does not let through, or that would take the place of such a one."""

PART = 512
"""Documents that are looked at together before they are written."""

_Given = str | Mapping[str, Json] | None
_Told = Callable[[DocumentOutcome], None] | None


class Restricted:
    """An engine's documents that satisfy a filter. seal: the holder's own secret, which its cursors are bound to.
    turn: of all holders, who write one after the other, as each looks first whose the documents are."""

    def __init__(self, engine: Engine, filter: str, seal: bytes, turn: Turnstile) -> None:
        self._engine = engine
        self._turn = turn
        self._text = filter
        self._seal = seal
        self.settings = engine.settings
        self.preset = engine.preset

    @property
    def collection(self) -> Collection:
        """As the engine's."""
        return self._engine.collection

    def search(self, query: str | Request = "", **options: Any) -> SearchResult:
        """As the engine's, among the holder's documents."""
        return self._sealed(self._engine.search(self._narrowed(planning.request(query, **options))))

    def search_many(self, queries: Iterable[str | Request], /, **options: Any) -> list[SearchResult | HybridError]:
        """As the engine's, among the holder's documents."""
        read = [self._read(planning.request(query, **options)) for query in queries]
        said = iter(self._engine.search_many([one for one in read if isinstance(one, Request)]))
        answers = [next(said) if isinstance(one, Request) else one for one in read]
        return [self._sealed(one) if isinstance(one, SearchResult) else one for one in answers]

    def plan(self, query: str | Request = "", **options: Any) -> Plan:
        """As the engine's, with the holder's filter in it."""
        return self._engine.plan(self._narrowed(planning.request(query, **options)))

    def render(self, plan: Plan) -> dict[str, Json]:
        """As the engine's."""
        return self._engine.render(plan)

    def rankings(self, query: str | Request = "", **options: Any) -> dict[str, Ranking]:
        """As the engine's, of the holder's documents."""
        return self._engine.rankings(self._narrowed(planning.request(query, **options)))

    def explain(self, document_id: str, query: str | Request = "", **options: Any) -> Standing:
        """As the engine's; what is not the holder's does not exist."""
        if not self.get_many([document_id]):
            return Standing(document_id, exists=False)
        return self._engine.explain(document_id, self._narrowed(planning.request(query, **options)))

    def suggest(self, text: str, filter: _Given = None, limit: int = 10) -> Suggestions:
        """As the engine's, of words of the holder's documents."""
        return self._engine.suggest(text, self._with(filter), limit)

    def count(self, filter: _Given = None) -> int:
        """As the engine's, of the holder's documents."""
        return self._engine.count(self._with(filter))

    def get(self, document_id: str) -> dict[str, Json]:
        """As the engine's; DocumentNotFound for what is not the holder's."""
        found = self.get_many([document_id])
        if not found:
            raise DocumentNotFound(f"there is no document {document_id!r} in collection {self.collection.name!r}")
        return next(iter(found.values()))

    def get_many(self, ids: Iterable[str]) -> dict[str, dict[str, Json]]:
        """As the engine's, without what is not the holder's."""
        return {one: fields for one, fields in self._engine.get_many(ids).items() if self._lets(one, fields)}

    def export(self, filter: _Given = None) -> Iterator[dict[str, Json]]:
        """As the engine's, of the holder's documents."""
        return self._engine.export(self._with(filter))

    def put(
        self, documents: Iterable[Any], *, wait: bool = True, strict: bool = False, on_outcome: _Told = None
    ) -> WriteReport:
        """As the engine's. A document that is not, or takes the place of one that is not, the holder's is rejected."""
        refused: list[DocumentOutcome] = []

        def tell(one: DocumentOutcome) -> None:
            refused.append(one)
            if on_outcome is not None:
                on_outcome(one)

        report = WriteReport()
        for part in windows(rows(documents), PART):
            with self._turn.alone():
                allowed = list(self._allowed(part, tell))
                written = self._engine.put(allowed, wait=wait, strict=strict, on_outcome=on_outcome)
            report = _both(report, written)
        return _both(report, fold(refused, time.perf_counter()))

    def update(
        self, document_id: str, changes: Mapping[str, Any], *, expected: Mapping[str, Any] | None = None, **how: Any
    ) -> DocumentOutcome:
        """As the engine's; what is not the holder's is not found, and stays the holder's. Raises DocumentError."""
        found = self.get_many([document_id])
        if not found:
            return DocumentOutcome(document_id, Outcome.NOT_FOUND)
        (fields,) = found.values()
        changed = normalise({"id": document_id, **fields, **changes})
        if not self._lets(document_id, changed.fields):
            raise DocumentError(f"document {document_id!r}: {NOT_YOURS}", document_id=document_id)
        if how.get("only_if") is None:  # it must still be the document that was looked at
            how["only_if"] = fields
        return self._engine.update(document_id, changes, expected=expected, **how)

    def delete(
        self,
        ids: Iterable[str] | None = None,
        *,
        filter: _Given = None,
        on_outcome: _Told = None,
        **how: Any,
    ) -> WriteReport:
        """As the engine's, of the holder's documents; others are not found."""
        if ids is None:
            return self._engine.delete(filter=self._with(filter) if filter else filter, on_outcome=on_outcome, **how)
        started, listed = time.perf_counter(), list(ids)
        mine = self.get_many(listed)
        others = [DocumentOutcome(one, Outcome.NOT_FOUND) for one in listed if one not in mine]
        for one in others:
            if on_outcome is not None:
                on_outcome(one)
        if not mine:
            return fold(others, started)
        report = self._engine.delete(list(mine), filter=filter, on_outcome=on_outcome, **how)
        missing = report.counts.get(Outcome.NOT_FOUND, 0) + len(others)
        return replace(report, counts={**report.counts, **({Outcome.NOT_FOUND: missing} if missing else {})})

    def ping(self) -> dict[str, str]:
        """As the engine's."""
        return self._engine.ping()

    @property
    def _tree(self) -> Filter:
        """The holder's filter. Raises SettingsError: it is not who asks that wrote it."""
        schema = self.collection.schema
        try:
            tree = filters.read(self._text, schema)
        except FilterError as error:
            raise SettingsError(f"the filter of a token cannot be used: {error}. Correct it in the settings") from error
        if tree is None:
            raise SettingsError("the filter of a token is only blanks. Leave it out, or say which documents it is for")
        return tree

    def _lets(self, document_id: str, fields: Mapping[str, Json]) -> bool:
        return matches(self._tree, facts(document_id, fields, self.collection.schema))

    def _with(self, given: _Given) -> Json:
        tree = both(filters.read(given, self.collection.schema), self._tree)
        return None if tree is None else filters.to_json(tree)

    def _read(self, request: Request) -> Request | HybridError:
        try:
            return self._narrowed(request)
        except HybridError as error:
            return error

    def _narrowed(self, request: Request) -> Request:
        """The request among the holder's documents. Raises QueryError, CursorError and DocumentNotFound."""
        if request.explain in (Explain.FULL, Explain.FULL.value):
            raise QueryError(
                "explain=full tells how many documents have a word, others' too; ask for explain=true", field="explain"
            )
        if request.like is not None:
            ids = [request.like] if isinstance(request.like, str) else list(request.like)
            missing = [one for one in ids if one not in self.get_many(ids)]
            if missing:
                raise DocumentNotFound(f"there is no document {missing[0]!r} to find others like it")
        cursor = None if request.cursor is None else self._unsealed(request.cursor)
        plain = Request(cursor=request.cursor, limit=request.limit, explain=request.explain)
        alone = request == replace(plain, highlight=request.highlight)
        narrowed = replace(request, cursor=cursor)
        return narrowed if cursor is not None and alone else replace(narrowed, filter=self._with(request.filter))

    def _sealed(self, result: SearchResult) -> SearchResult:
        cursor = result.next_cursor
        return result if cursor is None else replace(result, next_cursor=f"{cursor}.{self._mark(cursor)}")

    def _unsealed(self, cursor: str) -> str:
        given, _, mark = cursor.rpartition(".") if isinstance(cursor, str) else ("", "", "")
        if not hmac.compare_digest(mark.encode(), self._mark(given).encode()):
            raise CursorError("the cursor was not given to this token; give the next_cursor of one of its own answers")
        return given

    def _mark(self, cursor: str) -> str:
        return hmac.new(self._seal, cursor.encode(), "sha256").hexdigest()[:24]

    def _allowed(self, part: Sequence[Any], refuse: Callable[[DocumentOutcome], None]) -> Iterator[Any]:
        read = [_document(one) for one in part]
        held = self._engine.get_many(one.id for one in read if one is not None)
        for given, one in zip(part, read, strict=True):
            if one is None:
                yield given  # no document: the engine says why
            elif self._lets(one.id, one.fields) and (one.id not in held or self._lets(one.id, held[one.id])):
                yield given
            else:
                refuse(DocumentOutcome(one.id, Outcome.REJECTED, NOT_YOURS))


def _both(one: WriteReport, other: WriteReport) -> WriteReport:
    """What became of the documents of two writes, the one after the other."""
    return WriteReport(
        dict(Counter(one.counts) + Counter(other.counts)),
        (*one.problems, *other.problems)[:MOST_PROBLEMS],
        tuple(dict.fromkeys((*one.notes, *other.notes))),
        one.took_s + other.took_s,
    )


def _document(given: Any) -> Document | None:
    try:
        return normalise(given)
    except DocumentError:
        return None

"""Who says what is right? People, who rate what any method found, and clicks, corrected for where they were shown."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median_low

import orjson

from hybrid.engine import Engine
from hybrid.errors import InputError
from hybrid.evaluation import tables
from hybrid.evaluation.datasets import Dataset, Judgements, many
from hybrid.evaluation.retrieval import kept
from hybrid.fusion import Fusion, methods
from hybrid.model import Json
from hybrid.plan import RETRIEVERS

FEWEST_SHOWN = 10
"""Times that a document must have been shown for a query before its clicks say something."""

_SNIPPET = 300
_PAGE = Path(__file__).with_name("rating.html")
_AT_ONCE = 1000
"""Documents that are fetched at once."""


@dataclass(frozen=True, slots=True)
class Read:
    """Judgements that were read, and notes on what does not count."""

    judgements: Judgements
    notes: tuple[str, ...] = ()


def asked(path: Path) -> list[str]:
    """The queries of a text file, one a line, none twice. Raises InputError."""
    with tables.opened(path) as file:
        try:
            lines = [line.strip() for line in file.read().decode("utf-8-sig").splitlines()]
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8 ({error.reason}). Save it as UTF-8 and try again") from error
    queries = list(dict.fromkeys(filter(None, lines)))
    if not queries:
        raise InputError(f"{path} has no queries. Write one a line")
    return queries


def pooled(engine: Engine, queries: Iterable[str], depth: int, rated: Judgements) -> list[tuple[str, str]]:
    """Query and document id of everything that any retriever or fusion has among its first `depth`.

    What is rated already is left out. The order within a query says nothing of who found it, or how high up.
    """
    texts = {text: text for text in queries}
    found = kept(engine, Dataset("queries", texts, {}), max(depth, engine.settings.window), lambda _: None)
    rankings = [found.alone(name) for name in RETRIEVERS] + [found.fused(Fusion(name)) for name in methods()]
    pairs = []
    for query in texts:
        ids = {one for ranking in rankings for one in ranking[query][:depth]} - rated.get(query, {}).keys()
        pairs += [(query, one) for one in sorted(ids, key=_shuffled)]
    return pairs


def write_pool(engine: Engine, pairs: Iterable[tuple[str, str]], path: Path) -> int:
    """The number of rows written to a CSV to be rated: query, id, an empty grade, and what the document says."""
    rows = ((query, one, "", text) for query, one, text in shown(engine, pairs))
    return _write(path, ("query", "id", "grade", "text"), rows)


def rating_page(engine: Engine, pairs: Iterable[tuple[str, str]]) -> str:
    """An HTML page on which the pairs are rated by keys; it needs nothing but itself, and saves a CSV.

    Raises InputError where there is nothing to rate.
    """
    rows = list(shown(engine, pairs))
    if not rows:
        raise InputError("there is nothing to rate: everything that was found is rated already, or nothing was found")
    body = orjson.dumps(rows).decode().replace("<", "\\u003c")  # so that no text ends the script it stands in
    digest = hashlib.sha256(body.encode()).hexdigest()[:16]
    before, after = _PAGE.read_text("utf-8").split("PAIRS")
    return f"{before}{body}{after.replace('DIGEST', digest)}"


def shown(engine: Engine, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """The pairs with the beginning of what each document says: its text fields, the first ones first."""
    names = [name for name, _ in engine.collection.schema.searched]
    rest = iter(pairs)
    while part := list(islice(rest, _AT_ONCE)):
        documents = engine.get_many({one for _, one in part})
        yield from ((query, one, _snippet(documents.get(one, {}), names)) for query, one in part)


def ratings(paths: Sequence[Path]) -> Read:
    """The judgements of rated pools; where several people rated a pair, the middle one (the lower of two) counts.

    Rows without a grade are counted, not taken. Raises InputError naming file and line.
    """
    given: dict[tuple[str, str], list[int]] = defaultdict(list)
    rows = [row for path in paths for row in tables.judgements(path)]
    for row in rows:
        if row.grade is not None:
            given[row.query, row.document].append(row.grade)
    if not given:
        raise InputError(f"{', '.join(map(str, paths))}: no row has a grade. Fill in the column grade: 0 is wrong")
    notes = []
    if blank := sum(row.grade is None for row in rows):
        notes.append(f"{many(blank, 'row')} without a grade not taken")
    if several := [grades for grades in given.values() if len(grades) > 1]:
        differ = sum(len(set(grades)) > 1 for grades in several)
        again = f"{many(len(several), 'pair')} rated more than once, {differ} of them differently; the middle counts"
        notes.append(again)
    return Read(_by_query((pair, median_low(grades)) for pair, grades in given.items()), tuple(notes))


def clicks(path: Path) -> Read:
    """Judgements from a table of what was shown: query, id, rank (from 1), clicked (0 or 1); one row a showing.

    A document's clicks are compared with those that its ranks get on average (clicks over expected clicks: Zhang,
    Jones: "Comparing Click Logs and Editorial Labels for Training Query Rewriting", 2007), so that standing at the
    top is no merit. Twice the expected or more: grade 3; as many: 2; fewer: 1; none: 0. Pairs shown fewer than ten
    times are counted, not taken. Raises InputError naming file and line.
    """
    rows = list(tables.showings(path))
    at_rank = Counter(row.rank for row in rows)
    clicked_at = Counter(row.rank for row in rows if row.clicked)
    shown = Counter((row.query, row.document) for row in rows)
    clicked = Counter((row.query, row.document) for row in rows if row.clicked)
    expected: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        expected[row.query, row.document] += clicked_at[row.rank] / at_rank[row.rank]
    often = [pair for pair, count in shown.items() if count >= FEWEST_SHOWN]
    if not often:
        raise InputError(f"{path}: no document was shown {FEWEST_SHOWN} times for a query, so clicks say nothing yet")
    rare = len(shown) - len(often)
    notes = (f"{many(rare, 'pair')} shown fewer than {FEWEST_SHOWN} times not taken",) if rare else ()
    return Read(_by_query((pair, _grade(clicked[pair], expected[pair])) for pair in often), notes)


def write(judgements: Judgements, path: Path) -> int:
    """The number of judgements written to a CSV that `hybrid eval` takes."""
    rows = ((query, one, str(grade)) for query, of in judgements.items() for one, grade in of.items())
    return _write(path, ("query", "id", "grade"), rows)


def _by_query(grades: Iterable[tuple[tuple[str, str], int]]) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = defaultdict(dict)
    for (query, document), grade in grades:
        judged[query][document] = grade
    return dict(judged)


def _grade(clicked: int, expected: float) -> int:
    if clicked == 0:
        return 0
    ratio = clicked / expected  # expected is above 0: this very click is in the rate of its rank
    return 3 if ratio >= 2 else 2 if ratio >= 1 else 1


def _shuffled(document_id: str) -> str:
    return hashlib.sha256(document_id.encode()).hexdigest()


def _snippet(fields: Mapping[str, Json], names: Sequence[str]) -> str:
    texts = (fields.get(name) for name in names)
    said = " | ".join(" ".join(text.split()) for text in texts if isinstance(text, str) and text.strip())
    return said if len(said) <= _SNIPPET else f"{said[:_SNIPPET]}…"


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    count = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            for row in rows:
                writer.writerow(map(tables.guarded, row))
                count += 1
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}. Name another file") from error
    return count

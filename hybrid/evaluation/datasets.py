"""What is judged? Queries and the grades of their documents, from a BEIR folder or a table of one's own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import orjson

from hybrid.errors import InputError
from hybrid.evaluation import tables

Judgements: TypeAlias = Mapping[str, Mapping[str, int]]
"""By query id, by document id: the grade. 1 and more is relevant, the more the better."""

_MOST_NAMED = 3
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Dataset:
    """Judged queries, each with at least one relevant document. queries: text by id.

    corpus: the file of the documents; None where they are those of a collection that is there already.
    notes: what does not count, or is odd, a sentence each with its number. Raises InputError for a grade below
    -1,000 or above 1,000.
    """

    name: str
    queries: Mapping[str, str]
    judgements: Judgements
    corpus: Path | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for query, grades in self.judgements.items():
            for document, grade in grades.items():
                if abs(grade) > tables.MAX_GRADE:
                    raise InputError(
                        f"data set {self.name}, query {query!r}, document {document!r}: the grade is {grade}; grades "
                        f"go from -{tables.MAX_GRADE} to {tables.MAX_GRADE}, 0 for wrong"
                    )


def read(path: Path, split: str = "test") -> Dataset:
    """The data set in a BEIR folder, or the one that a CSV or TSV of query, id and grade makes.

    A folder holds corpus.jsonl, queries.jsonl and qrels/`split`.tsv (or qrels.tsv), each plain or .gz. In a table
    the query is its text. Raises InputError where a file is missing or a row cannot be understood; what is merely
    odd is left out, counted and told in `notes`.
    """
    if not isinstance(path, Path):
        raise InputError(
            f"a data set is a BEIR folder, a file or a Dataset, not a {type(path).__name__}. Of a table make a file "
            "first: table[['query', 'id', 'grade']].to_csv('judged.csv', index=False)"
        )
    if path.is_dir():
        return _beir(path, split)
    if not path.is_file():
        raise InputError(f"there is no data set {path}. Give a BEIR folder, or a CSV with the columns query, id, grade")
    judgements, notes = _graded(path)
    return _answerable(Dataset(_stem(path), {text: text for text in judgements}, judgements, None, notes))


def known(dataset: Dataset, existing: Callable[[Collection[str]], Collection[str]]) -> Dataset:
    """The data set without judgements of documents that do not exist, which its notes count.

    existing: those of some ids that exist; called once, with all that are judged.
    """
    judged = {one for grades in dataset.judgements.values() for one in grades}
    strangers = judged - set(existing(judged))
    if not strangers:
        return dataset
    kept = {
        query: {one: grade for one, grade in grades.items() if one not in strangers}
        for query, grades in dataset.judgements.items()
    }
    lost = sum(map(len, dataset.judgements.values())) - sum(map(len, kept.values()))
    note = f"{many(lost, 'judgement')} not counted: no such document ({_named(strangers)})"
    return _answerable(replace(dataset, judgements=kept, notes=(*dataset.notes, note)))


def fingerprint(file: Path, salt: str) -> str:
    """Eight hex digits that change with the content of a file, and with the salt."""
    digest = hashlib.sha256(salt.encode())
    with tables.opened(file) as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()[:8]


def _beir(folder: Path, split: str) -> Dataset:
    listed = list(_queries(_file(folder, "queries.jsonl")))
    queries = dict(listed)
    judgements, notes = _graded(_file(folder, f"qrels/{split}.tsv", "qrels.tsv"))
    unjudged = len(queries.keys() - judgements.keys())
    strangers = judgements.keys() - queries.keys()
    if again := len(listed) - len(queries):
        notes += (f"{many(again, 'query')} with an id that came before; the last one of an id counts",)
    if unjudged:
        notes += (f"{many(unjudged, 'query')} without judgements not asked",)
    if strangers:
        lost = sum(len(judgements.pop(query)) for query in strangers)
        notes += (f"{many(lost, 'judgement')} not counted: no such query ({_named(strangers)})",)
    asked = {query: queries[query] for query in judgements}
    return _answerable(Dataset(folder.resolve().name, asked, judgements, _corpus(folder), notes))


def _graded(path: Path) -> tuple[dict[str, dict[str, int]], tuple[str, ...]]:
    """The judgements of a table, and notes on them. A pair that is judged twice counts as it was judged last."""
    found: dict[str, dict[str, int]] = {}
    again = blank = 0
    for row in tables.judgements(path):
        if row.grade is None:
            blank += 1
            continue
        grades = found.setdefault(row.query, {})
        again += row.document in grades
        grades[row.document] = row.grade
    if not found:
        raise InputError(f"{path} has no judgements. It needs the columns query, id, grade")
    notes = [f"{many(blank, 'row')} without a grade not counted"] if blank else []
    if again:
        notes.append(f"{many(again, 'judgement')} came twice for the same query and document; the last one counts")
    return found, tuple(notes)


def _answerable(dataset: Dataset) -> Dataset:
    """The data set without queries that nothing answers: no ranking of theirs is better than another."""
    good = {query: of for query, of in dataset.judgements.items() if any(grade > 0 for grade in of.values())}
    if not good:
        raise InputError(
            f"data set {dataset.name}: no query has a relevant document that exists. A grade of 1 or more is "
            "relevant; check that the ids are those of the documents"
        )
    notes = dataset.notes
    if hopeless := len(dataset.judgements) - len(good):
        notes += (f"{many(hopeless, 'query')} without a relevant document not counted",)
    grades = {grade for of in good.values() for grade in of.values()}
    odd = f"all judgements have the grade {max(grades)}, so documents that nobody judged count as not relevant"
    if len(grades) == 1 and odd not in notes:
        notes += (odd,)
    queries = {query: dataset.queries[query] for query in good}
    return replace(dataset, queries=queries, judgements=good, notes=notes)


def _corpus(folder: Path) -> Path:
    """corpus.jsonl, or the one other file of JSON lines beside the queries."""
    found = [path for pattern in ("*.jsonl", "*.jsonl.gz") for path in folder.glob(pattern) if _stem(path) != "queries"]
    if len(found) == 1 and found[0].is_file():
        return found[0]
    return _file(folder, "corpus.jsonl")


def _file(folder: Path, *names: str) -> Path:
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise InputError(
        f"{folder} has no {names[0]} (nor {names[0]}.gz), so it is no BEIR data set. It needs corpus.jsonl, "
        "queries.jsonl and qrels/test.tsv"
    )


def _queries(path: Path) -> Iterator[tuple[str, str]]:
    with tables.opened(path) as file:
        for line, raw in enumerate(file, 1):
            if raw.strip():
                yield _query(f"{path}, line {line}", raw)


def _query(where: str, raw: bytes) -> tuple[str, str]:
    try:
        row = orjson.loads(raw)
        query, text = str(row["_id"] if "_id" in row else row["id"]), row["text"].strip()
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise InputError(f'{where}: this is no query. Write {{"_id": "1", "text": "…"}}') from error
    if not text:
        raise InputError(f"{where}: the query {query!r} has no text")
    return query, text


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def many(count: int, what: str) -> str:
    """A number of things in words: 1 row, 2 rows, 2 queries."""
    return f"{count} {what if count == 1 else {'query': 'queries'}.get(what, what + 's')}"


def _named(ids: Iterable[str]) -> str:
    listed = sorted(ids)
    more = f" and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
    return ", ".join(listed[:_MOST_NAMED]) + more

"""What clients rely on: no key of an answer goes, or becomes of another type. Keys may be added.

The files in golden/ have the shape of an answer of each operation. Written anew with: python -m tests.web.test_golden
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from pydantic import ValidationError

import hybrid
from hybrid.web import answers, create_app, operations
from tests.embedders import HashedWords

FOLDER = Path(__file__).parent / "golden"
SHOP = Path(__file__).parents[2] / "fixtures" / "shop.jsonl"
MANY = "/api/v1/documents"
NDJSON = "application/x-ndjson"
LINES = b'{"id": "l1", "title": "New", "price": 1}\n{"id": 2, "title": 3, "price": "cheap"}\n{"_delete": "l1"}\n'

ASKED: dict[str, dict[str, Any]] = {
    "searchByUrl": {
        "method": "GET",
        "path": "/api/v1/search",
        "query_string": "q=quiet laptop&facets=brand&highlight=true&explain=true&limit=3&collapse=brand&pinned=k-001",
    },
    "search": {
        "method": "POST",
        "path": "/api/v1/search",
        "json": {"query": "조용한 노트북", "boosts": [{"field": "rating"}], "fusion": "rrf", "explain": "full"},
    },
    "browse": {"method": "GET", "path": "/api/v1/search", "query_string": "sort=-price&limit=2&offset=1"},
    "searchMany": {
        "method": "POST",
        "path": "/api/v1/search/many",
        "json": {"searches": [{"query": "bag"}, {"limit": -1}]},
    },
    "searchPage": {"method": "GET", "path": "/search.json", "query_string": "q=laptop"},
    "explainByUrl": {"method": "GET", "path": "/api/v1/explain", "query_string": "id=e-001&q=quiet laptop&limit=1"},
    "explain": {"method": "POST", "path": "/api/v1/explain", "json": {"id": "e-001", "query": "bag", "fusion": "rrf"}},
    "suggest": {"method": "GET", "path": "/api/v1/suggest", "query_string": "q=quiet lap"},
    "exportDocuments": {"method": "GET", "path": MANY, "query_string": "id=e-001"},
    "writeDocuments": {"method": "POST", "path": MANY, "data": LINES, "content_type": NDJSON},
    "deleteDocuments": {"method": "DELETE", "path": MANY, "query_string": "filter=price < 0"},
    "countDocuments": {"method": "GET", "path": "/api/v1/count"},
    "getDocument": {"method": "GET", "path": f"{MANY}/e-001"},
    "putDocument": {"method": "PUT", "path": f"{MANY}/new", "json": {"title": "New", "colour": "green"}},
    "patchDocument": {"method": "PATCH", "path": f"{MANY}/new", "json": {"title": "Newer"}},
    "deleteDocument": {"method": "DELETE", "path": f"{MANY}/new"},
    "comparePage": {"method": "GET", "path": "/compare.json", "query_string": "q=laptop&a=standard&b=text"},
    "listCollections": {"method": "GET", "path": "/api/v1/collections"},
    "readStatus": {"method": "GET", "path": "/api/v1/status"},
    "readMetrics": {"method": "GET", "path": "/metrics"},
    "isAlive": {"method": "GET", "path": "/healthz"},
    "isReady": {"method": "GET", "path": "/readyz"},
    "problem": {"method": "POST", "path": "/api/v1/search", "json": {"limit": "ten"}},
    "filterProblem": {"method": "GET", "path": "/api/v1/count", "query_string": "filter=prize < 3"},
}
"""By name of a file, a request; they are made in this order. Those with an operation's id are of that operation."""


def answered(client: FlaskClient) -> dict[str, Any]:
    """By name of a file, the answer; of lines, a list of them."""
    found = {}
    for name, asked in ASKED.items():
        response = client.open(**asked)
        lines = response.mimetype == NDJSON
        found[name] = [orjson.loads(line) for line in response.data.splitlines()] if lines else response.get_json()
    found["describe"] = _operations(client.get("/openapi.json").get_json())
    return found


def _operations(description: dict[str, Any]) -> dict[str, Any]:
    """By path and method, the id, arguments and types of content of each operation."""
    return {
        path: {
            method: {
                "id": one["operationId"],
                "arguments": {said["name"]: said["schema"].get("type", "any") for said in one["parameters"]},
                "takes": dict.fromkeys(one.get("requestBody", {}).get("content", ()), ""),
                "answers": dict.fromkeys((status for status in one["responses"] if status < "300"), ""),
            }
            for method, one in methods.items()
        }
        for path, methods in description["paths"].items()
    }


def shape(value: Any) -> Any:
    """The names of types in place of values; a list has one item, the shape of all of its items together."""
    if isinstance(value, dict):
        return {key: shape(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        together: Any = None
        for item in value:
            together = shape(item) if together is None else _both(together, shape(item))
        return [] if together is None else [together]
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
    return kinds[type(value)]


def _both(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        shared = {key: _both(one[key], other[key]) for key in one.keys() & other.keys()}
        return dict(sorted((one | other | shared).items()))
    if isinstance(one, list) and isinstance(other, list):
        return (one and other and [_both(one[0], other[0])]) or one or other
    return one if one == other else " or ".join(sorted({str(one), str(other)}))


def lost(golden: Any, now: Any, at: str = "") -> Iterator[str]:
    """What is in the golden shape and is gone, or of another type."""
    if isinstance(golden, dict) and isinstance(now, dict):
        for key, of in golden.items():
            yield from lost(of, now[key], f"{at}/{key}") if key in now else [f"{at}/{key} is gone"]
    elif isinstance(golden, list) and isinstance(now, list):
        yield from lost(golden[0], now[0], f"{at}/*") if golden and now else [f"{at}/* is gone"] if golden else []
    elif golden != now:
        yield f"{at} was {golden} and is {now}"


@pytest.fixture(scope="module")
def now() -> Iterator[dict[str, Any]]:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put(orjson.loads(line) for line in SHOP.read_bytes().splitlines())
        yield answered(create_app(engine).test_client())


@pytest.mark.parametrize("name", [*ASKED, "describe"])
def test_no_key_is_gone_or_of_another_type(now: dict[str, Any], name: str) -> None:
    golden = orjson.loads((FOLDER / f"{name}.json").read_bytes())
    said = now[name] if name == "describe" else shape(now[name])
    assert list(lost(golden, said)) == []


def test_every_operation_has_a_golden_file() -> None:
    assert {one.id for one in operations.OPERATIONS} <= {path.stem for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("name", [one.id for one in operations.OPERATIONS if one.id in ASKED])
def test_every_key_is_described(now: dict[str, Any], name: str) -> None:
    """The models as they stand let further keys through, so that those may be added; here none may be."""
    (operation,) = (one for one in operations.OPERATIONS if one.id == name)
    kinds = operation.answers[200][1].kinds
    for body in now[name] if isinstance(now[name], list) else [now[name]]:
        assert not kinds or any(_fits(kind, body) for kind in kinds), body


def test_every_key_of_a_problem_is_described(now: dict[str, Any]) -> None:
    assert all(_fits(answers.ProblemAnswer, now[name]) for name in ("problem", "filterProblem"))
    assert not _fits(answers.ProblemAnswer, now["problem"] | {"more": 1})


def _fits(kind: Any, body: Any) -> bool:
    try:
        kind.model_validate(body, extra="forbid")
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        ({"a": 1, "b": [{"c": "x"}]}, {"a": 2.5, "b": [{"c": "y", "d": 1}], "e": 0}, []),
        ({"a": 1, "b": [{"c": "x"}]}, {"b": [{"d": "y"}]}, ["/a is gone", "/b/*/c is gone"]),
        ({"a": 1}, {"a": "1"}, ["/a was number and is string"]),
        ({"a": [1]}, {"a": {}}, ["/a was ['number'] and is {}"]),
        ({"a": [1]}, {"a": []}, ["/a/* is gone"]),
    ],
)
def test_what_is_gone_or_of_another_type_is_found(was: Any, is_now: Any, said: list[str]) -> None:
    assert list(lost(shape(was), shape(is_now))) == said


if __name__ == "__main__":
    with hybrid.open(":memory:", embedder=HashedWords()) as filled:
        filled.put(orjson.loads(line) for line in SHOP.read_bytes().splitlines())
        for file, body in answered(create_app(filled).test_client()).items():
            text = orjson.dumps(body if file == "describe" else shape(body), option=orjson.OPT_INDENT_2)
            (FOLDER / f"{file}.json").write_bytes(text + b"\n")

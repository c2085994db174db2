"""Does the API keep to its own description? Random requests made from it, valid and not: python -m tests.soak.api 10000

None may be answered with a status, a type of content or a body that the description does not have, nor with a 5xx.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis
import orjson
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import hybrid
from hybrid.web import create_app
from tests.embedders import HashedWords

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SHOP = Path(__file__).parents[2] / "fixtures" / "shop.jsonl"
DOCUMENTS = 40


def run(cases: int, seed: int = 0) -> Counter[str]:
    """The number of requests by operation and status, of at least so many in all. Raises where a check fails."""
    said: Counter[str] = Counter()
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        shop = [orjson.loads(line) for line in SHOP.read_bytes().splitlines()[:DOCUMENTS]]
        engine.put([*shop, {"id": "1", "title": "Quiet laptop", "price": 749.5}])
        app = create_app(engine)
        schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
        operations = [one.ok() for one in schema.get_all_operations()]
        while (missing := cases - said.total()) > 0:  # not every operation can be asked as often as the others
            each = -(-missing // (2 * len(operations)))
            for operation in operations:
                for mode in schemathesis.GenerationMode:
                    _ask(operation, mode, each, seed, said)
            seed += 1
    return said


def _ask(operation: Any, mode: Any, times: int, seed: int, said: Counter[str]) -> None:
    """Asks one operation so many times. What is not possible for it, such as an invalid request without any
    arguments, is left out."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=times,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if mode is schemathesis.GenerationMode.POSITIVE and case.query:
            case.query.pop("collection", None)  # a random name is none, and nothing more would be asked
        response = case.call(headers={"Accept-Encoding": "identity"})  # schemathesis does not unpack
        case.validate_response(response, checks=CHECKS)
        said[f"{operation.method.upper()} {operation.path} {response.status_code}"] += 1

    with contextlib.suppress(Unsatisfiable):
        ask()


if __name__ == "__main__":
    began = time.monotonic()
    counted = run(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, int(time.time()))
    for what, count in sorted(counted.items()):
        print(f"{count:6} {what}")
    print(f"{counted.total()} requests in {time.monotonic() - began:.0f} s, all as described")

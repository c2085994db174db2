"""The shop of `fixtures/`, its judged queries, and engines that hold it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

FIXTURES = Path(__file__).parents[2] / "fixtures"


def documents() -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (FIXTURES / "shop.jsonl").read_bytes().splitlines()]


def queries() -> list[str]:
    return [orjson.loads(line)["text"] for line in (FIXTURES / "queries.jsonl").read_bytes().splitlines()]

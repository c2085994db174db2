"""Documents over HTTP on each deployment: cut off and sent again, or written on a condition."""

from __future__ import annotations

import random
from collections.abc import Iterator

import orjson
import pytest

from hybrid import Engine
from hybrid.web import bulk, create_app
from tests.contract.deployments import DEPLOYMENTS, deployed

URL = "/api/v1/documents"
NDJSON = "application/x-ndjson"


@pytest.fixture(params=DEPLOYMENTS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with deployed(request, tmp_path_factory) as engine:
        yield engine


def test_lines_that_were_cut_off_and_sent_again_are_all_there_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST_LINES", 50)
    client = create_app(engine).test_client()
    documents = [{"id": str(n), "title": f"book number {n}", "price": n} for n in range(300)]
    whole = b"".join(orjson.dumps(one) + b"\n" for one in documents)
    random_ = random.Random(7)
    told: set[str] = set()
    for _ in range(3):
        response = client.post(URL, data=whole[: random_.randrange(len(whole))], content_type=NDJSON)
        said = [orjson.loads(line) for line in next(response.iter_encoded()).splitlines()]
        told |= {line["id"] for line in said if line.get("status") in ("created", "unchanged")}
        response.close()  # nobody read the rest
    assert told <= {one["id"] for one in engine.export()}
    *again, summary = map(orjson.loads, client.post(URL, data=whole, content_type=NDJSON).data.splitlines())
    assert {line["status"] for line in again if line["id"] in told} == {"unchanged"}
    assert ([line["id"] for line in again], summary["complete"]) == ([one["id"] for one in documents], True)
    assert sorted(engine.export(), key=lambda one: int(one["id"])) == documents
    assert engine.verify().agree


def test_a_write_on_a_condition_is_done_once(engine: Engine) -> None:
    client = create_app(engine).test_client()
    engine.put([{"id": "1", "title": "A book", "price": 3}])
    tag = client.get(f"{URL}/1").headers["ETag"]
    statuses = [client.put(f"{URL}/1", json={"title": f"By {n}"}, headers={"If-Match": tag}).status_code for n in "ab"]
    assert statuses == [200, 412]
    assert engine.get("1") == {"title": "By a"}
    tag = client.get(f"{URL}/1").headers["ETag"]
    assert client.delete(f"{URL}/1", headers={"If-Match": tag}).status_code == 200
    assert client.delete(f"{URL}/1", headers={"If-Match": tag}).status_code == 412

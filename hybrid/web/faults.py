"""What exactly is wrong with a request? Each fault by itself, and where it stands: in the URL, or in the body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import has_request_context, request
from pydantic import BaseModel, ValidationError

from hybrid.errors import DocumentConflict, DocumentError, FilterError, HybridError, QueryError
from hybrid.model import Json

MOST_FAULTS = 100
"""Faults of one request that are told."""

WEIGHT = "weight."
"""What a weight's argument in a URL begins with; the retriever's name follows."""

_IN_HTTP = {"deadline_s": "deadline_ms", "deadlines": "deadlines_ms", "ids": "id"}
_IN_URL = {"query": "q"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. at: where in the body, as keys and numbers from its root."""

    detail: str
    at: tuple[str | int, ...]


class FaultyRequest(QueryError):
    """A request cannot be run, for one reason or for several; `faults` has each of them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        named = next((str(fault.at[0]) for fault in faults if fault.at), None)
        super().__init__("; ".join(fault.detail for fault in faults[:5]), field=named)
        self.faults = tuple(faults[:MOST_FAULTS])


class FaultyDocument(DocumentError):
    """A document cannot be taken, for several reasons; `faults` has each of them."""

    def __init__(self, document_id: str, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.detail for fault in faults[:5]), document_id=document_id)
        self.field = str(faults[0].at[0])
        self.faults = tuple(faults[:MOST_FAULTS])


def faults_of(error: HybridError) -> Sequence[Fault]:
    """What the error says is wrong with the request; nothing where it names no place."""
    if isinstance(error, FaultyRequest | FaultyDocument):
        return error.faults
    if isinstance(error, FilterError):
        inside = () if error.pointer is None else tuple(map(_step, error.pointer.split("/")[1:]))
        return [Fault(str(error), (*error.within, *inside))]
    if isinstance(error, DocumentError | DocumentConflict | QueryError) and error.field is not None:
        place = "expected" if isinstance(error, DocumentConflict) else in_http(error.field)
        return [Fault(str(error), (place,))]
    return []


def in_http(name: str) -> str:
    """What an option of the engine is called over HTTP; what stands in the URL itself is not the engine's."""
    return name if has_request_context() and name in request.args else _IN_HTTP.get(name, name)


def faulty(error: ValidationError, given: Json, model: type[BaseModel]) -> FaultyRequest:
    """All that is wrong with a body, each fault at its place in it. Nothing of the body is repeated."""
    faults: dict[tuple[str | int, ...], list[str]] = {}
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        at = _followed(one["loc"], given)
        name, message = ".".join(map(str, at)), one["msg"]
        said = f"{name}: {message[:1].lower()}{message[1:]}" if name else message
        if one["type"] == "extra_forbidden":
            said = f"there is no field {name!r}; there is: {', '.join(model.model_fields)}"
        faults.setdefault(at, []).append(said)
    return FaultyRequest([Fault(", or ".join(dict.fromkeys(said)), at) for at, said in faults.items()])


def _followed(loc: tuple[str | int, ...], given: Json) -> tuple[str | int, ...]:
    """The steps that lead to a place in the body, without pydantic's names of the kinds that a value may be of."""
    steps: list[str | int] = []
    for step in loc:
        inside = dict(enumerate(given)) if isinstance(given, list) else given
        if isinstance(inside, dict) and (step in inside or not steps):  # a key that is missing is told too
            steps.append(step)
            given = inside.get(step)
    return tuple(steps)


def placed(at: tuple[str | int, ...]) -> dict[str, Json]:
    """Where a fault stands: the argument of the URL that has it, else its JSON pointer in the body (RFC 6901)."""
    if has_request_context() and at:
        name = _argument(at)
        if request.method in ("GET", "HEAD", "DELETE") or name in request.args:
            return {"parameter": name}
    return {"pointer": "".join(f"/{_escaped(step)}" for step in at)}


def _argument(at: tuple[str | int, ...]) -> str:
    """What the place is called in a URL."""
    if at[0] == "weights" and len(at) > 1:
        return f"{WEIGHT}{at[1]}"
    return _IN_URL.get(str(at[0]), str(at[0]))


def _escaped(step: str | int) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")


def _step(written: str) -> str | int:
    return int(written) if written.isdecimal() else written

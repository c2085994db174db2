"""How do the pages change something? By forms that are posted from these pages, and from no other site's."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

blueprint = Blueprint("actions", __name__)
"""Every POST of a page lies here, so that one rule holds for all of them."""


@blueprint.before_request
def same_origin() -> None:
    """Returns for what was sent from these pages, or by no browser. Raises BadRequest for another site's form."""
    fetched = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if fetched not in (None, "same-origin", "none"):
        raise BadRequest("this was sent by another site's page; send it from the page of this server")
    if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
        raise BadRequest("this was sent by another site's page; send it from the page of this server")


def own_referrer(response: Response) -> Response:
    """The answer of a page with forms; with no-referrer a browser would say that its own forms come from nowhere."""
    response.headers["Referrer-Policy"] = "same-origin"
    return response

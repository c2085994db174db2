"""How do the pages change something? By forms, which are posted; every such address lies here.

So one rule holds for all of them: `hybrid.web.access` refuses what a page of another origin sends, and wants a token
that may write where there are tokens.
"""

from __future__ import annotations

from flask import Blueprint, Response

blueprint = Blueprint("actions", __name__)


def own_referrer(response: Response) -> Response:
    """The answer of a page with forms; with no-referrer a browser would say that its own forms come from nowhere."""
    response.headers["Referrer-Policy"] = "same-origin"
    return response


blueprint.after_request(own_referrer)

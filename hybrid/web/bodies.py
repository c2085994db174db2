"""How large a body does the server let in? Of lines of documents, which are read as a stream, more than of others.

Waitress keeps a body in a file until all of it is there. Of others it takes four times what the application does, as a
client that is cut off while it sends does not hear why. Where tokens are needed, who shows none that is known gets no
room for more than a little: the application, which looks at tokens, hears of a request when its body is there.
"""

from __future__ import annotations

import copy
from typing import Any

from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.parser import HTTPRequestParser  # type: ignore[import-untyped]
from waitress.utilities import Error  # type: ignore[import-untyped]
from werkzeug.datastructures import Authorization

from hybrid.tokens import holder
from hybrid.web.access import WAYS, shown
from hybrid.web.documents import LINED

MOST_LINES_BYTES = 1024**3
"""Bytes of the largest body of lines."""


A_LITTLE = 64 * 1024
"""Bytes of the largest body of who shows no token that is known, where tokens are needed."""


class Stranger(Error):  # type: ignore[misc]
    """What who shows no known token is answered with, in place of reading a large body."""

    code = 401
    reason = "Unauthorized"

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """The status, the headers and the body."""
        status, headers, body = super().to_response(ident)
        return status, [*headers, *(("WWW-Authenticate", way.to_header()) for way in WAYS)], body


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads a request."""

    adj: Any
    error: Any
    _known: bool | None = None

    def received(self, data: bytes) -> int:
        """Reads on, but no large body of a stranger."""
        read: int = super().received(data)
        if max(self.content_length, self.body_bytes_received) > A_LITTLE and not self._is_known():
            self.error, self.completed = Stranger("a large body needs a token that is known here"), True
        return read

    def _is_known(self) -> bool:
        """Whether the request shows a known token, or needs none."""
        if self._known is None:
            holders = self.adj.holders
            said = shown(Authorization.from_header(self.headers.get("AUTHORIZATION"))) if holders else ""
            self._known = not holders or bool(said and holder(said, holders))
        return self._known

    def parse_header(self, header_plus: bytes) -> None:
        """Reads the head of a request, and decides how long its body may be."""
        super().parse_header(header_plus)
        kind = self.headers.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        lines = self.path.endswith("/api/v1/documents") and kind in LINED
        upload = self.path.endswith("/collections/upload") and kind == "multipart/form-data"
        if self.command == "POST" and (lines or upload):
            larger = copy.copy(self.adj)  # the others' own is not touched
            larger.max_request_body_size = MOST_LINES_BYTES
            self.adj = larger


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection whose requests are read so."""

    parser_class = Parser

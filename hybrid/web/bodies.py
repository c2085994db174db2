"""How large a body does the server let in? Of lines of documents, which are read as a stream, more than of others.

Waitress keeps a body in a file until all of it is there. Of others it takes four times what the application does, as a
client that is cut off while it sends does not hear why.
"""

from __future__ import annotations

import copy
from typing import Any

from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.parser import HTTPRequestParser  # type: ignore[import-untyped]

from hybrid.web.documents import LINED

MOST_LINES_BYTES = 1024**3
"""Bytes of the largest body of lines."""


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads a request."""

    adj: Any

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

"""Who may ask? Holders of tokens: each has a role and, where it is wanted, a filter that no request can remove.

Only the SHA-256 of a token is kept. A token is 256 random bits, which nobody can guess from its hash however fast
hashes are made: the slow hashes that passwords need would only slow each request down.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "hyb_"
"""What a token begins with, so that one that got into a text is recognised."""


class Role(StrEnum):
    """What a token is for; each may do what those before it may."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def may(self, wanted: Role) -> bool:
        """Whether this role is enough where that one is wanted."""
        order = list(Role)
        return order.index(self) >= order.index(wanted)


@dataclass(frozen=True, slots=True)
class Token:
    """One holder. name: for logs. digest: SHA-256 of the token, in hex. filter: an expression; empty for all."""

    name: str
    role: Role
    digest: str
    filter: str = ""


def made() -> tuple[str, str]:
    """A new token, to be shown once, and its digest, to be kept."""
    token = PREFIX + secrets.token_urlsafe(32)
    return token, digest(token)


def digest(token: str) -> str:
    """The SHA-256 of a token, in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def holder(token: str, known: Iterable[Token]) -> Token | None:
    """Whose token it is; None for nobody's. Takes as long for any of the known ones, and for none."""
    given, found = digest(token), None
    for one in known:
        if hmac.compare_digest(one.digest, given):
            found = one
    return found

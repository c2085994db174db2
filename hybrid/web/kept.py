"""Where does a state go that is too long to be told? Under a short key, made from what it says: equal ones share it.

Each lies in a small file beside the collections; where everything is in memory, in this process.
"""

from __future__ import annotations

import re
from base64 import b32encode
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import orjson
from werkzeug.exceptions import NotFound, RequestEntityTooLarge

from hybrid.errors import InputError

Arguments = tuple[tuple[str, str], ...]

MOST, MOST_BYTES = 10_000, 8192
"""States that are kept, and bytes of each."""

_KEY = re.compile(r"[a-z2-7]{10}")


class Kept:
    """States by key. folder: None keeps them in memory. Thread- and process-safe: a key never has another state."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._here: dict[str, bytes] = {}

    def keep(self, state: Arguments, owner: str = "") -> str:
        """The key of the state, which is kept from now on. Raises RequestEntityTooLarge and InputError.

        owner: whose secret is part of the key, and must be given with it; empty for what all may see.
        """
        body = orjson.dumps(state)
        if len(body) > MOST_BYTES:
            raise RequestEntityTooLarge(f"it has {len(body)} bytes; {MOST_BYTES} are the most that is kept")
        key = _key(body, owner)
        if self._read(key) is None:
            self._write(key, body)
        return key

    def of(self, key: str, owner: str = "") -> Arguments:
        """The state of a key. Raises NotFound, for what is another's, too."""
        body = self._read(key) if _KEY.fullmatch(key) else None
        if body is None or _key(body, owner) != key:
            raise NotFound("nothing is kept under this key; it may have been made on another server")
        return tuple((name, value) for name, value in orjson.loads(body))

    def leads(self, key: str, state: Arguments, owner: str = "") -> bool:
        """Whether the key leads to this state."""
        body = orjson.dumps(state)
        return key == _key(body, owner) and self._read(key) == body

    def _read(self, key: str) -> bytes | None:
        if self._folder is None:
            return self._here.get(key)
        path = self._folder / key
        return path.read_bytes() if path.exists() else None

    def _write(self, key: str, body: bytes) -> None:
        held = len(self._here) if self._folder is None else sum(1 for _ in self._folder.glob("*"))
        if held >= MOST:
            raise InputError(f"{MOST} states are kept already; give the long address, or have some removed")
        if self._folder is None:
            self._here[key] = body
            return
        fresh = self._folder / f".{key}.{token_hex(4)}"  # two who keep the same do not meet
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(body)
            fresh.replace(self._folder / key)
        except OSError as error:
            raise InputError(f"it cannot be kept: {error.strerror}. Give the long address") from error


def _key(body: bytes, owner: str) -> str:
    return b32encode(sha256(owner.encode() + body).digest()).decode().lower()[:10]

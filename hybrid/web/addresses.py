"""What is the address of a neighbouring page? This one's arguments with one of them put in, taken out or changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode

_OF_A_PAGE = frozenset({"cursor", "offset", "explain", "explain_id"})
"""Arguments that belong to one page of one answer: another question begins at the top."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a page: its path, and its arguments in their order."""

    path: str
    arguments: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.path}?{urlencode(self.arguments)}" if self.arguments else self.path

    def with_value(self, name: str, value: str) -> Address:
        """The same with one more value of an argument."""
        return Address(self.path, (*self._kept(), (name, value)))

    def without_value(self, name: str, value: str) -> Address:
        """The same less one value of an argument."""
        return Address(self.path, tuple(one for one in self._kept() if one != (name, value)))

    def without(self, names: Collection[str]) -> Address:
        """The same less these arguments."""
        return Address(self.path, tuple(one for one in self._kept() if one[0] not in names))

    def instead(self, name: str, value: str) -> Address:
        """The same with this one value of an argument, in its place; an empty one takes it out."""
        kept = self._kept()
        place = next((at for at, one in enumerate(kept) if one[0] == name), len(kept))
        others = [one for one in kept if one[0] != name]
        return Address(self.path, (*others[:place], *([(name, value)] if value else []), *others[place:]))

    def beside(self, name: str, value: str) -> Address:
        """This very page of this answer, with one value more or other."""
        return Address(self.path, (*(one for one in self.arguments if one[0] != name), (name, value)))

    def _kept(self) -> tuple[tuple[str, str], ...]:
        return tuple(one for one in self.arguments if one[0] not in _OF_A_PAGE and one[1])

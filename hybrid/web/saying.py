"""What says a page of the workbench in the language that is asked for? A phrase by its key, with values put in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from hybrid.web import strings_compare, strings_evaluate, strings_problems, strings_workbench
from hybrid.web.phrases import Phrase
from hybrid.web.strings import ENGLISH, Strings

PHRASES: Mapping[str, Phrase] = {
    **strings_workbench.PHRASES,
    **strings_compare.PHRASES,
    **strings_evaluate.PHRASES,
    **strings_problems.PHRASES,
}
"""All of them, by their keys."""


@dataclass(frozen=True, slots=True)
class Say:
    """The phrases in one language. An unknown key is a KeyError, so that no page lacks a word in silence."""

    strings: Strings

    def __call__(self, key: str, **values: Any) -> Markup:
        """A phrase for a page: what is put in is escaped, but for markup."""
        return Markup(escape(self.pattern(key, values.get("count")))).format(**_shown(values))

    def text(self, key: str, **values: Any) -> str:
        """A phrase as plain text."""
        return self.pattern(key, values.get("count")).format(**_shown(values))

    def pattern(self, key: str, count: object = None) -> str:
        """A phrase of so many, before anything is put in."""
        return PHRASES[key].said(self.strings.lang, count)

    def named(self, prefix: str, name: str) -> str:
        """What something is called that has a code; the code itself, with spaces, where it has no name."""
        known = f"{prefix}_{name}"
        return self.text(known) if known in PHRASES else name.replace("_", " ")


IN_ENGLISH = Say(ENGLISH)


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    count = values.get("count")
    return {**values, "count": f"{count:,}"} if isinstance(count, int) else dict(values)

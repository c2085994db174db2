"""What if a retriever does not answer?"""

from __future__ import annotations

from enum import StrEnum


class Policy(StrEnum):
    """PARTIAL: answer with what there is, and say so. FAIL: no answer unless all that were asked answered."""

    PARTIAL = "partial"
    FAIL = "fail"

"""What does a reason mean in plain words? Codes as people read them; never what a store itself said."""

from __future__ import annotations

REASONS = {
    "deadline": "did not answer in time",
    "store_timeout": "did not answer in time",
    "store_unavailable": "cannot be reached",
    "store_denied": "refused access",
    "store_full": "has no room or is overloaded",
    "store_reply": "gave an answer that makes no sense, or lacks the collection",
    "store": "failed",
    "embedding": "could not be asked, because the query could not be turned into a vector",
    "model_not_found": "could not be asked, because the embedding model is not available",
    "missing_extra": "could not be asked, because an optional part is not installed",
    "collection_mismatch": "holds a collection that does not fit the settings",
    "invalid_query": "could not take the query",
    "circuit_open": "has not answered for a while, and is asked again soon",
    "overloaded": "has too many searches waiting",
    "internal": "failed",
}
"""By code, the end of a sentence that starts with "The vector store"."""


def reason_code(reason: str) -> str:
    """The reason, where it is a known code; else "failed", as other text may name hosts."""
    return reason if reason in REASONS else "failed"


def store_sentence(name: str, reason: str) -> str:
    """What is wrong with a store, as a sentence. name: of the retriever or the store."""
    return f"The {name} store {REASONS.get(reason, 'failed')}."

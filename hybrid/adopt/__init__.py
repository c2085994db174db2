"""How does an index that is already there become searchable by both words and meaning? It is copied, never touched."""

from hybrid.adopt.run import adopt

__all__ = ["adopt"]

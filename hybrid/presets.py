"""Which fusion was found best? A preset: a small TOML file that a search, the page and the shell load by name.

[fusion]
method = "rrf"
k = 10.0
window = 100

[fusion.weights]
vector = 2.0

[tuned]              # how it came about, for people; not read
dataset = "scifact"
…
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from hybrid.errors import InputError
from hybrid.fusion import Fusion, checked
from hybrid.model import Json
from hybrid.plan import RETRIEVERS

FOLDER = "presets"
"""Under the data folder, where presets are looked for by name."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_KEYS = frozenset({"method", "k", "window", "weights", "normalizer"})


@dataclass(frozen=True, slots=True)
class Preset:
    """A fusion and its window (documents asked of each retriever). tuned: how it came about, by name."""

    fusion: Fusion
    window: int
    tuned: Mapping[str, Json] = field(default_factory=dict)

    def options(self) -> dict[str, Json]:
        """The options of a search: `engine.search(query, **preset.options())`."""
        return {
            "fusion": self.fusion.method,
            "k": self.fusion.k,
            "weights": dict(self.fusion.weights),
            "window": self.window,
            "normalizer": self.fusion.normalizer,
        }


def path_of(name: str, data_dir: Path) -> Path:
    """The file of the preset of this name. Raises InputError for a name that could not be one."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name of a preset: lower-case letters, digits, - and _, 64 at most")
    return data_dir / FOLDER / f"{name}.toml"


def load(name: str, data_dir: Path) -> Preset:
    """The preset of this name. Raises InputError where there is none, or its file says what cannot be."""
    path = path_of(name, data_dir)
    try:
        body = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        known = sorted(one.stem for one in path.parent.glob("*.toml"))
        there = f"there is: {', '.join(known)}" if known else "there is none. Make one with: hybrid tune"
        raise InputError(f"there is no preset {name!r} in {path.parent}; {there}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the preset {path} cannot be read: {error}. Correct it, or tune again") from error
    return _checked(path, body)


def save(preset: Preset, path: Path) -> None:
    """Writes the preset, in place of one that was there. Raises InputError where that cannot be."""
    chosen = {"normalizer": preset.fusion.normalizer} if preset.fusion.normalizer else {}
    body = {"method": preset.fusion.method, "k": preset.fusion.k, "window": preset.window}
    text = _table("fusion", body | chosen)
    text += _table("fusion.weights", dict(preset.fusion.weights)) if preset.fusion.weights else ""
    text += _table("tuned", preset.tuned) if preset.tuned else ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip(), "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}. Check the folder") from error


def _checked(path: Path, body: Mapping[str, Json]) -> Preset:
    given = body.get("fusion")
    if not isinstance(given, dict) or "method" not in given or not _KEYS.issuperset(given):
        raise InputError(f"{path}: [fusion] must have a method, and may have {', '.join(sorted(_KEYS - {'method'}))}")
    weights, window = given.get("weights", {}), given.get("window", 100)
    if not isinstance(weights, dict) or not weights.keys() <= set(RETRIEVERS):
        raise InputError(f"{path}: [fusion.weights] must name a weight for one or more of {', '.join(RETRIEVERS)}")
    if type(window) is not int or not 1 <= window <= 10_000:
        raise InputError(f"{path}: window is {window!r}; it must be a whole number from 1 to 10000")
    fusion = Fusion(
        given["method"], given.get("k", Fusion().k), tuple(sorted(weights.items())), given.get("normalizer", "")
    )
    try:
        return Preset(checked(fusion, RETRIEVERS), window, body.get("tuned", {}))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _table(name: str, values: Mapping[str, Json]) -> str:
    """A TOML table of strings and numbers; a JSON string or number is a TOML one too."""
    rows = (f"{_key(key)} = {orjson.dumps(value).decode()}\n" for key, value in values.items())
    return f"\n[{name}]\n{''.join(rows)}"


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else orjson.dumps(key).decode()

"""How do searches fuse that do not say it? A preset: a small TOML file that is loaded by its name.

[fusion]
method = "rrf"
k = 10.0
window = 100

[fusion.weights]     # may have normalizer and compat before it, too
vector = 2.0

[fields]             # where words are looked for, and what each field counts; without it in all text, as one
title = 3.0

[tuned]              # how it came about, for people; not looked at
dataset = "scifact"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from hybrid import bounds
from hybrid.errors import InputError
from hybrid.fusion import Fusion, checked
from hybrid.match import Boosts
from hybrid.model import Json
from hybrid.plan import RETRIEVERS, STANDARD, Defaults
from hybrid.settings import Settings

SUFFIX = ".preset.toml"
"""What a preset's name is followed by, in the folder of the collections."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_KEYS = frozenset({"method", "k", "window", "weights", "normalizer", "compat"})


@dataclass(frozen=True, slots=True)
class Preset:
    """A fusion and its window (documents asked of each retriever). tuned: how it came about, by name. fields: where
    words are looked for, with boosts; empty: in all text."""

    fusion: Fusion
    window: int
    tuned: Mapping[str, Json] = field(default_factory=dict)
    fields: Boosts = ()

    def options(self) -> dict[str, Json]:
        """The options of a search that is fused like this: `engine.search(query, **preset.options())`."""
        chosen: dict[str, Json] = {"match": {"fields": dict(self.fields)}} if self.fields else {}
        return chosen | {
            "fusion": self.fusion.method,
            "k": self.fusion.k,
            "weights": dict(self.fusion.weights),
            "normalizer": self.fusion.normalizer,
            "compat": self.fusion.compat,
            "window": self.window,
        }


def path_of(name: str, settings: Settings) -> Path:
    """The file of a preset: beside the collections, or, where the name ends in .toml, the file of that name.

    Raises InputError for a name that could not be one.
    """
    if name.endswith(".toml"):
        return Path(name)
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no name of a preset: lower-case letters, digits, - and _, 64 at most, or a file's name "
            "that ends in .toml"
        )
    if settings.in_memory:
        raise InputError(f"in memory there is no folder of presets; name the file instead, such as ./{name}.toml")
    return Path(settings.data_dir) / f"{name}{SUFFIX}"


def chosen(settings: Settings) -> Preset:
    """The preset that the settings name, or the default fusion and window. Raises InputError."""
    return load(settings.preset, settings) if settings.preset else Preset(STANDARD, settings.window)


def load(name: str, settings: Settings) -> Preset:
    """The preset of this name. Raises InputError where there is none, or its file says what cannot be."""
    path = path_of(name, settings)
    try:
        body = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        known = sorted(one.name.removesuffix(SUFFIX) for one in path.parent.glob(f"*{SUFFIX}"))
        there = f"there is: {', '.join(known)}" if known else "there is none. Make one with: hybrid tune"
        raise InputError(f"there is no preset {name!r} in {path.parent}; {there}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the preset {path} cannot be read: {error}. Correct it, or tune again") from error
    try:
        return _read(body)
    except InputError as error:
        raise InputError(f"the preset {path} cannot be used: {error}") from error


def save(preset: Preset, path: Path) -> None:
    """Writes the preset, in place of one that was there. Raises InputError where that cannot be."""
    of = preset.fusion
    chosen = {"normalizer": of.normalizer, "compat": of.compat}
    text = _table("fusion", {"method": of.method, "k": of.k, "window": preset.window})
    text += "".join(f"{name} = {_value(value)}\n" for name, value in chosen.items() if value)
    text += _table("fusion.weights", dict(of.weights)) if of.weights else ""
    text += _table("fields", dict(preset.fields)) if preset.fields else ""
    text += _table("tuned", preset.tuned) if preset.tuned else ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip(), "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}. Check the folder") from error


def _read(body: Mapping[str, Json]) -> Preset:
    given, tuned = body.get("fusion"), body.get("tuned", {})
    fields = body.get("fields", {})
    strangers = body.keys() - {"fusion", "fields", "tuned"}
    if strangers or not (isinstance(given, dict) and isinstance(fields, dict) and isinstance(tuned, dict)):
        raise InputError(
            "it must have a table [fusion], and may have [fusion.weights], [fields] and [tuned], and nothing else"
        )
    if "method" not in given or not _KEYS.issuperset(given):
        raise InputError(f"[fusion] must have a method, may have {', '.join(sorted(_KEYS - {'method'}))}, and no more")
    weights = given.get("weights", {})
    if not isinstance(weights, dict):
        raise InputError("the weights must be a table [fusion.weights], such as vector = 2.0")
    named = bounds.by_name("weights", weights, RETRIEVERS)
    chosen = given.get("normalizer", ""), given.get("compat", "")
    fusion = Fusion(given["method"], given.get("k", STANDARD.k), tuple(sorted(named.items())), *chosen)
    if isinstance(fusion.k, int | float) and fusion.k < 1:
        raise InputError(f"k is {fusion.k!r}; the rank constant of a search is a number from 1, usually 60")
    window = bounds.whole("window", given.get("window", Defaults().window), 1, bounds.MAX_LIMIT)
    boosts = tuple((name, bounds.number(f"fields.{name}", boost, 0.001, 1000)) for name, boost in fields.items())
    return Preset(checked(fusion, RETRIEVERS), window, tuned, boosts)


def _table(name: str, values: Mapping[str, Json]) -> str:
    """A TOML table of strings and numbers."""
    rows = (f"{_key(key)} = {_value(value)}\n" for key, value in values.items())
    return f"\n[{name}]\n{''.join(rows)}"


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else _value(key)


def _value(value: Json) -> str:
    """A JSON string or number is a TOML one too, but for one character that TOML wants escaped."""
    return orjson.dumps(value).decode().replace("\x7f", "\\u007f")

"""The demo corpus: the standard library's own documentation, read from the running interpreter.

    modules ──► public objects, each under one public name ──► classes, functions ──► methods ─┐
    pydoc's topics (the language itself) ──────────────────────────────────────────────────────┴─► documents

Nothing is downloaded and no licence question arises: the text is what `help()` shows on the reader's own machine.
"""

import inspect
import os.path
import pkgutil
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pydoc_data.topics import topics
from types import ModuleType, NoneType
from typing import Any

LANGUAGE = "language"
"""What `module` says for a topic, which belongs to the language and to no module."""

_SHORTEST_TEXT = 20
"""In characters: a docstring below it repeats the name ("Close the file.") and finds nothing."""

_LEFT_OUT = frozenset(
    # run or print something when imported, or are programs, tests, tables and samples
    "antigravity this idlelib turtledemo test tests pip encodings pydoc_data xxlimited xxlimited_35 xxsubtype"
    # what os, os.path and xml.parsers.expat are made of, and parts for other systems
    " genericpath nt ntpath posix posixpath pyexpat macholib wintypes"
    # deprecated: named here because one that is already imported does not warn again
    " asynchat asyncore cElementTree distutils imp lib2to3 nturl2path smtpd sre_compile sre_constants sre_parse tix"
    # deprecated and removed by PEP 594
    " aifc audioop cgi cgitb chunk crypt imghdr mailcap msilib nis nntplib ossaudiodev pipes sndhdr spwd sunau"
    " telnetlib uu xdrlib".split()
)

_UNDERLINE = re.compile(r"^([*=\-~\"+`])\1{2,}\n", re.MULTILINE)
"""The line below a title in a topic; code, where such a line may mean something, is indented."""

_PLAIN = (bool, int, float, str, bytes, tuple, NoneType)


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    name: str
    module: str
    signature: str
    text: str
    preference: tuple[bool, bool, int, str]
    """Sort key among entries with the same text, best first."""

    def document(self) -> dict[str, str]:
        return {
            "id": f"{self.kind}:{self.name}",
            "name": self.name,
            "module": self.module,
            "kind": self.kind,
            "signature": self.signature,
            "text": self.text,
        }


class _Hidden:
    """Stands for a default that differs between machines or runs: a path, a stream, an object at some address."""

    def __repr__(self) -> str:
        return "..."


def documents() -> Iterator[dict[str, str]]:
    """Every documented part of the standard library, as documents sorted by `id`.

    Fields, all text: `id` ("function:textwrap.shorten"), `name` ("textwrap.shorten"; builtins go without a module),
    `module` ("textwrap"; "language" for a topic), `kind` (module, class, function, method or topic; a property counts
    as a method), `signature` ("shorten(text, width, **kwargs)"; empty for what is not called, and where the
    interpreter does not know it) and `text` (the docstring without its indentation).

    Imports most of the standard library, silently. Tests, programs, deprecated and private modules, special methods
    (`__add__`) and docstrings inherited from a public class are left out. Of equal texts of one kind one stays: a
    builtin's, else that of the name the object was defined with, else the shortest name's.
    """
    with warnings.catch_warnings():
        # Undone before the first document is handed out: the caller never runs under these filters.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", DeprecationWarning)
        found = [entry.document() for entry in _distinct(_entries())]
    return iter(sorted(found, key=lambda document: document["id"]))


def _entries() -> Iterator[_Entry]:
    """All there is to say, equal texts included, in no promised order."""
    modules = dict(_modules())
    objects = list(_objects(modules))
    public = frozenset(id(thing) for _, _, thing in objects)
    for name, module in modules.items():
        yield from _entry("module", name, name, module)
    for module_name, name, thing in objects:
        yield from _entry("class" if inspect.isclass(thing) else "function", name, module_name, thing)
        if inspect.isclass(thing):
            for method_name, method in _methods(thing, public):
                yield from _entry("method", f"{name}.{method_name}", module_name, method)
    for name, topic in topics.items():
        text = _UNDERLINE.sub("", topic).strip()
        yield _Entry("topic", name, LANGUAGE, "", text, _preference(LANGUAGE, name, topic))


def _entry(kind: str, name: str, module: str, thing: object) -> Iterator[_Entry]:
    """The entry for one object, or none if it has no docstring of its own that is worth finding."""
    doc = thing.__doc__
    if not isinstance(doc, str) or (not inspect.isclass(thing) and doc is type(thing).__doc__):
        return
    text = inspect.cleandoc(doc).strip()
    if len(text) >= _SHORTEST_TEXT and not text.startswith("Alias for field number"):
        signature = _signature(name.rpartition(".")[2], thing)
        yield _Entry(kind, name, module, signature, text, _preference(module, name, thing))


def _distinct(entries: Iterable[_Entry]) -> Iterator[_Entry]:
    """The entries without those whose text a preferred one of the same kind has."""
    seen: set[tuple[str, str]] = set()
    for entry in sorted(entries, key=lambda entry: entry.preference):
        if (entry.kind, entry.text) not in seen:
            seen.add((entry.kind, entry.text))
            yield entry


def _preference(module: str, name: str, thing: object) -> tuple[bool, bool, int, str]:
    """Sort key of the names for one thing, best first: in builtins, as it was defined, short."""
    short_name = name.rpartition(".")[2]
    return module != "builtins", getattr(thing, "__name__", short_name) != short_name, len(name), name


def _modules() -> Iterator[tuple[str, ModuleType]]:
    """The public modules that import here without a deprecation warning, each under the name it is imported by."""
    waiting = [*sys.stdlib_module_names, "os.path"]
    while waiting:
        name = waiting.pop()
        last = name.rpartition(".")[2]
        if last.startswith("_") or last in _LEFT_OUT:
            continue
        # Skipped: not on this platform or not in this build (winreg, tkinter), or deprecated.
        with suppress(ImportError, DeprecationWarning):
            module = import_module(name)
            yield name, module
            waiting += [f"{name}.{found.name}" for found in pkgutil.iter_modules(getattr(module, "__path__", []))]


def _objects(modules: Mapping[str, ModuleType]) -> Iterator[tuple[str, str, Any]]:
    """Each public class and function once: the module that offers it, its name, and itself."""
    candidates = []
    for module_name, module in modules.items():
        prefix = "" if module_name == "builtins" else f"{module_name}."
        for short_name in getattr(module, "__all__", vars(module)):
            thing = _member(module, short_name)
            if _is_stdlib(thing) and _offers(module_name, module, thing, modules):
                candidates.append((module_name, prefix + short_name, thing))
    seen: set[int] = set()
    for module_name, name, thing in sorted(candidates, key=lambda found: _preference(*found)):
        if id(thing) not in seen:
            seen.add(id(thing))
            yield module_name, name, thing


def _member(module: ModuleType, name: str) -> Any:
    """The public class or function of that name in the module; None for anything else, and for a deprecated one."""
    if name.startswith("_"):
        return None
    with suppress(AttributeError, ImportError, DeprecationWarning):
        # Not vars(): some packages load what they list in __all__ only when asked for it.
        thing = getattr(module, name)
        return thing if inspect.isclass(thing) or inspect.isroutine(thing) else None
    return None


def _is_stdlib(thing: Any) -> bool:
    """Whether the standard library made the object: notebooks, for one, add functions of their own to builtins."""
    home = getattr(thing, "__module__", None)
    return thing is not None and (home is None or str(home).partition(".")[0] in sys.stdlib_module_names)


def _offers(module_name: str, module: ModuleType, thing: Any, modules: Mapping[str, ModuleType]) -> bool:
    """Whether the module means to offer the object, rather than having imported it for itself from another."""
    home = getattr(thing, "__module__", None)
    return hasattr(module, "__all__") or module_name in ("builtins", home) or home not in modules


def _methods(cls: type, public: frozenset[int]) -> Iterator[tuple[str, object]]:
    """The public methods and properties that the class defines, or has from a base that is not in `public` (by id)."""
    found: dict[str, object] = {}
    for base in cls.__mro__:
        if base is cls or (id(base) not in public and _is_stdlib(base)):
            for name, value in vars(base).items():
                bound = isinstance(value, (staticmethod, classmethod))
                found.setdefault(name, value.__get__(None, cls) if bound else value)
    for name, member in found.items():
        if not name.startswith("_") and (inspect.isroutine(member) or inspect.isdatadescriptor(member)):
            yield name, member


def _signature(name: str, thing: Any) -> str:
    """The call as `help()` writes it, with plain defaults only; empty for a module, a property, or when not known."""
    if not callable(thing):
        return ""
    try:
        signature = inspect.signature(thing)
    except (ValueError, TypeError, NameError, AttributeError):  # the last two: a default that only C can name
        return ""
    parameters = [
        parameter if _is_plain(parameter.default) else parameter.replace(default=_Hidden())
        for parameter in signature.parameters.values()
    ]
    return f"{name}{signature.replace(parameters=parameters)}"


def _is_plain(default: object) -> bool:
    """Whether the default reads the same everywhere."""
    if isinstance(default, str) and os.path.isabs(default):
        return False
    return default is inspect.Parameter.empty or type(default) in _PLAIN

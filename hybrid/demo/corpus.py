"""The demo corpus: the standard library's own documentation, read from the running interpreter.

    modules ──► public objects, each under one public name ──► classes, functions ──► methods ─┐
    pydoc's topics (the language itself) ──────────────────────────────────────────────────────┴─► documents

Nothing is downloaded and no licence question arises: the text is what `help()` shows on the reader's own machine.
"""

import inspect
import pkgutil
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pydoc_data.topics import topics
from types import ModuleType, NoneType
from typing import Any

LANGUAGE = "language"
"""What `module` says for a topic, which belongs to the language and to no module."""

_SHORTEST_TEXT = 20
"""In characters: below it a docstring repeats the name ("Close the file.") and finds nothing."""

_LEFT_OUT = frozenset(
    # run or print something when imported, or are programs and tests
    "antigravity this idlelib turtledemo test tests pip encodings pydoc_data xxlimited xxlimited_35 xxsubtype"
    # os and os.path under their platform's name
    " nt ntpath posix posixpath"
    # deprecated, also where they were imported before us and so warn no more
    " asynchat asyncore distutils imp lib2to3 nturl2path smtpd sre_compile sre_constants sre_parse"
    # PEP 594
    " aifc audioop cgi cgitb chunk crypt imghdr mailcap msilib nis nntplib ossaudiodev pipes sndhdr spwd sunau"
    " telnetlib uu xdrlib".split()
)

_UNDERLINE = re.compile(r"^ *([*=\-~^\"'+#.])\1{2,} *\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One document; the order of its fields is the order of the document's."""

    id: str
    name: str
    module: str
    kind: str
    signature: str
    text: str


class _Hidden:
    """Stands for a default whose repr differs between machines or runs (streams, functions, the environment)."""

    def __repr__(self) -> str:
        return "..."


_HIDDEN = _Hidden()


def documents() -> Iterator[dict[str, str]]:
    """Every documented part of the standard library, as documents sorted by `id`.

    Fields, all text: `id` ("function:textwrap.shorten"), `name` ("textwrap.shorten"; builtins go without a module),
    `module` ("textwrap"; "language" for a topic), `kind` (module, class, function, method or topic; a property counts
    as a method), `signature` ("shorten(text, width, **kwargs)", or empty where the interpreter does not know it) and
    `text` (the docstring without its indentation).

    Imports most of the standard library, silently. Tests, programs, deprecated and private modules, special methods
    (`__add__`) and inherited docstrings are left out; of equal texts of one kind, the one with the shortest name stays.
    """
    with warnings.catch_warnings():
        # Reset by the time the first document is handed out, so that the caller never runs under these filters.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", DeprecationWarning)
        entries = list(_entries())
    return (asdict(entry) for entry in sorted(_distinct(entries), key=lambda entry: entry.id))


def _entries() -> Iterator[_Entry]:
    """All there is to say, equal texts included, in no promised order."""
    modules = dict(_modules())
    for name, module in modules.items():
        yield from _entry("module", name, name, module)
    for module_name, name, thing in _objects(modules):
        yield from _entry("class" if inspect.isclass(thing) else "function", name, module_name, thing)
        if inspect.isclass(thing):
            for method_name, method in _methods(thing):
                yield from _entry("method", f"{name}.{method_name}", module_name, method)
    for name, text in topics.items():
        yield _Entry(f"topic:{name}", name, LANGUAGE, "topic", "", _UNDERLINE.sub("", text).strip())


def _entry(kind: str, name: str, module: str, thing: object) -> Iterator[_Entry]:
    """The entry for one object, or none if it has no docstring of its own that is worth finding."""
    doc = thing.__doc__
    if not isinstance(doc, str) or (not inspect.isclass(thing) and doc is type(thing).__doc__):
        return
    text = inspect.cleandoc(doc).strip()
    if len(text) >= _SHORTEST_TEXT and not text.startswith("Alias for field number"):
        yield _Entry(f"{kind}:{name}", name, module, kind, _signature(name.rpartition(".")[2], thing), text)


def _distinct(entries: Iterable[_Entry]) -> Iterator[_Entry]:
    """The entries whose text no other of the same kind has; of equals a builtin, else the one with the shortest name."""
    seen: set[tuple[str, str]] = set()
    for entry in sorted(entries, key=lambda entry: _preference(entry.module, entry.name)):
        if (entry.kind, entry.text) not in seen:
            seen.add((entry.kind, entry.text))
            yield entry


def _preference(module: str, name: str) -> tuple[bool, int, str]:
    """Sort key, best first: builtins, then short names."""
    return module != "builtins", len(name), name


def _modules() -> Iterator[tuple[str, ModuleType]]:
    """The public modules that import here without a deprecation warning, each under the name it is imported by."""
    waiting = [*sys.stdlib_module_names, "os.path"]
    while waiting:
        name = waiting.pop()
        last = name.rpartition(".")[2]
        if last.startswith("_") or last in _LEFT_OUT:
            continue
        # Not imported: absent on this platform or in this build (winreg, tkinter), or deprecated.
        with suppress(ImportError, DeprecationWarning):
            module = import_module(name)
            yield name, module
            waiting += [f"{name}.{found.name}" for found in pkgutil.iter_modules(getattr(module, "__path__", []))]


def _objects(modules: dict[str, ModuleType]) -> Iterator[tuple[str, str, Any]]:
    """Each public class and function once: the module that offers it, its name (with the module's), and itself."""
    candidates = []
    for module_name, module in modules.items():
        listed = getattr(module, "__all__", None)
        for short_name in vars(module) if listed is None else listed:
            thing = _member(module, short_name)
            if _is_stdlib(thing) and (listed is not None or _is_at_home(thing, module_name, modules)):
                name = short_name if module_name == "builtins" else f"{module_name}.{short_name}"
                candidates.append((listed is None, module_name, name, thing))
    seen: set[int] = set()
    # What a module lists in __all__ it means to offer, so that name goes before one that it merely holds.
    for _, module_name, name, thing in sorted(candidates, key=lambda found: _preference(found[1], found[2])):
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


def _is_at_home(thing: Any, module_name: str, modules: dict[str, ModuleType]) -> bool:
    """Whether a module without `__all__` offers the object itself, rather than having imported it from another."""
    home = getattr(thing, "__module__", None)
    return home == module_name or home not in modules


def _methods(cls: type) -> Iterator[tuple[str, object]]:
    """The public methods and properties that the class itself defines."""
    for name, value in vars(cls).items():
        member = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
        if not name.startswith("_") and (inspect.isroutine(member) or inspect.isdatadescriptor(member)):
            yield name, member


def _signature(name: str, thing: Any) -> str:
    """The call as `help()` writes it, with plain defaults only; empty for a module, a property, or when not known."""
    if not callable(thing):
        return ""
    try:
        signature = inspect.signature(thing)
    except (ValueError, TypeError, NameError, AttributeError):  # the last two: a default named in C, unknown in Python
        return ""
    parameters = [
        parameter if _is_plain(parameter.default) else parameter.replace(default=_HIDDEN)
        for parameter in signature.parameters.values()
    ]
    return f"{name}{signature.replace(parameters=parameters)}"


def _is_plain(default: object) -> bool:
    return default is inspect.Parameter.empty or isinstance(default, (bool, int, float, str, bytes, tuple, NoneType))

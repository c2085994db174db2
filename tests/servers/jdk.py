"""Which Java runs Elasticsearch."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers.errors import ServerError

LEAST_VERSION = 21
# Runtimes cut down with jlink lack some of these: the first three stop Elasticsearch at the start ("Module jdk.jlink
# not found, required by org.elasticsearch.entitlement"), without the last no index can be made (no Thai break rules).
NEEDED_MODULES = frozenset({"jdk.jlink", "jdk.attach", "jdk.jdi", "jdk.localedata"})
WHERE_JDKS_LIE = ("/usr/lib/jvm/*", "~/.sdkman/candidates/java/*", "/opt/java/*")


@dataclass(frozen=True)
class Jdk:
    """A Java that can run Elasticsearch: its folder and its feature version, such as 25."""

    home: Path
    version: int


def candidates(environment: Mapping[str, str], patterns: Sequence[str] = WHERE_JDKS_LIE) -> list[Path]:
    """The folders that may hold a JDK, each once (links followed): from the environment, the usual places, the PATH."""

    def all_of_them() -> Iterator[Path]:
        for name in ("JAVA_HOME", "ES_JAVA_HOME"):
            if environment.get(name):
                yield Path(environment[name])
        for pattern in patterns:
            folder, _, last = pattern.replace("~", environment.get("HOME", "~"), 1).rpartition("/")
            yield from sorted(Path(folder).glob(last))
        on_path = shutil.which("java", path=environment.get("PATH", os.defpath))
        if on_path:
            yield Path(on_path).resolve().parent.parent

    return list(dict.fromkeys(path.resolve() for path in all_of_them() if path.is_dir()))


def examine(home: Path) -> Jdk | str:
    """The JDK in `home`, or what is wrong with it, in a few words."""
    java = home / "bin" / "java"
    try:
        listing = subprocess.run([java, "--list-modules"], capture_output=True, text=True, timeout=60, check=True)
    except FileNotFoundError:
        return "no bin/java"
    except (OSError, subprocess.SubprocessError) as error:
        return f"bin/java --list-modules failed ({type(error).__name__})"  # so does Java 8
    modules = dict(line.partition("@")[::2] for line in listing.stdout.split())
    digits = modules.get("java.base", "").partition(".")[0].partition("-")[0]
    version = int(digits) if digits.isdigit() else 0
    if version < LEAST_VERSION:
        return f"version {version}" if version else "no version told"
    missing = sorted(NEEDED_MODULES - modules.keys())
    return f"not a full JDK, lacks {', '.join(missing)}" if missing else Jdk(home, version)


def find_jdk(environment: Mapping[str, str], patterns: Sequence[str] = WHERE_JDKS_LIE) -> Jdk:
    """The newest JDK that can run Elasticsearch; of equals the first of `candidates`.

    Raises: ServerError when there is none; it names each folder that was looked at and what it lacks.
    """
    found = {home: examine(home) for home in candidates(environment, patterns)}
    usable = [jdk for jdk in found.values() if isinstance(jdk, Jdk)]
    if usable:
        return max(usable, key=lambda jdk: jdk.version)
    looked = "; ".join(f"{home}: {reason}" for home, reason in found.items()) or "no Java at all"
    raise ServerError(
        f"Elasticsearch needs a full JDK >= {LEAST_VERSION}, and none was found: looked in JAVA_HOME, ES_JAVA_HOME, "
        f"{', '.join(patterns)} and the PATH ({looked}). Install one, e.g. apt-get install openjdk-21-jdk or "
        "temurin-25-jdk, or set JAVA_HOME, or start Docker, or set HYBRID_TEST_ELASTICSEARCH_URL. "
        "`make test-unit` runs the tests that need no server."
    )

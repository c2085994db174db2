"""Elasticsearch, one small node."""

import http.client
import os
import shutil
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.servers.errors import ServerError
from tests.servers.process import Server

NOBODY = 65534  # Elasticsearch refuses to run as root
HEAP = "256m"

SETTINGS = {
    "cluster.name": "hybrid-tests",
    "node.name": "node-1",
    "network.host": "127.0.0.1",
    "transport.port": "0",
    "discovery.type": "single-node",
    "xpack.security.enabled": "false",
    "cluster.routing.allocation.disk.threshold_enabled": "false",
}
JVM_OPTIONS = """\
-Djava.io.tmpdir=${ES_TMPDIR}
-XX:+UseSerialGC
-XX:TieredStopAtLevel=1
"""
LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
# The launcher's own options: it only starts the server's JVM and waits.
LAUNCHER_OPTIONS = ("-Xms4m", "-Xmx64m", "-XX:+UseSerialGC")


def open_to_all(path: Path) -> bool:
    """Whether users other than the owner can come to `path`: every folder down to it lets them through."""
    path = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.is_dir())


class ElasticsearchServer(Server):
    """An Elasticsearch node of its own on the loopback interface, without security.

    program: the unpacked distribution; it is only read. java_home: a full JDK. settings: further lines of
    elasticsearch.yml, or other values for those above. Two processes run, the launcher and the server; `kill` and
    `pause` meet both.
    """

    name = "Elasticsearch"
    ready_seconds = 180
    uid = NOBODY if os.geteuid() == 0 else -1

    def __init__(
        self,
        program: Path,
        java_home: Path,
        home: Path,
        port: int | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        heap: str = HEAP,
    ) -> None:
        super().__init__(home, port)
        self._program = program
        self._java_home = java_home
        self._settings = settings or {}
        self._heap = heap

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        self._refuse_a_closed_folder()
        for name in ("conf", "data", "tmp", "logs"):
            (self.home / name).mkdir(exist_ok=True)
        folders = {"path.data": str(self.home / "data"), "path.logs": str(self.home / "logs")}
        settings = {**SETTINGS, **folders, "http.port": str(self.port), **self._settings}
        conf = self.home / "conf"
        (conf / "elasticsearch.yml").write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
        (conf / "jvm.options").write_text(JVM_OPTIONS)
        (conf / "log4j2.properties").write_text(LOGGING)
        if self.uid == NOBODY:
            for path in (self.home, *self.home.rglob("*")):
                shutil.chown(path, NOBODY, NOBODY)

    def _refuse_a_closed_folder(self) -> None:
        closed = [path for path in (self.home.parent, self._program, self._java_home) if not open_to_all(path)]
        if self.uid == NOBODY and closed:
            raise ServerError(
                f"Elasticsearch does not run as root, so it is run as user {NOBODY}, who cannot enter {closed[0]}: "
                "run the tests as another user, or move that folder (TMPDIR, XDG_CACHE_HOME, JAVA_HOME) to where "
                "everyone may enter"
            )

    def _working_folder(self) -> Path:
        return self._program  # the server takes it for its home

    def _command(self) -> Sequence[str]:
        launcher = f"{self._program}/lib/tools/server-launcher/*"
        main = "org.elasticsearch.server.launcher.ServerLauncher"
        return (f"{self._java_home}/bin/java", *LAUNCHER_OPTIONS, "-cp", launcher, main)

    def _environment(self) -> Mapping[str, str]:
        """What bin/elasticsearch would set; the launcher reads nothing else."""
        java = str(self._java_home)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "ES_HOME": str(self._program),
            "ES_PATH_CONF": str(self.home / "conf"),
            "ES_TMPDIR": str(self.home / "tmp"),
            "ES_JAVA_OPTS": f"-Xms{self._heap} -Xmx{self._heap}",
            "ES_DISTRIBUTION_TYPE": "tar",
            "JAVA_HOME": java,
            "ES_JAVA_HOME": java,
            "JAVA": f"{java}/bin/java",
            "JAVA_TYPE": "ES_JAVA_HOME",
            "CLI_JAVA_OPTS": " ".join(LAUNCHER_OPTIONS),
        }

    def _answers(self) -> bool:
        return elasticsearch_answers(self.url)


def elasticsearch_answers(url: str) -> bool:
    """Whether the node at `url` takes work: it knows its licence, the last thing a fresh node learns."""
    address = urlsplit(url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port or 9200, timeout=2)
    headers = {}
    if address.username:
        login = f"{unquote(address.username)}:{unquote(address.password or '')}"
        headers["Authorization"] = "Basic " + b64encode(login.encode()).decode()
    try:
        connection.request("GET", "/_license", headers=headers)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

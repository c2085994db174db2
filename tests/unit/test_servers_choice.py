"""Which servers and which Java a test run takes: decided by values given here, nothing is started."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.servers.assemble import check_digest, kept, own_cache
from tests.servers.errors import ServerError
from tests.servers.jdk import Jdk, candidates, examine, find_jdk
from tests.servers.provide import Elsewhere, Servers, Service, Source, sources

FULL = ("jdk.jlink", "jdk.attach", "jdk.jdi", "jdk.localedata", "java.sql")
REDIS = {"HYBRID_TEST_REDIS_URL": "redis://elsewhere:6379"}
ELASTICSEARCH = {"HYBRID_TEST_ELASTICSEARCH_URL": "http://elsewhere:9200"}


def make_jdk(home: Path, version: str, modules: Sequence[str] = FULL) -> Path:
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    lines = "".join(f"echo {name}@{version}\n" for name in ("java.base", *modules))
    java.write_text(f"#!/bin/sh\n{lines}")
    java.chmod(0o755)
    return home


def docker_is_not_asked() -> bool:
    raise AssertionError("docker was asked about though both addresses were given")


def test_addresses_in_the_environment_come_first_and_docker_is_not_even_asked() -> None:
    chosen = sources(REDIS | ELASTICSEARCH, docker_is_not_asked)
    assert chosen == {Service.REDIS: Source.GIVEN, Service.ELASTICSEARCH: Source.GIVEN}


@pytest.mark.parametrize(("docker", "other"), [(True, Source.DOCKER), (False, Source.PACKAGES)])
def test_each_server_is_chosen_on_its_own(docker: bool, other: Source) -> None:
    assert sources(REDIS, lambda: docker) == {Service.REDIS: Source.GIVEN, Service.ELASTICSEARCH: other}
    assert sources(ELASTICSEARCH, lambda: docker) == {Service.REDIS: other, Service.ELASTICSEARCH: Source.GIVEN}
    assert sources({}, lambda: docker) == {Service.REDIS: other, Service.ELASTICSEARCH: other}


def test_an_empty_address_is_no_address() -> None:
    assert sources({"HYBRID_TEST_REDIS_URL": ""}, lambda: False)[Service.REDIS] is Source.PACKAGES


def test_a_given_server_that_does_not_answer_is_an_error_that_names_the_variable_and_not_the_password() -> None:
    server = Elsewhere(Service.REDIS, "redis://:secret@127.0.0.1:1", seconds=0)
    with pytest.raises(ServerError, match="HYBRID_TEST_REDIS_URL") as caught:
        server.wait_ready()
    assert "secret" not in str(caught.value)


def test_servers_that_nobody_asks_for_start_nothing_and_leave_nothing(tmp_path: Path) -> None:
    with Servers({"HOME": str(tmp_path), "PATH": ""}):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_newest_usable_jdk_wins_by_number_and_not_by_text(tmp_path: Path) -> None:
    make_jdk(tmp_path / "a", "21.0.4")
    make_jdk(tmp_path / "b", "100")
    make_jdk(tmp_path / "c", "25-ea")
    assert find_jdk({"PATH": ""}, [f"{tmp_path}/*"]) == Jdk(tmp_path / "b", 100)


def test_of_equal_jdks_the_one_from_the_environment_wins(tmp_path: Path) -> None:
    make_jdk(tmp_path / "jvm" / "a", "25.0.1")
    mine = make_jdk(tmp_path / "mine", "25.0.3")
    assert find_jdk({"PATH": "", "JAVA_HOME": str(mine)}, [f"{tmp_path}/jvm/*"]).home == mine


def test_a_newer_runtime_that_is_cut_down_loses_to_an_older_full_jdk(tmp_path: Path) -> None:
    make_jdk(tmp_path / "cut", "25", FULL[1:])
    make_jdk(tmp_path / "full", "21")
    assert find_jdk({"PATH": ""}, [f"{tmp_path}/*"]).version == 21


def test_a_jdk_is_found_by_the_java_on_the_path_through_links(tmp_path: Path) -> None:
    home = make_jdk(tmp_path / "jdk", "21")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(home / "bin" / "java")
    assert candidates({"PATH": str(tmp_path / "bin")}, []) == [home]


def test_the_home_folder_of_a_pattern_is_that_of_the_environment_and_each_folder_comes_once(tmp_path: Path) -> None:
    home = make_jdk(tmp_path / "jdks" / "a", "21")
    (tmp_path / "jdks" / "current").symlink_to(home)
    environment = {"HOME": str(tmp_path), "PATH": str(home / "bin"), "ES_JAVA_HOME": str(home)}
    assert candidates(environment, ["~/jdks/*"]) == [home]


def test_what_is_wrong_with_a_java_is_told_in_a_few_words(tmp_path: Path) -> None:
    assert examine(tmp_path / "nothing") == "no bin/java"
    assert examine(make_jdk(tmp_path / "old", "17.0.15")) == "version 17"
    assert examine(make_jdk(tmp_path / "20", "20")) == "version 20"
    assert examine(make_jdk(tmp_path / "21", "21")) == Jdk(tmp_path / "21", 21)
    assert examine(make_jdk(tmp_path / "cut", "25", FULL[2:])) == "not a full JDK, lacks jdk.attach, jdk.jlink"
    eight = make_jdk(tmp_path / "8", "8")
    (eight / "bin" / "java").write_text("#!/bin/sh\necho 'Unrecognized option: --list-modules' >&2; exit 1\n")
    assert examine(eight) == "bin/java --list-modules failed (CalledProcessError)"


def test_without_a_jdk_the_error_says_where_was_looked_what_was_wrong_and_what_helps(tmp_path: Path) -> None:
    make_jdk(tmp_path / "old", "17")
    with pytest.raises(ServerError) as caught:
        find_jdk({"PATH": ""}, [f"{tmp_path}/*"])
    told = str(caught.value)
    assert "full JDK >= 21" in told
    assert f"{tmp_path}/old: version 17" in told
    for help_offered in ("JAVA_HOME", "openjdk-21-jdk", "Docker", "HYBRID_TEST_ELASTICSEARCH_URL", "make test-unit"):
        assert help_offered in told


def test_without_any_java_the_error_says_so() -> None:
    with pytest.raises(ServerError, match="no Java at all"):
        find_jdk({"PATH": ""}, [])


def test_the_cache_is_where_the_environment_says() -> None:
    assert own_cache({"HOME": "/home/a"}) == Path("/home/a/.cache/hybrid-tests")
    assert own_cache({"HOME": "/home/a", "XDG_CACHE_HOME": "/b"}) == Path("/b/hybrid-tests")
    assert own_cache({"HOME": "/home/a", "XDG_CACHE_HOME": ""}) == Path("/home/a/.cache/hybrid-tests")


def test_of_two_runs_that_race_one_makes_the_folder_and_both_get_it(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(work: Path, result: Path) -> None:
        made.append(work)
        time.sleep(0.1)  # long enough for the other one to come
        result.mkdir()
        (result / "program").write_text("complete")

    runs = [threading.Thread(target=kept, args=(tmp_path / "redis-8.2.3", make)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(made) == 1
    assert (tmp_path / "redis-8.2.3" / "program").read_text() == "complete"


def test_a_failed_or_interrupted_making_leaves_no_folder_and_the_next_one_starts_clean(tmp_path: Path) -> None:
    def fail(work: Path, result: Path) -> None:
        (work / "half a download").write_text("")
        result.mkdir()
        raise ServerError("the network is gone")

    def make(work: Path, result: Path) -> None:
        assert list(work.iterdir()) == []
        result.mkdir()

    folder = tmp_path / "redis-8.2.3"
    with pytest.raises(ServerError, match="the network is gone"):
        kept(folder, fail)
    assert not folder.exists()
    (tmp_path / "redis-8.2.3.partial").mkdir()  # as a run leaves it that was killed
    (tmp_path / "redis-8.2.3.partial" / "half").write_text("")
    assert kept(folder, make) == folder
    assert sorted(path.name for path in tmp_path.iterdir()) == ["redis-8.2.3", "redis-8.2.3.lock"]


def test_a_file_with_another_digest_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "redis-server"
    with pytest.raises(ServerError, match="did not hold redis-server"):
        check_digest(program, "0" * 64)
    program.write_text("abc")
    check_digest(program, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    with pytest.raises(ServerError, match="not the file that was reviewed: SHA-256 ba7816bf"):
        check_digest(program, "0" * 64)

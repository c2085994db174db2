"""Settings: who wins, what is hidden, and what a mistake is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hybrid
from hybrid import settings
from hybrid.errors import SchemaError, SettingsError
from hybrid.schema import Field, FieldType, Metric, Schema, VectorAlgorithm, VectorSpec, VectorType
from hybrid.settings import Settings, VectorSettings

SECRET = "hunter2"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    def given(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return given


def written(text: str | bytes) -> None:
    Path("hybrid.toml").write_bytes(text if isinstance(text, bytes) else text.encode())


def refused(**arguments: Any) -> str:
    with pytest.raises(SettingsError) as error:
        settings.read(**arguments)
    assert SECRET not in str(error.value)
    assert SECRET not in repr(error.value.__cause__)
    return str(error.value)


def test_defaults() -> None:
    read = settings.read()
    assert (read.data_dir, read.collection, read.model) == (Path("hybrid-data"), "documents", "all-MiniLM-L6-v2")
    assert (read.redis, read.elasticsearch, read.deadline_s, read.window) == (None, None, 2.0, 100)
    assert read.schema_given is None
    assert not read.in_memory
    assert read.folder == Path("hybrid-data/documents")


def test_arguments_win_over_environment_over_file_over_defaults(environment: Any) -> None:
    written('collection = "file"\nmodel = "file"\nwindow = 7\n')
    environment(HYBRID_COLLECTION="env", HYBRID_MODEL="env")
    read = settings.read(collection="argument")
    assert (read.collection, read.model, read.window, read.deadline_s) == ("argument", "env", 7, 2.0)


def test_an_argument_of_none_is_left_to_the_others(environment: Any) -> None:
    environment(HYBRID_COLLECTION="env")
    assert settings.read(collection=None, redis=None).collection == "env"


def test_an_empty_variable_is_as_good_as_none(environment: Any) -> None:
    environment(HYBRID_REDIS_URL="", HYBRID_MODEL="", HYBRID_WINDOW="")
    assert (settings.read().redis, settings.read().model) == (None, settings.DEFAULT_MODEL)


def test_parts_are_set_by_variables_of_their_own(environment: Any) -> None:
    environment(
        HYBRID_DATA_DIR="d",
        HYBRID_MODEL_PATH="m",
        HYBRID_REDIS_URL="redis://r:1",
        HYBRID_REDIS_CA_CERTS="ca.pem",
        HYBRID_ELASTICSEARCH_URL="https://e:2",
        HYBRID_ELASTICSEARCH_API_KEY=SECRET,
        HYBRID_VECTOR_EF_RUNTIME="9",
        HYBRID_VECTOR_INITIAL_CAP="5",
    )
    read = settings.read()
    assert read.redis is not None
    assert read.elasticsearch is not None
    assert read.elasticsearch.api_key is not None
    assert (read.data_dir, read.model_path, read.redis.ca_certs) == (Path("d"), Path("m"), Path("ca.pem"))
    assert read.elasticsearch.api_key.get_secret_value() == SECRET
    assert (read.vector.ef_runtime, read.vector.initial_cap) == (9, 5)


def test_a_url_is_enough_for_a_store_wherever_it_is_said() -> None:
    written('redis = "redis://file:1"\n[elasticsearch]\nurl = "http://file:2"\n')
    read = settings.read()
    assert (read.redis and read.redis.location, read.elasticsearch and read.elasticsearch.location) == (
        "redis://file:1",
        "http://file:2",
    )
    argued = settings.read(redis="redis://argument:1").redis
    assert argued is not None
    assert argued.location == "redis://argument:1"


def test_a_password_of_the_environment_joins_a_url_of_the_call(environment: Any) -> None:
    environment(HYBRID_REDIS_PASSWORD=SECRET)
    read = settings.read(redis="redis://r:1").redis
    assert read is not None
    assert read.password is not None
    assert read.password.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("redis://user:hunter2@host:6379/0", "redis://host:6379"),
        ("rediss://:hunter2@host", "rediss://host"),
        ("redis://:hunter2@[::1]:6379", "redis://[::1]:6379"),
        ("redis://[2001:db8::7]", "redis://[2001:db8::7]"),
        ("redis://host?password=hunter2", "redis://host"),
    ],
)
def test_a_location_shows_no_credentials(url: str, location: str) -> None:
    read = settings.read(redis=url).redis
    assert read is not None
    assert read.location == location


def test_no_secret_is_shown_by_anything() -> None:
    read = settings.read(
        redis={"url": f"redis://u:{SECRET}@h:1", "password": SECRET},
        elasticsearch={"url": f"https://u:{SECRET}@h:1", "api_key": SECRET},
    )
    with hybrid.open(":memory:", model="none") as engine:
        shown = [repr(engine)]
    for one in (read, read.redis, read.elasticsearch):
        shown += [repr(one), str(one), f"{one}"]
    assert read.model_dump_json().count(SECRET) == 0
    assert SECRET not in "".join(shown)


@pytest.mark.parametrize(
    "url", [SECRET, f"redis://u:{SECRET}@h:99999", f"redis://u:{SECRET}@[::1", f"http://:{SECRET}@h", "redis://", ""]
)
def test_a_url_that_is_none_is_refused_without_being_shown(url: str) -> None:
    assert "redis: this is not a URL of the form redis://host:6379" in refused(redis=url)


@pytest.mark.parametrize("password", ["hunter2/x", "hunter2@y/x", "hunter2#x", "hunter2?x"])
def test_a_password_that_ends_the_host_of_a_url_is_refused_with_the_way_out(password: str) -> None:
    for given in ({"redis": f"redis://:{password}@h:1"}, {"elasticsearch": f"http://elastic:{password}@h:1"}):
        said = refused(**given)
        assert "write / as %2F" in said
        assert "or set the password by itself" in said


def test_a_store_without_a_url_is_told_by_the_name_of_its_variable(environment: Any) -> None:
    environment(HYBRID_REDIS_PASSWORD=SECRET)
    assert refused() == "redis.url is missing, though other settings of redis are there. Set HYBRID_REDIS_URL too"


def test_a_variable_nearly_named_like_a_setting_is_told_and_one_of_others_is_not(
    environment: Any, caplog: pytest.LogCaptureFixture
) -> None:
    environment(HYBRID_ELASTIC_URL="http://h:1", HYBRID_SERVICE_HOST="10.0.0.1", HYBRID_TEST_REDIS_URL="redis://h:1")
    settings.read()
    assert caplog.messages == [
        "the variable HYBRID_ELASTIC_URL is not a setting, and is not looked at. There is HYBRID_ELASTICSEARCH_URL"
    ]


def test_an_api_key_and_a_password_contradict_each_other() -> None:
    given = {"url": f"https://:{SECRET}@h:1", "api_key": SECRET, "password": SECRET}
    assert refused(elasticsearch=given) == "elasticsearch: give an api_key, or a username and password, not both"


def test_an_unknown_setting_is_named_wherever_it_stands(environment: Any) -> None:
    assert "colection is not a setting" in refused(colection="x")
    environment(HYBRID_REDIS_URL="redis://h:1", HYBRID_REDIS_PASSWROD=SECRET)
    said = refused()
    assert "redis.passwrod is not a setting" in said
    assert "in the environment (HYBRID_REDIS_PASSWROD)" in said
    written("deadlin_s = 3\n[fields.title]\ntype = 'text'\nboots = 2\n")
    assert "deadlin_s is not a setting. Look for a typing error in hybrid.toml" in refused()
    assert "fields.title.boots is not a setting" in refused()


@pytest.mark.parametrize("text", ["model = = 2", 'model = "x', "[redis", b'model = "\xff\xfe"'])
def test_a_broken_file_is_named(text: str | bytes) -> None:
    written(text)
    assert refused().startswith("hybrid.toml cannot be read: ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"deadline_s": 0}, "deadline_s: Input should be greater than 0"),
        ({"deadline_s": 601}, "deadline_s: Input should be less than or equal to 600"),
        ({"window": 0}, "window: "),
        ({"durability": {"backlog": 40}}, "durability.backlog: Input should be greater than or equal to 1000"),
        ({"window": 10_001}, "window: "),
        ({"model_threads": 0}, "model_threads: "),
        ({"redis": {"url": "redis://h", "password": 5}}, "redis.password: "),
        ({"redis": 5}, "redis: "),
        ({"redis": {}}, "redis.url is missing"),
        ({"fields": {"a": "txt"}}, "fields.a.type: Input should be 'text', 'keyword', 'long', 'double', "),
        ({"vector": {"metric": "cosine"}}, "vector.metric: Input should be 'COSINE', 'L2' or 'IP'"),
    ],
)
def test_a_wrong_value_names_its_setting(arguments: dict[str, Any], says: str) -> None:
    assert says in refused(**arguments)


def test_several_mistakes_are_told_at_once() -> None:
    assert refused(window=0, colection="x").count(";") == 1


def test_a_variable_that_must_be_json_and_is_not_says_so(environment: Any) -> None:
    environment(HYBRID_FIELDS=f"title={SECRET}")
    assert "fields" in refused()
    assert "is not JSON" in refused()


def test_fields_of_the_file_become_the_schema() -> None:
    written('[fields]\ntitle = { type = "text", boost = 2 }\nprice = "number"\nbrand = "keyword"\nseen = "date"\n')
    assert settings.read().schema_given == Schema(
        (
            Field("title", FieldType.TEXT, 2.0),
            Field("price", FieldType.DOUBLE),
            Field("brand", FieldType.KEYWORD),
            Field("seen", FieldType.DATE),
        )
    )


def test_a_field_name_that_cannot_be_is_refused() -> None:
    with pytest.raises(SchemaError, match="field name 'a b' cannot be used"):
        _ = settings.read(fields={"a b": "text"}).schema_given


def test_vector_settings_become_the_vector_spec() -> None:
    written('[vector]\nalgorithm = "HNSW"\nmetric = "IP"\ntype = "FLOAT64"\nm = 8\nef_construction = 50\n')
    assert settings.read().vector.spec(4) == VectorSpec(
        4, Metric.IP, VectorAlgorithm.HNSW, VectorType.FLOAT64, None, 8, 50, 64
    )


def test_a_dimension_that_contradicts_the_model_is_refused() -> None:
    assert VectorSettings(dim=4).spec(4).dim == 4
    with pytest.raises(SettingsError, match=r"vector\.dim is set to 5, but the model makes vectors of 4"):
        VectorSettings(dim=5).spec(4)


def test_memory_is_no_folder() -> None:
    assert settings.read(data_dir=":memory:").in_memory
    assert settings.read(data_dir=Path(":memory:")).in_memory
    assert not settings.read(data_dir="memory").in_memory


@pytest.mark.parametrize("name", ["../escape", "/etc", "A", "", "a/b", "-a", "x" * 65])
def test_a_collection_cannot_leave_the_data_folder(name: str) -> None:
    with pytest.raises(SchemaError, match="collection name"):
        _ = Settings(collection=name).folder


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.read().window = 5


def test_the_cache_lies_where_the_desktop_says(environment: Any) -> None:
    environment(XDG_CACHE_HOME="/x")
    assert settings.read().model_cache == Path("/x/hybrid/models")

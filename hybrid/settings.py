"""What can be set? Arguments win over environment variables, these over hybrid.toml, that over defaults.

Environment variables are the field names in capitals after HYBRID_, a part's after its own name:
HYBRID_DATA_DIR, HYBRID_COLLECTION, HYBRID_MODEL, HYBRID_REDIS_URL, HYBRID_ELASTICSEARCH_API_KEY, …
No other module reads the environment.
"""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings import SettingsError as UnreadableSetting

from hybrid import schema
from hybrid.errors import SettingsError
from hybrid.languages import ENGLISH
from hybrid.tokens import Role, Token

CONFIG_FILE = "hybrid.toml"
DEFAULT_MODEL = "all-MiniLM-L6-v2"

_PREFIX, _TESTS = "HYBRID_", "HYBRID_TEST_"
_log = logging.getLogger(__name__)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _location(url: SecretStr) -> str:
    """The URL without user, password and query: what may be shown."""
    parts = urlsplit(url.get_secret_value())
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def _checked_url(url: SecretStr, schemes: tuple[str, ...], example: str) -> None:
    try:
        parts = urlsplit(url.get_secret_value())
        behind = parts.path + parts.query + parts.fragment
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and "@" not in behind
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            f"this is not a URL of the form {example}. In a password that stands in it, write / as %2F, ? as %3F and "
            "# as %23; or set the password by itself"
        )


class RedisSettings(_Part):
    """How to reach Redis. Credentials may stand in the URL or beside it; the latter win."""

    url: SecretStr
    username: str | None = None
    password: SecretStr | None = None
    ca_certs: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None

    @property
    def location(self) -> str:
        """The URL without credentials."""
        return _location(self.url)

    @model_validator(mode="after")
    def _check(self) -> Self:
        _checked_url(self.url, ("redis", "rediss"), "redis://host:6379 or rediss://host:6379 (TLS)")
        return self


class ElasticsearchSettings(_Part):
    """How to reach Elasticsearch: a user and password, or an API key (encoded form), or neither.

    shards: of an index that is made.
    """

    url: SecretStr
    username: str | None = None
    password: SecretStr | None = None
    api_key: SecretStr | None = None
    ca_certs: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    shards: int = Field(default=1, ge=1, le=1024)

    @property
    def location(self) -> str:
        """The URL without credentials."""
        return _location(self.url)

    @model_validator(mode="after")
    def _check(self) -> Self:
        _checked_url(self.url, ("http", "https"), "https://host:9200")
        if self.api_key and (self.username or self.password):
            raise ValueError("give an api_key, or a username and password, not both")
        return self


def _url_shorthand(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


class FieldSettings(_Part):
    """One field of the schema, as in `title = { type = "text", boost = 2 }`."""

    type: schema.FieldType
    boost: float = 1.0
    embedded: bool = True
    analyzer: str = ENGLISH
    alone: bool = False


def _field_shorthand(value: Any) -> Any:
    return {"type": "double" if value == "number" else value} if isinstance(value, str) else value


class VectorSettings(_Part):
    """The vector index; what is not set has the default of `hybrid.schema.VectorSpec`."""

    dim: int | None = None
    metric: schema.Metric = schema.Metric.COSINE
    algorithm: schema.VectorAlgorithm = schema.VectorAlgorithm.FLAT
    type: schema.VectorType = schema.VectorType.FLOAT32
    initial_cap: int | None = None
    m: int = 16
    ef_construction: int = 200
    ef_runtime: int = 64

    def spec(self, dim: int) -> schema.VectorSpec:
        """The vector spec for vectors of `dim` components. Raises SettingsError if `dim` is set otherwise."""
        if self.dim not in (None, dim):
            raise SettingsError(
                f"vector.dim is set to {self.dim}, but the model makes vectors of {dim}. Remove the setting"
            )
        return schema.VectorSpec(**(self.model_dump() | {"dim": dim}))


class RerankSettings(_Part):
    """The cross-encoder that searches may ask for; no request ever names one. model: None for none. limit: documents
    that it reads for one search at most. deadline_s: seconds it may take; later the order stays as it was.
    """

    model: str | None = None
    model_path: Path | None = None
    limit: int = Field(default=20, ge=1, le=1000)
    deadline_s: float = Field(default=1.0, gt=0, le=60)


class TokenSettings(_Part):
    """One token of the API, as `hybrid token` makes it: its name, role, SHA-256, and a filter that always holds."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    role: Role
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    filter: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.role is Role.ADMIN and self.filter:
            raise ValueError("an admin token sees everything; give the filter to a read or a write token")
        return self


def _token_shorthand(value: Any) -> Any:
    parts = value.split(":", 3) if isinstance(value, str) else []
    return dict(zip(("name", "role", "digest", "filter"), parts, strict=False)) if parts else value


class ApiSettings(_Part):
    """Who may use the page and the API: with no tokens, whoever can reach them."""

    tokens: tuple[Annotated[TokenSettings, BeforeValidator(_token_shorthand)], ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [one.name for one in self.tokens]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"two tokens are named {', '.join(doubled)}; give each its own name")
        return self

    @property
    def holders(self) -> tuple[Token, ...]:
        """The tokens."""
        return tuple(Token(**one.model_dump()) for one in self.tokens)


class DurabilitySettings(_Part):
    """How long things are kept. tombstone_s: seconds after which a deleted document's tombstone may go; no write
    that old may still come. volatile_s: seconds that changes are kept for a Redis without AOF, where there is room.
    backlog: changes that may wait for a store at most.
    """

    tombstone_s: float = Field(default=7 * 86400.0, ge=0)
    volatile_s: float = Field(default=86400.0, ge=0)
    backlog: int = Field(default=100_000, ge=1000)


class Settings(BaseSettings):
    """All settings. model: a model's name, "none" where documents bring their own vectors.

    data_dir: folder of the embedded stores; ":memory:" keeps everything in memory.
    deadline_s: seconds a search may take. window: documents asked of each retriever. preset: a name, or a file, that
    `hybrid tune` wrote: how searches are fused that name no fusion, and their window. synonyms: a file of them, in
    Solr's format, that queries are widened by. remembered: answers that are kept for the same search of the same
    collection, 0 for none; what is in the stores is asked before each is given. rate_limit: requests that one client
    may send to each process that serves, such as "100/second"; None for any number. by_field: in a collection that is
    made, each text field is also indexed by itself, so that searches can choose fields and their boosts.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
    )

    data_dir: Path | Literal[":memory:"] = Path("hybrid-data")
    collection: str = "documents"
    model: str = DEFAULT_MODEL
    model_path: Path | None = None
    model_cache: Path = Field(default_factory=lambda: user_cache() / "models")
    model_threads: int | None = Field(default=None, ge=1, le=256)
    redis: Annotated[RedisSettings | None, BeforeValidator(_url_shorthand)] = None
    elasticsearch: Annotated[ElasticsearchSettings | None, BeforeValidator(_url_shorthand)] = None
    fields: dict[str, Annotated[FieldSettings, BeforeValidator(_field_shorthand)]] = Field(default_factory=dict)
    vector: VectorSettings = VectorSettings()
    durability: DurabilitySettings = DurabilitySettings()
    rerank: RerankSettings = RerankSettings()
    api: ApiSettings = ApiSettings()
    deadline_s: float = Field(default=2.0, gt=0, le=600)
    window: int = Field(default=100, ge=1, le=10_000)
    by_field: bool = False
    synonyms: Path | None = None
    preset: str | None = None
    remembered: int = Field(default=0, ge=0, le=100_000)
    rate_limit: str | None = Field(default=None, pattern=r"^[1-9]\d{0,6}/(second|minute|hour)$")

    @property
    def in_memory(self) -> bool:
        """Whether the embedded stores keep everything in memory."""
        return str(self.data_dir) == ":memory:"

    @property
    def folder(self) -> Path:
        """The folder of the collection's embedded stores."""
        return Path(self.data_dir) / schema.check_collection_name(self.collection)

    @property
    def journal(self) -> Path | None:
        """The file of the collection's journal; None where everything is in memory."""
        return None if self.in_memory else self.folder / "journal.sqlite"

    @property
    def schema_given(self) -> schema.Schema | None:
        """The schema of `[fields]`; None where it is to be inferred."""
        if not self.fields:
            return None
        return self.laid(
            schema.Schema(tuple(schema.Field(name, **one.model_dump()) for name, one in self.fields.items()))
        )

    def laid(self, of: schema.Schema) -> schema.Schema:
        """The schema as it is to lie in the stores: each text field also by itself where `by_field` is set."""
        return of.by_itself() if self.by_field else of

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is given)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is given)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then the file."""
        file = TomlConfigSettingsSource(settings_cls, toml_file=Path(CONFIG_FILE))
        return init_settings, env_settings, file


def read(**arguments: Any) -> Settings:
    """The settings; arguments that are None are left to the environment, hybrid.toml and defaults.

    `redis` and `elasticsearch` may be a URL or a dict. Raises SettingsError naming what is wrong.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    for name, like in _misspelt(os.environ).items():
        _log.warning("the variable %s is not a setting, and is not looked at. There is %s", name, like)
    for part in ("redis", "elasticsearch"):
        if part in given:  # a dict, so that the environment and the file may add to it
            given[part] = _url_shorthand(given[part])
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError("; ".join(_explained(one) for one in error.errors(include_input=False))) from None
    except UnreadableSetting as error:
        raise SettingsError(f"{error}: it is not JSON. Write JSON, or use {CONFIG_FILE} instead") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{CONFIG_FILE} cannot be read: {error}. Correct the file") from error


def _explained(fault: Any) -> str:
    """One fault of pydantic's as a sentence; never with the value, which may be a secret."""
    name = ".".join(str(part) for part in fault["loc"])
    variable = f"{_PREFIX}{name.replace('.', '_').upper()}"
    if fault["type"] == "extra_forbidden":
        where = f"the environment ({variable})" if variable in os.environ else f"{CONFIG_FILE} or in the call"
        return f"{name} is not a setting. Look for a typing error in {where}"
    if fault["type"] == "missing" and name.endswith(".url"):
        return f"{name} is missing, though other settings of {fault['loc'][0]} are there. Set {variable} too"
    return f"{name or 'settings'}: {fault['msg'].removeprefix('Value error, ')}"


def _misspelt(environment: Mapping[str, str]) -> dict[str, str]:
    """By variable of this program that is no setting, but has a name nearly like one: that one's name."""
    known = dict(_variables(Settings))
    parts = tuple(f"{name}_" for name, has_parts in known.items() if has_parts)  # below these, it is an error
    ours = (name for name, value in environment.items() if name.startswith(_PREFIX) and value)
    found = {}
    for name in ours:
        if name not in known and not name.startswith((*parts, _TESTS)):
            short = [one.removeprefix(_PREFIX) for one in known]
            for like in get_close_matches(name.removeprefix(_PREFIX), short, 1, 0.75):
                found[name] = _PREFIX + like
    return found


def _variables(of: type[BaseModel], prefix: str = _PREFIX) -> Iterator[tuple[str, bool]]:
    """The variables of the environment that are settings, and whether each has parts, with variables of their own."""
    for name, field in of.model_fields.items():
        parts = [one for one in (field.annotation, *get_args(field.annotation)) if isinstance(one, type)]
        below = [one for one in parts if issubclass(one, _Part)]
        yield f"{prefix}{name.upper()}", bool(below)
        for part in below:
            yield from _variables(part, f"{prefix}{name.upper()}_")


def user_cache() -> Path:
    """The folder under which caches of this program lie: XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hybrid"

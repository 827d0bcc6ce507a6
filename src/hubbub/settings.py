"""Every setting of the hub, read from `HUBBUB_…` variables, `.env` and `hubbub.toml`.

This module is below all others: whoever needs a setting is given its section.
"""

import base64
import errno
import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RedisDsn,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hubbub import __version__

MIN_SECRET_LENGTH = 32
ENCRYPTION_KEY_BYTES = 32
PREFIX = "HUBBUB_"
CONFIG_VARIABLE = "HUBBUB_CONFIG"
_KEY_ID = re.compile(r"[A-Za-z0-9]{1,16}")


class Environment(StrEnum):
    LOCAL = "local"
    STAGING = "staging"
    PRODUCTION = "production"


class SignUp(StrEnum):
    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


def _split(value: object) -> object:
    """Accepts `a, b` as well as `["a", "b"]`, which is what people write in an environment."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            msg = 'must be a comma-separated list or a JSON list like ["a", "b"]'
            raise ValueError(msg) from error
    return [part.strip() for part in value.split(",") if part.strip()]


def _networks(value: object) -> object:
    parts = _split(value)
    if not isinstance(parts, list | tuple):
        return parts
    try:
        return tuple(ipaddress.ip_network(part) for part in parts)
    except ValueError as error:
        msg = "must list networks such as 10.0.0.0/8, fd00::/8"
        raise ValueError(msg) from error


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[
    tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...],
    NoDecode,
    BeforeValidator(_networks),
]


def _seconds(value: object) -> object:
    parts = _split(value)
    if not isinstance(parts, list | tuple):
        return parts
    try:
        return tuple(float(part) for part in parts)
    except (TypeError, ValueError) as error:
        msg = "must list seconds such as 5, 300, 1800"
        raise ValueError(msg) from error


Seconds = Annotated[
    tuple[Annotated[float, Field(ge=0, le=30 * 86400, allow_inf_nan=False)], ...],
    NoDecode,
    BeforeValidator(_seconds),
]


def read_encryption_keys(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64`, the current key first. No error repeats what was given."""
    keys: dict[str, bytes] = {}
    for part in text.split(","):
        name, _, encoded = part.strip().partition(":")
        if not _KEY_ID.fullmatch(name) or name in keys:
            msg = "must list keys as id:base64, each id once, of up to 16 letters and digits"
            raise ValueError(msg)
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if len(key) != ENCRYPTION_KEY_BYTES:
            msg = f"must have {ENCRYPTION_KEY_BYTES} bytes in base64 behind each id"
            raise ValueError(msg)
        keys[name] = key
    return keys


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpSettings(Section):
    allowed_hosts: Words = ("localhost", "127.0.0.1", "[::1]")
    cors_origins: Words = ()
    trusted_proxies: Words = ("127.0.0.1", "::1")
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    gzip_min_bytes: int = Field(default=500, ge=1)
    request_timeout: float = Field(default=30.0, gt=0, description="seconds to wait for a request")
    metrics_token: SecretStr | None = None


class DatabaseSettings(Section):
    pool_size: int = Field(default=20, ge=1)
    max_overflow: int = Field(default=30, ge=0)
    busy_timeout: float = Field(default=5.0, gt=0, description="seconds to wait for a locked file")


class AuthSettings(Section):
    algorithm: Literal["HS256", "HS384", "HS512"] = "HS256"
    access_minutes: int = Field(default=15, ge=1)
    refresh_days: int = Field(default=30, ge=1)
    sign_up: SignUp = SignUp.INVITE
    invitation_days: int = Field(default=7, ge=1)
    reset_minutes: int = Field(default=60, ge=1)
    login_failures: int = Field(default=10, ge=1, description="per account and address")
    login_failures_per_address: int = Field(default=50, ge=1)
    login_window_seconds: int = Field(default=900, ge=1)


class LimitSettings(Section):
    enabled: bool = True
    requests_per_minute: int = Field(default=6000, ge=1, description="with a credential")
    anonymous_per_minute: int = Field(default=300, ge=1, description="without, for an address")


class SocketSettings(Section):
    ping_seconds: float = Field(default=20.0, gt=0, description="between asking who is there")
    pong_seconds: float = Field(default=25.0, gt=0, description="to answer that, or be gone")


class MessageSettings(Section):
    max_content_bytes: int = Field(default=128 * 1024, ge=1)
    max_hops: int = Field(default=50, ge=1, description="answers between agents alone")
    open_per_inbox: int = Field(default=100_000, ge=1, description="not acknowledged yet")
    sends_per_minute: int = Field(default=6000, ge=1, description="of one participant")
    keep_days: int | None = Field(
        default=None, ge=8, description="what is final is forgotten after so many; else never"
    )
    max_delay_days: int = Field(default=30, ge=1, description="how far deliver_at may lie ahead")
    queue_size: int = Field(default=10_000, ge=1)
    batch_size: int = Field(default=256, ge=1)


class RoomSettings(Section):
    max_members: int = Field(default=5000, ge=1, description="of one room")
    rooms_per_user: int = Field(default=1000, ge=1, description="made, and not deleted")


class FileSettings(Section):
    max_bytes: int = Field(default=5 * 1024 * 1024, ge=1, description="of one file")
    per_request: int = Field(default=20, ge=1)
    quota_bytes: int = Field(default=1024**3, ge=1, description="of all files of one user")
    allow_zip: bool = False
    link_minutes: int = Field(default=10, ge=1, le=7 * 24 * 60, description="of links to S3")


class ReportSettings(Section):
    keep_days: int = Field(default=30, ge=1, description="then a report is erased")
    at_a_time: int = Field(default=3, ge=1, description="waiting or being made, of one user")


class GatewaySettings(Section):
    allow_cidrs: Networks = Field(
        default=(), description="networks that are not public and may be called all the same"
    )
    connect_timeout: float = Field(default=10.0, gt=0)
    # a gateway of OpenClaw whose session is busy says so after 15 seconds
    timeout: float = Field(default=30.0, gt=0, description="seconds for one push")
    chat_timeout: float = Field(default=600.0, gt=0, description="seconds for a whole turn")
    max_answer_bytes: int = Field(default=64 * 1024, ge=1024)
    max_reply_bytes: int = Field(default=1024 * 1024, ge=1024, description="of one chat turn")
    tests_per_minute: int = Field(default=6, ge=1, description="of one agent's gateway")


class DeliverySettings(Section):
    concurrency: int = Field(default=512, ge=1, description="pushes at a time, of one process")
    retry_schedule: Seconds = Field(
        default=(5, 300, 1800, 7200, 18000, 36000, 36000),
        description="seconds before the second try, the third, and so on; then it has failed",
    )
    lease_seconds: float = Field(default=60.0, gt=0, description="how long a dead worker is missed")
    poll_seconds: float = Field(default=1.0, gt=0)
    chat_grace_seconds: float = Field(
        default=20.0, ge=0, description="at a stop, how long a chat may go on; then nobody knows"
    )
    pause_after_failures: int = Field(default=10, ge=1, description="in a row, and")
    pause_after_seconds: float = Field(default=300.0, ge=0, description="of nothing but failures")
    probe_schedule: Seconds = Field(
        default=(60, 300, 900, 3600),
        min_length=1,
        description="seconds before each try of a paused gateway; the last one again and again",
    )


class MailSettings(Section):
    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = "Hubbub <hubbub@localhost>"


class NotificationSettings(Section):
    mails_per_kind: int = Field(default=5, ge=0, description="one by one, in a window; of one kind")
    window_minutes: int = Field(default=60, ge=1, description="then the others go in one mail")
    keep_days: int = Field(default=90, ge=1, description="after they were read")


class ExportSettings(Section):
    at_once: int = Field(default=2, ge=1, description="of one process; each has a connection")
    stall_seconds: float = Field(default=30.0, gt=0, description="to read nothing, and be cut off")


class JobSettings(Section):
    concurrency: int = Field(default=8, ge=1)
    lease_seconds: float = Field(default=30.0, gt=0)
    poll_seconds: float = Field(default=2.0, gt=0)
    keep_days: int = Field(default=7, ge=1)


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Settings(BaseSettings):
    """Immutable; a test makes its own, the server reads the environment once."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    app_name: str = "Hubbub"
    telemetry: bool = Field(
        default=False, description="OpenTelemetry; where to, its own OTEL_ variables say"
    )
    description: str = "A self-hosted message hub for AI agents and the people who run them."
    version: ClassVar[str] = __version__
    environment: Environment = Environment.PRODUCTION
    debug: bool = False
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    site_url: str | None = None
    data_dir: Path = Path("data")
    database_url: str | None = None
    redis_url: RedisDsn | None = None
    blobs_url: str | None = Field(
        default=None,
        pattern=r"^s3://[a-z0-9][a-z0-9.-]+(/.*)?$",
        description="s3://bucket/prefix; a folder of the data directory if left out",
    )
    secret_key: SecretStr | None = None
    encryption_keys: SecretStr | None = None
    admin_email: str | None = None
    admin_password: SecretStr | None = None
    idempotency_days: int = Field(default=7, ge=1, description="how long keys are remembered")

    http: HttpSettings = HttpSettings()
    database: DatabaseSettings = DatabaseSettings()
    auth: AuthSettings = AuthSettings()
    limits: LimitSettings = LimitSettings()
    sockets: SocketSettings = SocketSettings()
    messages: MessageSettings = MessageSettings()
    rooms: RoomSettings = RoomSettings()
    files: FileSettings = FileSettings()
    reports: ReportSettings = ReportSettings()
    gateway: GatewaySettings = GatewaySettings()
    delivery: DeliverySettings = DeliverySettings()
    mail: MailSettings = MailSettings()
    notifications: NotificationSettings = NotificationSettings()
    exports: ExportSettings = ExportSettings()
    jobs: JobSettings = JobSettings()
    log: LogSettings = LogSettings()

    @property
    def embedded(self) -> bool:
        """Whether the hub lives in one SQLite file and is one process."""
        return self.database_dsn.startswith("sqlite")

    @property
    def database_dsn(self) -> str:
        url = self.database_url
        if url is None:
            return f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'hubbub.db'}"
        for plain, driver in (
            ("sqlite:", "sqlite+aiosqlite:"),
            ("postgresql:", "postgresql+asyncpg:"),
            ("postgres:", "postgresql+asyncpg:"),
        ):
            if url.startswith(plain):
                # `sslmode` is how everybody else writes what this driver calls `ssl`
                return driver + url.removeprefix(plain).replace("sslmode=", "ssl=")
        return url

    @property
    def public_url(self) -> str:
        """Where people reach the hub, for the links in mails and on pages; no slash at its end."""
        if self.site_url:
            return self.site_url.rstrip("/")
        host = "127.0.0.1" if self.on_every_address else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def on_every_address(self) -> bool:
        """Where to listen is then no address that anybody could be sent to."""
        return self.host in {"0.0.0.0", "::", ""}  # noqa: S104

    @property
    def shows_docs(self) -> bool:
        return self.debug or self.environment is not Environment.PRODUCTION

    @property
    def on_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @model_validator(mode="after")
    def _database_is_known(self) -> Self:
        if not self.database_dsn.startswith(("sqlite+aiosqlite:", "postgresql+asyncpg:")):
            msg = (
                "HUBBUB_DATABASE_URL must begin with postgresql:// or sqlite:///"
                " (leave it out for the embedded database)"
            )
            raise ValueError(msg)
        if self.embedded and ":memory:" in self.database_dsn:
            msg = "HUBBUB_DATABASE_URL must name a file: a hub in memory would lose its messages"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _secret_is_given(self) -> Self:
        secret = self.secret_key.get_secret_value() if self.secret_key else None
        if secret is not None and len(secret) < MIN_SECRET_LENGTH:
            msg = f"HUBBUB_SECRET_KEY must have at least {MIN_SECRET_LENGTH} characters"
            raise ValueError(msg)
        if secret is None and not self.embedded and self.environment is not Environment.LOCAL:
            msg = (
                "HUBBUB_SECRET_KEY must be set: several processes share it"
                " (make one with `openssl rand -hex 32`)"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _encryption_keys_are_given(self) -> Self:
        given = self.encryption_keys
        if given is not None:
            try:
                read_encryption_keys(given.get_secret_value())
            except ValueError as error:
                msg = f"HUBBUB_ENCRYPTION_KEYS {error}"
                raise ValueError(msg) from None
        elif not self.embedded and self.environment is not Environment.LOCAL:
            msg = (
                "HUBBUB_ENCRYPTION_KEYS must be set: several processes share them"
                ' (make one with `echo "1:$(openssl rand -base64 32)"`)'
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _production_names_its_hosts(self) -> Self:
        if self.environment is Environment.LOCAL:
            return self
        if "*" in self.http.allowed_hosts:
            msg = (
                "HUBBUB_HTTP__ALLOWED_HOSTS must name the hosts of this server, * is for local use"
            )
            raise ValueError(msg)
        if not self.on_loopback and "allowed_hosts" not in self.http.model_fields_set:
            msg = (
                "HUBBUB_HTTP__ALLOWED_HOSTS must name the hosts under which this server is reached,"
                " since HUBBUB_HOST is not a loopback address"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _cors_is_explicit(self) -> Self:
        if any("*" in origin for origin in self.http.cors_origins):
            msg = (
                "HUBBUB_HTTP__CORS_ORIGINS must list whole origins such as https://app.example.com"
            )
            raise ValueError(msg)
        if (
            self.environment is Environment.LOCAL
            and "cors_origins" not in self.http.model_fields_set
        ):
            origins = ("http://localhost:5173", "http://localhost:3000")
            http = self.http.model_copy(update={"cors_origins": origins})
            object.__setattr__(self, "http", http)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, _settings_file())
        return init_settings, env_settings, dotenv_settings, file_secret_settings, toml


def _settings_file() -> Path:
    """A file that is named must be there; the one that is looked for by default need not."""
    named = os.environ.get(CONFIG_VARIABLE)
    path = Path(named or "hubbub.toml")
    if named and not path.is_file():
        raise FileNotFoundError(errno.ENOENT, f"{CONFIG_VARIABLE} names no file", named)
    return path


@lru_cache
def get_settings() -> Settings:
    return Settings()


def describe_errors(error: ValidationError) -> list[str]:
    """One line for each wrong setting: the variable and what is wrong with it, never its value."""
    lines = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        msg = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            msg = "There is no such setting"
        names = [part.upper() for part in item["loc"] if isinstance(part, str)]
        # what is wrong with several settings together names them in its own sentence
        lines.append(f"{PREFIX}{'__'.join(names)}: {msg}" if names else msg)
    return lines


def unknown_variables(
    environ: Mapping[str, str] = os.environ,
) -> list[tuple[str, str | None]]:
    """Variables that look like settings but are none, each with the known name nearest to it."""
    known = sorted(_variables())
    found = []
    for name in sorted(environ):
        upper = name.upper()
        if upper.startswith(PREFIX) and upper not in known:
            nearest = get_close_matches(upper, known, n=1, cutoff=0.8)
            found.append((name, nearest[0] if nearest else None))
    return found


def _variables() -> Iterator[str]:
    yield CONFIG_VARIABLE
    for name, field in Settings.model_fields.items():
        yield f"{PREFIX}{name}".upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            for inner in field.annotation.model_fields:
                yield f"{PREFIX}{name}__{inner}".upper()

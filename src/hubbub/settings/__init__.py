"""Every setting of the hub, read from `HUBBUB_…` variables, `.env` and `hubbub.toml`.

This module is below all others: whoever needs a setting is given its section.
"""

import errno
import ipaddress
import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Self

from pydantic import (
    Field,
    RedisDsn,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hubbub import __version__
from hubbub.settings.sections import (
    AuthSettings,
    DatabaseSettings,
    DeliverySettings,
    ExportSettings,
    FileSettings,
    GatewaySettings,
    HttpSettings,
    JobSettings,
    LimitSettings,
    LogSettings,
    MailSettings,
    MessageSettings,
    NotificationSettings,
    ReportSettings,
    RoomSettings,
    Section,
    SignUp,
    SocketSettings,
)
from hubbub.settings.values import ENCRYPTION_KEY_BYTES, read_encryption_keys

__all__ = [
    "ENCRYPTION_KEY_BYTES",
    "MIN_SECRET_LENGTH",
    "AuthSettings",
    "DatabaseSettings",
    "DeliverySettings",
    "Environment",
    "ExportSettings",
    "FileSettings",
    "GatewaySettings",
    "HttpSettings",
    "JobSettings",
    "LimitSettings",
    "LogSettings",
    "MailSettings",
    "MessageSettings",
    "NotificationSettings",
    "ReportSettings",
    "RoomSettings",
    "Settings",
    "SignUp",
    "SocketSettings",
    "describe_errors",
    "get_settings",
    "read_encryption_keys",
    "unknown_variables",
]

MIN_SECRET_LENGTH = 32
PREFIX = "HUBBUB_"
CONFIG_VARIABLE = "HUBBUB_CONFIG"


class Environment(StrEnum):
    LOCAL = "local"
    STAGING = "staging"
    PRODUCTION = "production"


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

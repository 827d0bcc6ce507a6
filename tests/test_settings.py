from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from hubbub.settings import (
    Environment,
    Settings,
    SignUp,
    describe_errors,
    get_settings,
    unknown_variables,
)

SECRET = "s" * 32
ENCRYPTION_KEYS = "1:" + "QUJD" * 10 + "QUI="
POSTGRES = "postgresql://hubbub:hunter2@db/hubbub"


@pytest.fixture(autouse=True)
def clean_slate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the variables nor the files of whoever runs the tests."""
    for name, _ in unknown_variables():
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUBBUB_ENVIRONMENT", "local")


def refused() -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert "hunter2" not in str(caught.value)
    return describe_errors(caught.value)


def test_without_any_setting_it_is_an_embedded_hub_in_production(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HUBBUB_ENVIRONMENT")

    settings = Settings()

    assert settings.environment is Environment.PRODUCTION
    assert settings.embedded
    assert settings.database_dsn == f"sqlite+aiosqlite:///{tmp_path}/data/hubbub.db"
    assert settings.http.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert settings.http.cors_origins == ()
    assert (settings.database.pool_size, settings.database.max_overflow) == (20, 30)
    assert not settings.shows_docs


@pytest.mark.parametrize(
    "written",
    [
        "https://a.example,https://b.example",
        " https://a.example , https://b.example, ",
        '["https://a.example", "https://b.example"]',
    ],
)
def test_a_list_may_be_written_with_commas_or_as_json(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("HUBBUB_HTTP__CORS_ORIGINS", written)

    assert Settings().http.cors_origins == ("https://a.example", "https://b.example")


def test_networks_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_GATEWAY__ALLOW_CIDRS", "10.0.0.0/8, fd00::/8,192.0.2.1")

    allowed = Settings().gateway.allow_cidrs

    assert [str(each) for each in allowed] == ["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]


def test_names_are_read_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("hubbub_port", "1234")
    monkeypatch.setenv("Hubbub_Auth__Sign_Up", "open")

    settings = Settings()

    assert settings.port == 1234
    assert settings.auth.sign_up is SignUp.OPEN


def test_the_nearest_source_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hubbub.toml").write_text(
        'port = 1\nhost = "::1"\n[log]\nlevel = "error"\n[http]\nallowed_hosts = ["a", "b"]\n'
    )
    (tmp_path / ".env").write_text("HUBBUB_PORT=2\nHUBBUB_LOG__LEVEL=debug\nOTHER=x\n")

    assert Settings().port == 2
    monkeypatch.setenv("HUBBUB_PORT", "3")
    assert Settings().port == 3
    settings = Settings(port=4)

    assert settings.port == 4
    assert settings.log.level == "debug"
    assert settings.host == "::1"
    assert settings.http.allowed_hosts == ("a", "b")


def test_another_settings_file_can_be_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "other.toml"
    monkeypatch.setenv("HUBBUB_CONFIG", str(path))
    with pytest.raises(FileNotFoundError, match="HUBBUB_CONFIG"):
        Settings()

    path.write_text("port = 5")

    assert Settings().port == 5


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("HUBBUB_PORT", "hunter2", "HUBBUB_PORT: Input should be a valid integer"),
        ("HUBBUB_HTTP__MAX_BODY_BYTES", "hunter2", "HUBBUB_HTTP__MAX_BODY_BYTES: Input should be"),
        ("HUBBUB_HTTP__MAX_BODY_BYTES", "5", "HUBBUB_HTTP__MAX_BODY_BYTES: Input should be"),
        ("HUBBUB_GATEWAY__ALLOW_CIDRS", "hunter2", "HUBBUB_GATEWAY__ALLOW_CIDRS: must list"),
        ("HUBBUB_GATEWAY__ALLOW_CIDRS", "10.0.0.1/8", "HUBBUB_GATEWAY__ALLOW_CIDRS: must list"),
        ("HUBBUB_LOG__LEVEL", "hunter2", "HUBBUB_LOG__LEVEL: Input should be 'debug'"),
        ("HUBBUB_ENVIRONMENT", "hunter2", "HUBBUB_ENVIRONMENT: Input should be 'local'"),
        ("HUBBUB_REDIS_URL", "hunter2", "HUBBUB_REDIS_URL: Input should be a valid URL"),
        ("HUBBUB_HTTP__PROT", "hunter2", "HUBBUB_HTTP__PROT: There is no such setting"),
        ("HUBBUB_HTTP__ALLOWED_HOSTS", "[hunter2", "HUBBUB_HTTP__ALLOWED_HOSTS: must be a comma"),
        ("HUBBUB_SECRET_KEY", "hunter2", "HUBBUB_SECRET_KEY must have at least 32 characters"),
        (
            "HUBBUB_ENCRYPTION_KEYS",
            "!hunter2",
            "HUBBUB_ENCRYPTION_KEYS must list keys as id:base64",
        ),
        ("HUBBUB_ENCRYPTION_KEYS", "1:hunter2", "HUBBUB_ENCRYPTION_KEYS must have 32 bytes"),
        ("HUBBUB_DATABASE_URL", "mysql://hunter2@x/y", "HUBBUB_DATABASE_URL must begin with"),
        ("HUBBUB_DATABASE_URL", "sqlite:///:memory:", "HUBBUB_DATABASE_URL must name a file"),
        ("HUBBUB_HTTP__CORS_ORIGINS", "*", "HUBBUB_HTTP__CORS_ORIGINS must list whole origins"),
        ("HUBBUB_HTTP__CORS_ORIGINS", "https://*.x", "HUBBUB_HTTP__CORS_ORIGINS must list"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)

    (said,) = refused()

    assert said.startswith(line)
    assert "hunter2" not in said


def test_each_of_several_mistakes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_PORT", "x")
    monkeypatch.setenv("HUBBUB_LOG__LEVEL", "x")

    assert [line.partition(":")[0] for line in refused()] == ["HUBBUB_PORT", "HUBBUB_LOG__LEVEL"]


def test_a_section_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_HTTP", "{hunter2")

    with pytest.raises(SettingsError, match="http") as caught:
        Settings()

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_several_processes_need_a_secret_of_their_own(
    monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    monkeypatch.setenv("HUBBUB_ENVIRONMENT", environment)
    monkeypatch.setenv("HUBBUB_DATABASE_URL", POSTGRES)
    assert refused()[0].startswith("HUBBUB_SECRET_KEY must be set")

    monkeypatch.setenv("HUBBUB_SECRET_KEY", SECRET)
    assert refused()[0].startswith("HUBBUB_ENCRYPTION_KEYS must be set")

    monkeypatch.setenv("HUBBUB_ENCRYPTION_KEYS", ENCRYPTION_KEYS)

    settings = Settings()
    assert ENCRYPTION_KEYS not in repr(settings)
    assert settings.database_dsn == POSTGRES.replace("postgresql:", "postgresql+asyncpg:")
    assert SECRET not in repr(settings)


def test_a_local_hub_may_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_DATABASE_URL", POSTGRES)

    assert not Settings().embedded
    assert Settings().http.cors_origins != ()
    assert Settings().shows_docs


@pytest.mark.parametrize("hosts", [None, "*"])
def test_a_server_that_others_reach_names_its_hosts(
    monkeypatch: pytest.MonkeyPatch, hosts: str | None
) -> None:
    monkeypatch.setenv("HUBBUB_ENVIRONMENT", "production")
    monkeypatch.setenv("HUBBUB_HOST", "0.0.0.0")
    if hosts is not None:
        monkeypatch.setenv("HUBBUB_HTTP__ALLOWED_HOSTS", hosts)
    assert refused()[0].startswith("HUBBUB_HTTP__ALLOWED_HOSTS must name the hosts")

    monkeypatch.setenv("HUBBUB_HTTP__ALLOWED_HOSTS", "hub.example.com")

    assert Settings().http.allowed_hosts == ("hub.example.com",)


@pytest.mark.parametrize(
    ("host", "site_url", "public"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:8000"),
        ("0.0.0.0", None, "http://127.0.0.1:8000"),
        ("::1", None, "http://[::1]:8000"),
        ("127.0.0.1", "https://hub.example.com/", "https://hub.example.com"),
    ],
)
def test_where_people_reach_the_hub(host: str, site_url: str | None, public: str) -> None:
    assert Settings(host=host, site_url=site_url).public_url == public


def test_misspelt_variables_are_found_with_the_name_that_was_meant() -> None:
    environ = {
        "HUBBUB_PROT": "1",
        "HUBBUB_HTTP__ALLOWED_HOST": "x",
        "hubbub_something_else_entirely": "x",
        "HUBBUB_PORT": "1",
        "hubbub_log__level": "info",
        "HUBBUB_LOG": "{}",
        "HUBBUB_CONFIG": "x",
        "PATH": "x",
    }

    assert unknown_variables(environ) == [
        ("HUBBUB_HTTP__ALLOWED_HOST", "HUBBUB_HTTP__ALLOWED_HOSTS"),
        ("HUBBUB_PROT", "HUBBUB_PORT"),
        ("hubbub_something_else_entirely", None),
    ]


def test_the_server_reads_its_settings_once(monkeypatch: pytest.MonkeyPatch) -> None:
    get_settings.cache_clear()
    first = get_settings()
    monkeypatch.setenv("HUBBUB_PORT", "1")

    assert get_settings() is first
    get_settings.cache_clear()

"""Settings that can't be."""

import pytest

from tests.faults.processes import UVICORN, Workplace

WRONG = {
    "HUBBUB_PORT": "eighty-secret",
    "HUBBUB_HTTP__MAX_BODY_BYTES": "-77",
    "HUBBUB_LOG__LEVEL": "loudest-secret",
}


def test_each_wrong_setting_has_its_line(workplace: Workplace) -> None:
    ended = workplace.run("serve", env=WRONG)

    said = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert len(said) == len(WRONG)
    for name in WRONG:
        assert sum(name in line for line in said) == 1, said
    for value in WRONG.values():
        assert value not in ended.stdout + ended.stderr


def test_a_server_of_several_processes_needs_a_secret(workplace: Workplace) -> None:
    dsn = "postgresql://hubbub:hunter2@127.0.0.1:1/hubbub"
    wrong = {"HUBBUB_ENVIRONMENT": "production", "HUBBUB_DATABASE_URL": dsn}

    said = workplace.refuses("serve", env=wrong)

    assert "HUBBUB_SECRET_KEY must be set" in said
    assert "hunter2" not in said


def test_plain_uvicorn_says_the_same(workplace: Workplace) -> None:
    said = workplace.refuses(program=UVICORN, env={"HUBBUB_PORT": "eighty"})

    assert "HUBBUB_PORT" in said


def test_an_unknown_variable_is_a_warning(workplace: Workplace) -> None:
    ended = workplace.run("migrate", env={"HUBBUB_DATA_DIRR": "elsewhere"})

    assert ended.returncode == 0
    assert len(ended.stderr.splitlines()) == 1
    assert "HUBBUB_DATA_DIRR" in ended.stderr
    assert "did you mean HUBBUB_DATA_DIR" in ended.stderr
    assert "elsewhere" not in ended.stderr


def test_a_sender_that_is_no_address(workplace: Workplace) -> None:
    said = workplace.refuses("serve", "--port", "0", env={"HUBBUB_MAIL__SENDER": "nobody"})

    assert "HUBBUB_MAIL__SENDER" in said


@pytest.mark.parametrize(
    "options", ["nonsense=hunter2", "socket_timeout=hunter2", "ssl_cert_reqs=hunter2"]
)
def test_options_that_the_client_of_redis_does_not_take(workplace: Workplace, options: str) -> None:
    env = {"HUBBUB_REDIS_URL": f"rediss://127.0.0.1:1/0?{options}"}

    said = workplace.refuses("serve", "--port", "0", env=env)

    assert "HUBBUB_REDIS_URL" in said
    assert "hunter2" not in said


def test_a_variable_for_s3_that_its_client_does_not_take(workplace: Workplace) -> None:
    env = {"HUBBUB_BLOBS_URL": "s3://bucket", "AWS_CONDITIONAL_PUT": "hunter2"}

    said = workplace.refuses("serve", "--port", "0", env=env)

    assert "HUBBUB_BLOBS_URL" in said
    assert "AWS_" in said
    assert "hunter2" not in said


def test_options_win_over_variables(workplace: Workplace) -> None:
    env = {"HUBBUB_PORT": "1", "HUBBUB_DATA_DIR": "/proc/nowhere"}
    with workplace.serving("--data-dir", str(workplace.data), env=env) as hub:
        assert hub.ready()

    assert workplace.database.exists()

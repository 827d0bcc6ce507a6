import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hubbub.kit.ids import new_id
from hubbub.kit.keys import SECRET_FILE, Keyring, SecretFileError, load_keyring, token_hash
from hubbub.settings import Environment, Settings


def settings(data_dir: Path, secret: str | None = None) -> Settings:
    return Settings(
        _env_file=None,
        environment=Environment.LOCAL,
        data_dir=data_dir,
        secret_key=secret,
    )


def test_the_first_start_makes_a_secret_that_only_its_owner_reads(tmp_path: Path) -> None:
    first = load_keyring(settings(tmp_path))
    second = load_keyring(settings(tmp_path))

    path = tmp_path / SECRET_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text()) == 64
    assert first.key("a") == second.key("a")
    assert list(tmp_path.iterdir()) == [path]


def test_parallel_first_starts_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keyrings = list(pool.map(load_keyring, [settings(tmp_path)] * 32))

    assert len({keyring.key("a") for keyring in keyrings}) == 1
    assert [path.name for path in tmp_path.iterdir()] == [SECRET_FILE]


def test_two_hubs_have_two_secrets(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()

    one, two = (load_keyring(settings(tmp_path / name)) for name in ("one", "two"))

    assert one.key("a") != two.key("a")


@pytest.mark.parametrize("content", ["", "\n", "short"])
def test_a_secret_file_that_was_cut_short_is_not_used(tmp_path: Path, content: str) -> None:
    (tmp_path / SECRET_FILE).write_text(content)

    with pytest.raises(SecretFileError, match=SECRET_FILE):
        load_keyring(settings(tmp_path))


def test_a_secret_that_is_given_makes_no_file(tmp_path: Path) -> None:
    keyring = load_keyring(settings(tmp_path, "s" * 32))

    assert keyring.key("a") == Keyring("s" * 32).key("a")
    assert list(tmp_path.iterdir()) == []


def test_each_purpose_has_a_key_of_its_own() -> None:
    keyring = Keyring("s" * 32)

    assert keyring.key("a") != keyring.key("b")
    assert keyring.fingerprint("a", "token") != keyring.fingerprint("b", "token")
    assert keyring.fingerprint("a", "token") != keyring.fingerprint("a", "other")
    assert b"token" not in keyring.fingerprint("a", "token")


def test_a_token_names_its_subject_to_whoever_made_it() -> None:
    keyring, subject = Keyring("s" * 32), new_id()

    token = keyring.token_for("a", subject)

    assert keyring.subject_of("a", token) == subject
    assert keyring.subject_of("b", token) is None
    assert Keyring("x" * 32).subject_of("a", token) is None


@pytest.mark.parametrize("token", ["", "x", "=", "é", "\x00", "A" * 64, "a" * 10_000, "\ud800"])
def test_a_made_up_token_names_nobody(token: str) -> None:
    assert Keyring("s" * 32).subject_of("a", token) is None


def test_a_changed_token_names_nobody() -> None:
    keyring = Keyring("s" * 32)
    token = keyring.token_for("a", new_id())

    for place in range(0, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        assert keyring.subject_of("a", token[:place] + other + token[place + 1 :]) is None


def test_a_stored_hash_is_not_the_token() -> None:
    assert token_hash("token") == token_hash("token")
    assert token_hash("token") != token_hash("Token")
    assert b"token" not in token_hash("token")

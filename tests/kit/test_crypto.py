import stat
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from hubbub.kit.crypto import KEYS_FILE, Safe, SealBrokenError, add_key, load_safe
from hubbub.kit.ids import new_id
from hubbub.kit.keys import SecretFileError
from hubbub.settings import Environment, Settings, read_encryption_keys

ONE, TWO = "1:" + "QUJD" * 10 + "QUI=", "2:" + "REVG" * 10 + "REU="
ROW = UUID("0199a0c5-dbaf-7e7c-8f91-98f919f84a8c")
PLACE = ("agent", "gateway_token", ROW)


def safe(*keys: str) -> Safe:
    return Safe(read_encryption_keys(",".join(keys)))


def settings(data_dir: Path, keys: str | None = None) -> Settings:
    return Settings(
        _env_file=None,
        environment=Environment.LOCAL,
        data_dir=data_dir,
        encryption_keys=SecretStr(keys) if keys else None,
    )


def test_what_is_sealed_can_be_opened_at_its_place_alone() -> None:
    sealed = safe(ONE).seal("tökén", *PLACE)

    assert safe(ONE).open(sealed, *PLACE) == "tökén"
    for place in (
        ("agent", "gateway_token", new_id()),
        ("agent", "session_key", ROW),
        ("user", "gateway_token", ROW),
    ):
        with pytest.raises(SealBrokenError):
            safe(ONE).open(sealed, *place)


def test_the_same_secret_never_looks_the_same() -> None:
    one, other = (safe(ONE).seal("token", *PLACE) for _ in range(2))

    assert one != other
    assert b"token" not in one


def test_the_first_key_seals_and_all_of_them_open() -> None:
    old = safe(ONE).seal("token", *PLACE)
    both = safe(TWO, ONE)

    new = both.seal("token", *PLACE)

    assert both.open(old, *PLACE) == both.open(new, *PLACE) == "token"
    assert (both.is_current(old), both.is_current(new)) == (False, True)
    assert safe(TWO).open(new, *PLACE) == "token"
    with pytest.raises(SealBrokenError, match="no encryption key '1'"):
        safe(TWO).open(old, *PLACE)


def test_whatever_is_changed_is_noticed() -> None:
    sealed = safe(ONE).seal("token", *PLACE)

    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBrokenError):
            safe(ONE).open(bytes(changed), *PLACE)
    for length in range(len(sealed)):
        with pytest.raises(SealBrokenError):
            safe(ONE).open(sealed[:length], *PLACE)


@pytest.mark.parametrize(
    "text",
    ["", "1", "1:", "1:AAAA", f"{ONE},{ONE}", f"{ONE},", "é:" + ONE[2:], "a b:" + ONE[2:], "1:é"],
)
def test_keys_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        read_encryption_keys(text)

    assert text[2:] == "" or text[2:] not in str(caught.value)


def test_an_embedded_hub_makes_its_own(tmp_path: Path) -> None:
    first, second = (load_safe(settings(tmp_path)) for _ in range(2))

    assert second.open(first.seal("token", *PLACE), *PLACE) == "token"
    path = tmp_path / KEYS_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_one_that_is_given_makes_no_file(tmp_path: Path) -> None:
    sealed = load_safe(settings(tmp_path, ONE)).seal("token", *PLACE)

    assert safe(ONE).open(sealed, *PLACE) == "token"
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_not_used(tmp_path: Path) -> None:
    (tmp_path / KEYS_FILE).write_text("1:cut")

    with pytest.raises(SecretFileError, match=KEYS_FILE):
        load_safe(settings(tmp_path))


def test_a_new_key_comes_before_the_others(tmp_path: Path) -> None:
    before = load_safe(settings(tmp_path))
    old = before.seal("token", *PLACE)

    for _ in range(2):
        add_key(tmp_path)
    after = load_safe(settings(tmp_path))

    assert after.open(old, *PLACE) == "token"
    assert not after.is_current(old)
    assert stat.S_IMODE((tmp_path / KEYS_FILE).stat().st_mode) == 0o600
    assert len(list(tmp_path.iterdir())) == 1

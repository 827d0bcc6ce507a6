from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest

from hubbub.auth.tokens import Tokens
from hubbub.kit.clock import ManualClock
from hubbub.kit.keys import Keyring
from hubbub.settings import AuthSettings

SECRET = "s" * 32


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2030, 1, 1, tzinfo=UTC))


@pytest.fixture
def tokens(clock: ManualClock) -> Tokens:
    return Tokens(Keyring(SECRET), AuthSettings(), clock)


def claims_of(tokens: Tokens, **changes: object) -> dict[str, object]:
    now = tokens.now()
    claims: dict[str, object] = {
        "iss": "hubbub",
        "aud": "hubbub",
        "sub": str(uuid4()),
        "sid": str(uuid4()),
        "iat": now,
        "exp": now + timedelta(minutes=5),
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def test_a_token_says_who_it_is_for(tokens: Tokens) -> None:
    user_id, session_id = uuid4(), uuid4()

    claims = tokens.read_access(tokens.make_access(user_id, session_id))

    assert claims is not None
    assert (claims.user_id, claims.session_id) == (user_id, session_id)


def test_a_token_ends_after_a_quarter_of_an_hour(tokens: Tokens, clock: ManualClock) -> None:
    token = tokens.make_access(uuid4(), uuid4())

    clock.move(timedelta(minutes=14, seconds=59))
    before = tokens.read_access(token)
    clock.move(timedelta(seconds=1))
    after = tokens.read_access(token)

    assert before is not None
    assert after is None


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "iat", "exp"])
def test_every_claim_is_required(tokens: Tokens, claim: str) -> None:
    token = jwt.encode(claims_of(tokens, **{claim: None}), tokens.keys.key("access"), "HS256")

    assert tokens.read_access(token) is None


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "me"},
        {"sid": 1},
        {"exp": "tomorrow"},
        {"iss": "other"},
        {"aud": "other"},
        {"sub": 7},
    ],
)
def test_a_malformed_claim_is_no_claim(tokens: Tokens, change: dict[str, object]) -> None:
    try:
        token = jwt.encode(claims_of(tokens, **change), tokens.keys.key("access"), "HS256")
    except TypeError:
        token = jwt.api_jws.encode(repr(change).encode(), tokens.keys.key("access"), "HS256")

    assert tokens.read_access(token) is None


def test_the_algorithm_is_pinned(tokens: Tokens) -> None:
    claims = claims_of(tokens)
    stronger = jwt.encode(claims, tokens.keys.key("access"), "HS384")
    unsigned = jwt.encode(claims, "", "none")

    assert tokens.read_access(stronger) is None
    assert tokens.read_access(unsigned) is None


def test_each_purpose_has_its_own_key(tokens: Tokens) -> None:
    token = jwt.encode(claims_of(tokens), tokens.keys.key("refresh"), "HS256")

    assert tokens.read_access(token) is None


@pytest.mark.parametrize("token", ["", "a.b.c", "....", "é", "a" * 10_000])
def test_garbage_is_no_token(tokens: Tokens, token: str) -> None:
    assert tokens.read_access(token) is None

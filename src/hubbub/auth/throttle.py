from hubbub.auth.errors import TooManyAttempts
from hubbub.kit.counters import seconds_left
from hubbub.kit.http.limits import address_key
from hubbub.kit.keys import token_hash
from hubbub.kit.resources import Resources
from hubbub.users.models import User


class Throttle:
    """Slows guessing without letting a stranger lock anybody out: attempts count for the account
    as tried from one address, and for the address, never for the account as such."""

    def __init__(self, resources: Resources, name: str, address: str | None) -> None:
        settings = resources.settings.auth
        self._counters = resources.counters
        self._window = settings.login_window_seconds
        self._place = f"sign-in:{address_key(address)}"
        self._most = settings.login_failures
        self._limits = (
            (self._key(name.strip().lower()), self._most),
            (self._place, settings.login_failures_per_address),
        )
        self._account: str | None = None

    def _key(self, name: str) -> str:
        return f"{self._place}:{token_hash(name).hex()}"

    def is_for(self, user: User) -> None:
        """An account has an address and a username; guesses by either count together."""
        self._account = self._key(str(user.id))

    def account_is_used_up(self) -> bool:
        """Then no password is right any more. A 429 for a name that hasn't been tried as often
        would tell a stranger whose other name it is."""
        used = self._counters.count(self._account, self._window) if self._account else 0
        return used >= self._most

    def check(self) -> None:
        if any(self._counters.count(key, self._window) >= most for key, most in self._limits):
            raise TooManyAttempts(retry_after=seconds_left(self._window))

    def failed(self) -> None:
        for key, _ in self._limits:
            self._counters.hit(key, self._window)
        if self._account is not None:
            self._counters.hit(self._account, self._window)

"""
Unauthenticated          401
├── InvalidCredentials       the name or the password is wrong
└── InvalidToken             an access, refresh or API token that doesn't count (any more)
    └── RefreshReused        … and was used twice: its whole session is over
"""

from hubbub.kit.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)


class InvalidCredentials(Unauthenticated):
    code = "invalid_credentials"
    title = "The name or the password is wrong"
    keeps_writes = True  # the failed attempt is recorded


class InvalidToken(Unauthenticated):
    code = "invalid_token"
    title = "The token is wrong, expired or revoked; sign in again or use another key"


class RefreshReused(InvalidToken):
    code = "refresh_reused"
    title = "This refresh token was used before; the session has been ended, sign in again"
    keeps_writes = True  # the end of the session


class TooManyAttempts(TooManyRequests):
    code = "too_many_attempts"
    title = "Too many attempts to sign in from here; wait a while"


class ScopeMissing(Forbidden):
    code = "scope_missing"
    title = "This API key was made without the scope that this needs"


class SessionRequired(Forbidden):
    code = "session_required"
    title = "This needs a signed-in person; an API key won't do"


class WrongPassword(Forbidden):
    code = "wrong_password"
    title = "The current password is missing or wrong"


class SignUpClosed(Forbidden):
    code = "sign_up_closed"
    title = "Accounts are made by the admins of this hub; ask one of them"


class InvitationRequired(Forbidden):
    code = "invitation_required"
    title = "An account needs a valid invitation, for the address that was invited"


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"
    title = "API key not found"


class SessionNotFound(NotFound):
    code = "session_not_found"
    title = "Session not found"


class InvitationNotFound(NotFound):
    code = "invitation_not_found"
    title = "Invitation not found"


class ResetExpired(BadRequest):
    code = "reset_expired"
    title = "This reset link is wrong, used or expired; ask for a new one"


class SetupDone(Conflict):
    code = "setup_done"
    title = "This hub has its first admin already; sign in instead"


class OwnsThings(Conflict):
    code = "owns_things"
    title = "This user owns things; say what becomes of them"


class HeirNotFound(NotFound):
    code = "heir_not_found"
    title = "The heir must be another active user"

from hubbub.kit.errors import Conflict, Forbidden, NotFound


class UserNotFound(NotFound):
    code = "user_not_found"
    title = "User not found"


class EmailTaken(Conflict):
    code = "email_taken"
    title = "Email already taken"


class UsernameTaken(Conflict):
    code = "username_taken"
    title = "Username already taken"


class LastAdmin(Conflict):
    code = "last_admin"
    title = "This is the last active admin; make somebody else an admin first"


class NotYourself(Forbidden):
    code = "not_your_account"
    title = "Only the user in question and admins may do that"


class AdminsOnly(Forbidden):
    code = "admins_only"
    title = "Only admins may do that"

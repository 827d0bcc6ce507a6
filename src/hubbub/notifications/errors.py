from hubbub.kit.errors import NotFound


class NotificationNotFound(NotFound):
    code = "notification_not_found"
    title = "You have no such notification"

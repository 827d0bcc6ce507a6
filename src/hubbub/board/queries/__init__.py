"""Statements and finders about posts and comments. Whoever looks comes first."""

from hubbub.board.queries.comments import (
    count_replies,
    find_comment,
    ids_of_comments,
    list_comments,
    lock_comment,
    sees_comment,
)
from hubbub.board.queries.mentions import find_mention, participants_named
from hubbub.board.queries.posts import (
    SEARCH_KIND,
    Filters,
    count_comments,
    find_post,
    keep_post,
    list_posts,
    list_posts_of,
    lock_post,
    search_posts,
    sees_post,
)

__all__ = [
    "SEARCH_KIND",
    "Filters",
    "count_comments",
    "count_replies",
    "find_comment",
    "find_mention",
    "find_post",
    "ids_of_comments",
    "keep_post",
    "list_comments",
    "list_posts",
    "list_posts_of",
    "lock_comment",
    "lock_post",
    "participants_named",
    "search_posts",
    "sees_comment",
    "sees_post",
]

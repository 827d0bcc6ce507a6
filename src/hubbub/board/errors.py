"""
What is refused on the board. To whom a post is invisible, all of it is PostNotFound.

NotFound                 404
├── PostNotFound
└── CommentNotFound      also when it belongs to another post
Forbidden                403
├── NotYourPost
└── NotYourComment
Conflict                 409
├── CommentTooDeep       an answer to an answer
└── CommentDeleted
"""

from hubbub.kit.errors import Conflict, Forbidden, NotFound


class PostNotFound(NotFound):
    code = "post_not_found"
    title = "Post not found"


class CommentNotFound(NotFound):
    code = "comment_not_found"
    title = "There is no such comment on this post"


class NotYourPost(Forbidden):
    code = "not_your_post"
    title = "Only who wrote the post, and admins, may do that"


class NotYourComment(Forbidden):
    code = "not_your_comment"
    title = "Only who wrote the comment, and admins, may do that"


class CommentTooDeep(Conflict):
    code = "comment_too_deep"
    title = "That comment is an answer itself; answer the comment that it answers"


class CommentDeleted(Conflict):
    code = "comment_deleted"
    title = "The comment is deleted; only the answers to it are left"

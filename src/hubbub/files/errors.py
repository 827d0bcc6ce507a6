"""
What is refused about files. What somebody may not see is FileNotFound.

NotFound                 404
├── FileNotFound
└── NoThumbnail
Forbidden                403
└── NotYourFile          seen where it is attached
Conflict                 409
├── FileQuota
└── NoLinks
Gone                     410
└── FileLost
TooLarge                 413
├── FileTooLarge
└── TooManyFiles
                         415
└── FileTypeRefused
                         416
└── FileShorter
Unprocessable            422
├── NoFile
└── FileEmpty
Unavailable              503
└── FilesAway
"""

from hubbub.kit.errors import (
    AppError,
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    TooLarge,
    Unavailable,
    Unprocessable,
)


class FileNotFound(NotFound):
    code = "file_not_found"
    title = "File not found"


class NoThumbnail(NotFound):
    code = "no_thumbnail"
    title = "There is no small picture of this file"


class NotYourFile(Forbidden):
    code = "not_your_file"
    title = "Only who has sent a file in deletes it"


class FileQuota(Conflict):
    code = "file_quota"
    title = "You have as many bytes of files as you may have; delete some first"


class NoLinks(Conflict):
    code = "no_links"
    title = "This hub keeps its files itself; read the content from it"


class FileLost(Gone):
    code = "file_lost"
    title = "The bytes of this file are gone; tell the operator of the hub"


class FileTooLarge(TooLarge):
    code = "file_too_large"
    title = "The file is too large"


class TooManyFiles(TooLarge):
    code = "too_many_files"
    title = "Too many files at once"


class FileTypeRefused(AppError):
    status = 415
    code = "file_type_refused"
    title = "Files of this kind are not taken"

    def __init__(self) -> None:
        super().__init__(
            "Taken are images (PNG, JPEG, GIF, WebP), PDF, and text in UTF-8: plain, JSON, CSV,"
            " Markdown; no HTML, SVG or XML. The operator may allow zip."
        )


class FileShorter(AppError):
    status = 416
    code = "range_not_satisfiable"
    title = "The range lies outside of the file"

    def __init__(self, size: int = 0) -> None:
        super().__init__()
        self.size = size

    def headers(self) -> dict[str, str]:
        return {"Content-Range": f"bytes */{self.size}"}


class NoFile(Unprocessable):
    code = "no_file"
    title = "The form has no file in it"


class FileEmpty(Unprocessable):
    code = "file_empty"
    title = "The file is empty"


class FilesAway(Unavailable):
    code = "files_away"
    title = "The store of files doesn't answer; try again"

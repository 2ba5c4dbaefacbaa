"""The only door for files. Everything outside calls what stands here."""

from shops.imports.door import absent_of, errors_of, preview, process, receive, unfinished
from shops.imports.files import path_of, rejected_path
from shops.imports.rejects import rejects_csv

__all__ = [
    "absent_of",
    "errors_of",
    "path_of",
    "preview",
    "process",
    "receive",
    "rejected_path",
    "rejects_csv",
    "unfinished",
]

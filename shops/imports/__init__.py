"""The only door for files. Everything outside calls what stands here."""

from shops.imports.door import (
    absent_of,
    cancel,
    confirm,
    errors_of,
    read_anew,
    receive,
    suspicions_of,
    unfinished,
)
from shops.imports.files import path_of, rejected_path
from shops.imports.processing import preview, process
from shops.imports.reading import Reading
from shops.imports.rejects import rejects_csv

__all__ = [
    "Reading",
    "absent_of",
    "cancel",
    "confirm",
    "errors_of",
    "path_of",
    "preview",
    "process",
    "read_anew",
    "receive",
    "rejected_path",
    "rejects_csv",
    "suspicions_of",
    "unfinished",
]

"""The only door for files. Everything outside calls what stands here."""

from shops.imports.brought import Brought, brought_by
from shops.imports.door import (
    READ_ANEW,
    absent_of,
    cancel,
    column_names,
    confirm,
    errors_of,
    meanings_of,
    read_anew,
    receive,
    right_to,
    same_before,
    suspicions_of,
    unfinished,
)
from shops.imports.drop_folder import collect
from shops.imports.errors import kinds_of_errors
from shops.imports.files import clear_away, path_of, rejected_path
from shops.imports.processing import preview, process
from shops.imports.reading import Reading
from shops.imports.rejects import rejects_csv
from shops.imports.retention import forget_months
from shops.imports.reversing import REVERSIBLE, take_back, take_turns_with
from shops.imports.words import told

__all__ = [
    "READ_ANEW",
    "REVERSIBLE",
    "Brought",
    "Reading",
    "absent_of",
    "brought_by",
    "cancel",
    "clear_away",
    "collect",
    "column_names",
    "confirm",
    "errors_of",
    "forget_months",
    "kinds_of_errors",
    "meanings_of",
    "path_of",
    "preview",
    "process",
    "read_anew",
    "receive",
    "rejected_path",
    "rejects_csv",
    "right_to",
    "same_before",
    "suspicions_of",
    "take_back",
    "take_turns_with",
    "told",
    "unfinished",
]

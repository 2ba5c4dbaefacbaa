"""A fair hearing: filed, taken, asked and answered, ruled on by somebody who had no part in the decision."""

from opsdesk.appeals.contests import case_of, why_not_contested
from opsdesk.appeals.evidence import Offered, add
from opsdesk.appeals.filing import TooLate, admit_late, file
from opsdesk.appeals.guards import AlreadyOver
from opsdesk.appeals.many import file_many
from opsdesk.appeals.pieces import assign, strike
from opsdesk.appeals.ruling import NotRestored, deny, grant, grant_in_part
from opsdesk.appeals.seen import Unseen, looked_at
from opsdesk.appeals.tables import FileOfAppealsRefused
from opsdesk.appeals.working import (
    answer,
    ask,
    complete,
    note,
    release,
    stay,
    take,
    unstay,
    withdraw,
    withdraws,
)

__all__ = [
    "AlreadyOver",
    "FileOfAppealsRefused",
    "NotRestored",
    "Offered",
    "TooLate",
    "Unseen",
    "add",
    "admit_late",
    "answer",
    "ask",
    "assign",
    "case_of",
    "complete",
    "deny",
    "file",
    "file_many",
    "grant",
    "grant_in_part",
    "looked_at",
    "note",
    "release",
    "stay",
    "strike",
    "take",
    "unstay",
    "why_not_contested",
    "withdraw",
    "withdraws",
]

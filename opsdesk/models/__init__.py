"""What the desk itself remembers: decisions, executions, notices, appeals. Import models from here."""

from opsdesk.models.appeals import LONGEST_TEXT, ON_APPEAL, Appeal, AppealMessage
from opsdesk.models.channels import Channel
from opsdesk.models.decisions import Decision
from opsdesk.models.evidence import Evidence
from opsdesk.models.executions import Execution
from opsdesk.models.notices import Notice
from opsdesk.models.terms import AppealTerms

__all__ = [
    "LONGEST_TEXT",
    "ON_APPEAL",
    "Appeal",
    "AppealMessage",
    "AppealTerms",
    "Channel",
    "Decision",
    "Evidence",
    "Execution",
    "Notice",
]

"""Pages on which the desk decides, runs and administers. Each module registers what it describes."""

from opsdesk.admin import appeals, decisions, executions, notices, penalties, people, proposals, sweeps, terms

__all__ = [
    "appeals",
    "decisions",
    "executions",
    "notices",
    "penalties",
    "people",
    "proposals",
    "sweeps",
    "terms",
]

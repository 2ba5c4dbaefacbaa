"""Pages on which the desk decides, runs and administers. Each module registers what it describes."""

from opsdesk.admin import decisions, penalties, people, proposals, sweeps

__all__ = ["decisions", "penalties", "people", "proposals", "sweeps"]

"""Pages on which the desk decides, runs and administers. Each module registers what it describes."""

from opsdesk.admin import decisions, people, proposals, sweeps

__all__ = ["decisions", "people", "proposals", "sweeps"]

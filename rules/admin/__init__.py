"""Pages of the rule book. Proposals and daily checks, which decide and run, stand in opsdesk.admin."""

from rules.admin import exemptions, rulesets

__all__ = ["exemptions", "rulesets"]

"""Pages of the rule book and of imports. Proposals and daily checks stand in opsdesk.admin."""

from rules.admin import declared, exemptions, imports, rulesets, simulations, thresholds, unjudged

__all__ = ["declared", "exemptions", "imports", "rulesets", "simulations", "thresholds", "unjudged"]

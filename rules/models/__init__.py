"""Rules, checks and proposals. Import models from here."""

from rules.models.facts import Fact
from rules.models.proposals import Proposal
from rules.models.rulesets import Rule, RuleSet, ShopExemption
from rules.models.sweeps import Sweep

__all__ = ["Fact", "Proposal", "Rule", "RuleSet", "ShopExemption", "Sweep"]

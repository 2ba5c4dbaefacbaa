"""Rules, checks and proposals. Import models from here."""

from rules.models.exemptions import ShopExemption
from rules.models.facts import Fact
from rules.models.proposals import Proposal
from rules.models.replays import SweepInput
from rules.models.rules import Alternative, Condition, Rule
from rules.models.rulesets import Retirement, RuleSet
from rules.models.simulations import SimulatedChange, Simulation
from rules.models.sweeps import Sweep

__all__ = [
    "Alternative",
    "Condition",
    "Fact",
    "Proposal",
    "Retirement",
    "Rule",
    "RuleSet",
    "ShopExemption",
    "SimulatedChange",
    "Simulation",
    "Sweep",
    "SweepInput",
]

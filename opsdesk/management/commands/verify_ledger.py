from __future__ import annotations

from opsdesk.management.verification import VerifyCommand


class Command(VerifyCommand):
    help = "Every deposit equals the sum of its entries (I2), and reversals are exact (I3)."
    facts = ("ledger", "reversals")

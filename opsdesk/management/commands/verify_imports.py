from __future__ import annotations

from opsdesk.management.verification import VerifyCommand


class Command(VerifyCommand):
    help = "Each import accounts for every row of its file (I7)."
    facts = ("imports",)

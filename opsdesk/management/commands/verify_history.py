from __future__ import annotations

from opsdesk.management.verification import VerifyCommand


class Command(VerifyCommand):
    help = "Each audited row equals its newest history (I5)."
    facts = ("history",)

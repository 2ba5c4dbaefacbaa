from __future__ import annotations

from opsdesk.management.verification import VerifyCommand


class Command(VerifyCommand):
    help = "Nothing is running without a living worker (I8)."
    facts = ("leases",)

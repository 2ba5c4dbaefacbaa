from __future__ import annotations

from opsdesk.management.verification import VerifyCommand


class Command(VerifyCommand):
    help = "Each appeal that was granted has overturned its penalty (A)."
    facts = ("appeals",)

from __future__ import annotations

from opsdesk.management.verification import VerifyCommand


class Command(VerifyCommand):
    help = "Every decided proposal has exactly one decision (I1)."
    facts = ("decisions",)

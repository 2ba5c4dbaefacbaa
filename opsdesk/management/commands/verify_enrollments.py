from __future__ import annotations

from opsdesk.management.verification import VerifyCommand


class Command(VerifyCommand):
    help = "Proposals fit where their shops stand, openings stay within the limit (I6)."
    facts = ("enrollments",)

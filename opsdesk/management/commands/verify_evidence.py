from __future__ import annotations

from opsdesk.management.verification import VerifyCommand


class Command(VerifyCommand):
    help = "Every file that supports an appeal is in the store as it came; reads all of them."
    facts = ("evidence",)

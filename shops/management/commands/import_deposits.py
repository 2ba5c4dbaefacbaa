from __future__ import annotations

from shops.management.importing import ImportCommand
from shops.models import ImportBatch


class Command(ImportCommand):
    help = "Import a CSV file of movements of deposits."
    kind = ImportBatch.Kind.DEPOSITS

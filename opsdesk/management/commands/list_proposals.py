from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from opsdesk.management.answers import AnsweringCommand, the_alliance
from rules.models import Proposal


class Command(AnsweringCommand):
    help = "The proposals of one alliance; the open ones unless a status is given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--alliance", required=True, metavar="CODE")
        parser.add_argument("--status", choices=Proposal.Status.values, default=Proposal.Status.OPEN.value)
        parser.add_argument("--kind", choices=Proposal.Kind.values)

    def answer(self, **options: Any) -> tuple[Any, str]:
        proposals = Proposal.objects.filter(
            alliance=the_alliance(options["alliance"]), status=options["status"]
        ).order_by("id")
        if options["kind"]:
            proposals = proposals.filter(kind=options["kind"])
        value: list[dict[str, Any]] = [
            {
                "id": pk,
                "shop": shop,
                "product": product,
                "kind": kind,
                "ground": ground or None,
                "status": status,
                "filed_on": filed_on.isoformat(),
                "rules": rules,
            }
            for pk, shop, product, kind, ground, status, filed_on, rules in proposals.values_list(
                "id", "shop__code", "product__code", "kind", "ground", "status", "filed_on", "failed_rules"
            ).iterator()
        ]
        lines = [
            f"{p['id']:>8} {p['kind']:8} {p['shop']:24} {p['product'] or '':24} {p['filed_on']}"
            f" {', '.join(p['rules'])}"
            for p in value
        ]
        return value, "\n".join(lines) or "none"

"""The record of money, notices and appeals, a row in a sentence."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from opsdesk.models import Appeal
from shops import money
from shops.models import DepositEntry, Penalty


def of_entry(entry: DepositEntry) -> str:
    return _("Deposit: %(kind)s %(amount)s, balance %(balance)s") % {
        "kind": entry.get_kind_display(),
        "amount": money.told(entry.amount_fen),
        "balance": money.told(entry.balance_fen),
    }


def of_top_up(row: Any) -> str:
    return _("Top-up of %(amount)s due on %(day)s: %(state)s") % {
        "amount": money.told(row.amount_fen),
        "day": row.due_on,
        "state": row.get_state_display(),
    }


def of_notice(row: Any) -> str:
    case = {"number": Penalty(pk=row.penalty_id).case_number, "channel": row.get_channel_display()}
    if row.delivered_at is None:
        return _("Notice of penalty %(number)s is written") % case
    return _("Notice of penalty %(number)s is delivered: %(channel)s") % case


def of_appeal(row: Any) -> str:
    return _("Appeal %(number)s against penalty %(case)s: %(state)s") % {
        "number": Appeal(pk=row.id).number,
        "case": Penalty(pk=row.penalty_id).case_number,
        "state": row.get_state_display(),
    }

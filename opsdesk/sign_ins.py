"""Accounts to try the desk with: one for each role, each time with a new password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from axes.utils import reset
from django.contrib.auth.models import Group, User
from django.db import transaction

from opsdesk.roles import ROLES


@dataclass(frozen=True)
class SignIn:
    role: str
    username: str
    password: str


def fresh() -> list[SignIn]:
    """One staff account for each role of `opsdesk.roles`, in its group alone, under a new random password.

    For development and trials: whoever reads the terminal may sign in.
    """
    sign_ins = [SignIn(role, role.replace("_", "-"), secrets.token_urlsafe(12)) for role in ROLES]
    with transaction.atomic():
        for sign_in in sign_ins:
            user, _created = User.objects.get_or_create(username=sign_in.username)
            user.is_active = user.is_staff = True
            user.set_password(sign_in.password)
            user.save()
            user.groups.set([Group.objects.get(name=sign_in.role)])
            # Wrong guesses at an earlier password must not lock the new one out.
            reset(username=sign_in.username)
    return sign_ins

"""Where the two live, made once for all pairs."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User

from shops.models import PointsThreshold
from tests.factories import AT, make_user
from tests.opsdesk.twins.seen import Twin
from tests.shops.accounting import paid_in


@dataclass
class Scene:
    """The two shops, and the people who decide on them."""

    twins: tuple[Twin, Twin]
    people: dict[str, User]

    @classmethod
    def made(cls) -> Scene:
        roles = {"maker": "supervisor", "clerk": "appeals_officer", "operator": "operator"}
        roles |= dict.fromkeys(["judge 1", "judge 2", "stays"], "supervisor")
        for points in (8, 12):
            threshold = PointsThreshold(points=points, kinds=["restrict_live", "suspend"], days=5)
            threshold.save_by(None, "as agreed")
        scene = cls((Twin.born(), Twin.born()), {name: make_user(role) for name, role in roles.items()})
        for one in scene.twins:
            paid_in(one.shop, 500_000, at=AT)
        return scene

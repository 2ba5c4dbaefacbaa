"""The rule sets of an alliance that count on a day, and their evaluable rules: of shops or of products."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import ClassVar

from rules.criteria import Criterion
from rules.judging import criteria_of, exempted_codes
from rules.models import RuleSet
from rules.publishing import in_force
from shops.models import Alliance

Purpose = RuleSet.Purpose


@dataclass(frozen=True)
class VersionsOfDay:
    """The rule sets of `alliance` in force on `day`.

    `instead`: another version, such as a draft, in the place of the one of its purpose.
    """

    SUBJECT: ClassVar[RuleSet.Subject]
    # Of which it has rules, in the order in which they are told.
    PURPOSES: ClassVar[tuple[RuleSet.Purpose, ...]]

    alliance: Alliance
    day: date
    instead: RuleSet | None = None

    @cached_property
    def _by_purpose(self) -> dict[RuleSet.Purpose, RuleSet | None]:
        return {purpose: self._version(purpose) for purpose in self.PURPOSES}

    def _version(self, purpose: RuleSet.Purpose) -> RuleSet | None:
        if self.instead is not None and self.instead.purpose == purpose:
            return self.instead
        return in_force(self.alliance, purpose, self.day, self.SUBJECT)

    @cached_property
    def _exempted_codes(self) -> Set[str]:
        return exempted_codes(self.alliance, self.day)

    @cached_property
    def _criteria(self) -> dict[RuleSet.Purpose, list[Criterion]]:
        return {
            purpose: [] if version is None else criteria_of(version, self._exempted_codes)
            for purpose, version in self._by_purpose.items()
        }

    @property
    def versions(self) -> list[RuleSet]:
        """The rule sets gone by."""
        return [version for version in self._by_purpose.values() if version is not None]

    @property
    def criteria(self) -> list[Criterion]:
        """The evaluable rules of all of them, set by set."""
        return [criterion for criteria in self._criteria.values() for criterion in criteria]

    def of_purpose(self, purpose: str) -> list[Criterion]:
        """The evaluable rules of one purpose, in order."""
        return self._criteria[Purpose(purpose)]

    @property
    def admission(self) -> RuleSet | None:
        """None where there is none, or none in the place of a retired one: then nobody is let in."""
        return self._by_purpose[Purpose.ADMISSION]

    @property
    def clearance(self) -> RuleSet | None:
        """None where there is none, or none in the place of a retired one: then nobody is put out."""
        return self._by_purpose[Purpose.CLEARANCE]

    @property
    def admitting(self) -> list[Criterion]:
        """The evaluable rules of admission, in order."""
        return self._criteria[Purpose.ADMISSION]

    @property
    def clearing(self) -> list[Criterion]:
        """The evaluable rules of clearance, in order: a shop that meets one is cleared, a product stopped."""
        return self._criteria[Purpose.CLEARANCE]

"""What staged cells mean, as SQL over the text that stands in them."""

from __future__ import annotations


def share_of(cell: str) -> str:
    """The share of 1 that a staged rate means."""
    percent = f"rtrim({cell}, '%%')::numeric / 100"
    plain = f"nullif({cell}, '')::numeric"
    return f"CASE WHEN right({cell}, 1) = '%%' THEN {percent} ELSE {plain} END"


def moment_of(cell: str) -> str:
    """The moment that a staged one means: in Shanghai, unless it names its zone."""
    zoned = f"WHEN {cell} ~ ':[0-9.]+(Z|[+-])' THEN {cell}::timestamptz"
    return f"CASE WHEN {cell} = '' THEN NULL {zoned} ELSE {cell}::timestamp AT TIME ZONE 'Asia/Shanghai' END"

"""Which challenges forbid which training data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from abawbench.base.problems import Problem
from abawbench.challenges import Challenge

# s-Aff-Wild2 and the synthetic set are frames of Aff-Wild2, which has their validation and test videos with labels
_PAGE_11 = (
    "organisers' page of the 11th edition: any data except A/V Aff-Wild2, images and annotations; any pretrained model "
    "not trained on Aff-Wild2"
)
_EARLIER = "assumed: no text of this edition was seen; the 11th forbids it, and the test frames are those of Aff-Wild2"
WITHOUT_AFF_WILD2: Mapping[str, str] = MappingProxyType(
    {
        "abaw3-mtl": _EARLIER,
        "abaw4-mtl": _EARLIER,
        "abaw4-lsd": _EARLIER,
        "abaw7-mtl": _EARLIER,
        "abaw11-mtl": _PAGE_11,
    }
)
"""Challenges that may not be entered with models trained on Aff-Wild2, and where that is said."""

_AFF_WILD2 = re.compile(r"(\bs[-_ ]?)?aff[-_ ]?wild", re.IGNORECASE)


def forbidden_training(challenge: Challenge, trained_on: Sequence[str]) -> tuple[Problem, ...]:
    """What a challenge's rules say against the data a model was trained on, weights included.

    Args:
        challenge: the track.
        trained_on: names of data sets, as an entry declares them; s-Aff-Wild2 itself is allowed.

    Returns:
        D29 for each name that the rules forbid; N05 where the rule of that edition is assumed.
    """
    source = WITHOUT_AFF_WILD2.get(challenge.id)
    if source is None:
        return ()
    rule = "N05" if source.startswith("assumed") else "D29"
    return tuple(
        Problem(
            rule,
            f"{challenge.id} with a model trained on {name}",
            source,
            "train on s-Aff-Wild2 and on data that are not Aff-Wild2, from weights that have not seen it",
        )
        for name in trained_on
        if is_aff_wild2(name)
    )


def is_aff_wild2(name: str) -> bool:
    """True where a name means Aff-Wild2 or Aff-Wild, which is part of it; s-Aff-Wild2 is another set.

    >>> [is_aff_wild2(name) for name in ("A/V Aff-Wild2", "affwild", "s-Aff-Wild2", "AffectNet")]
    [True, True, False, False]
    """
    return any(match[1] is None for match in _AFF_WILD2.finditer(name))

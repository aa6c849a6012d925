"""Many tests at once: one error rate for the whole family."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p: Sequence[float], tests: int | None = None) -> list[float]:
    """Adjusted p of the tests of a family, for each test in its place.

    Args:
        p: p of each test.
        tests: number of all tests of the family; those whose p is not known count as larger, which no p of theirs
            makes too small. None: there are no others.

    Source: Holm 1979, Scandinavian Journal of Statistics 6(2).

    >>> holm([0.01, 0.04])
    [0.02, 0.04]
    >>> holm([0.01, 0.04], 3)
    [0.03, 0.08]
    """
    tests = len(p) if tests is None else tests
    adjusted = [0.0] * len(p)
    so_far = 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        so_far = max(so_far, min(1.0, (tests - rank) * p[index]))
        adjusted[index] = so_far
    return adjusted

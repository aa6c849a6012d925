"""Numbers for the sources of a record, as a text refers to them."""

from __future__ import annotations

from collections.abc import Iterator


class Footnotes:
    """Numbers of sources, in the order of their first use."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, source: str) -> str:
        """The numbers of a source, as `[3][7]`, or an assumption in full."""
        if source.startswith("assumed"):
            return f"({source})"
        numbers = [self._numbers.setdefault(part, len(self._numbers) + 1) for part in source.split("; ")]
        return "".join(f"[{number}]" for number in numbers)

    def numbered(self) -> Iterator[tuple[int, str]]:
        """Number and source of every footnote."""
        for source, number in self._numbers.items():
            yield number, source

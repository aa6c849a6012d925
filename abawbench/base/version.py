"""Which version this is, the only place that says it, and those of the libraries it stands on."""

from __future__ import annotations

from collections.abc import Iterable

VERSION = "0.1.0"


def versions_of(libraries: Iterable[str]) -> dict[str, str]:
    """Versions of those libraries that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str] = {}
    for name in libraries:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

"""The version of abawbench, stated here alone, and those of installed libraries."""

from __future__ import annotations

from collections.abc import Iterable

VERSION = "0.1.0"


def versions_of(libraries: Iterable[str]) -> dict[str, str]:
    """The versions of libraries by name; libraries that are not installed are left out."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str] = {}
    for name in libraries:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

"""Profiles of a rehearsal: the conditions under which a platform runs a scoring program, each under a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType

from abawbench.base.problems import Problem, ProblemError, near_names

# seconds and bytes of a run, where nothing else is asked for
TIME_LIMIT_S = 600.0
MEMORY_LIMIT = 4 << 30
JOINT = "+"


@dataclass(frozen=True, slots=True)
class Profile:
    """Conditions of a run; a profile that joins several has the conditions of each.

    Attributes:
        name: name of the profile.
        description: what it is like, for a reader.
        adds_metadata: True where the worker puts a file `metadata` of its own beside the submission.
        packs_like_finder: True where the submission is packed as the Finder of a Mac does.
        is_read_only: True where the input cannot be written.
        has_no_network: True where no connection can be opened.
        time_share: share of the time limit that there is.
        memory_share: share of the memory limit that there is.
        has_no_capabilities: True where the user is root and may do no more than others.
        has_old_python: True where the interpreter is Python 3.9 with NumPy 1.26.
    """

    name: str
    description: str
    adds_metadata: bool = False
    packs_like_finder: bool = False
    is_read_only: bool = False
    has_no_network: bool = False
    time_share: float = 1.0
    memory_share: float = 1.0
    has_no_capabilities: bool = False
    has_old_python: bool = False


_ALONE = (
    Profile("plain", "as the submission was sent, and nothing else"),
    Profile("worker-metadata", "the worker's own file `metadata` lies beside the submission", adds_metadata=True),
    Profile("mac-zip", "the submission was packed on a Mac", packs_like_finder=True),
    Profile("read-only", "truth, program and submission cannot be written", is_read_only=True),
    Profile("no-network", "no connection can be opened", has_no_network=True),
    Profile("time", "a worker on which everything takes ten times as long", time_share=0.1),
    Profile("memory", "a worker with a quarter of the memory", memory_share=0.25),
    Profile("root-without-capabilities", "the user is root and may do no more than others", has_no_capabilities=True),
    Profile("python39-numpy126", "Python 3.9 with NumPy 1.26", has_old_python=True),
)


def _joined(name: str, parts: Sequence[Profile], description: str) -> Profile:
    """A profile with every condition of others."""
    values: dict[str, bool | float] = {}
    for field in fields(Profile)[2:]:
        told = [getattr(part, field.name) for part in parts]
        values[field.name] = any(told) if isinstance(field.default, bool) else min(told)
    return Profile(name, description, **values)  # pyright: ignore


def _named() -> Mapping[str, Profile]:
    alone = {profile.name: profile for profile in _ALONE}
    usual = [alone[name] for name in ("worker-metadata", "read-only", "no-network")]
    platform = _joined("platform", usual, "what every platform does: read-only input, no network, files of its own")
    return MappingProxyType({"platform": platform, **alone})


PROFILES: Mapping[str, Profile] = _named()


def read_profiles(names: Sequence[str]) -> tuple[Profile, ...]:
    """The profiles of these names; `a+b` has the conditions of both, and `all` is every one of `PROFILES`.

    Raises:
        ProblemError: C02, a name is unknown.
    """
    found: dict[str, Profile] = {}
    for name in names:
        if name == "all":
            found |= PROFILES
            continue
        parts: list[Profile] = []
        for part in name.split(JOINT):
            if part not in PROFILES:
                fix = f"write {near_names(part, PROFILES)}"
                raise ProblemError(Problem("C02", f"profile '{part}'", "a profile, several joined by +, or all", fix))
            parts.append(PROFILES[part])
        joined = _joined(name, parts, "; ".join(part.description for part in parts))
        found[name] = parts[0] if len(parts) == 1 else joined
    return tuple(found.values())

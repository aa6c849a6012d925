"""Units that may not be shown: their names are replaced by pseudonyms wherever a page could say them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, ProblemError, near_names, unreadable
from abawbench.scoring import Paired
from abawbench.table import video_of


@dataclass(frozen=True, slots=True)
class Masking:
    """Pseudonyms of what may not be shown.

    Attributes:
        names: pseudonym by name: of units, of their videos, and of the subjects in them.
    """

    names: Mapping[str, str]

    def name(self, name: str) -> str:
        """A name as it may be shown."""
        return self.names.get(name, name)

    def text(self, text: str) -> str:
        """A text in which every masked name is replaced, in capitals too, and where it is a part of a path."""
        if not self.names:
            return text
        known = {name.casefold(): pseudonym for name, pseudonym in self.names.items()}
        pattern = "|".join(re.escape(name) for name in sorted(self.names, key=lambda name: (-len(name), name)))
        alone = re.compile(rf"(?<![0-9A-Za-z])(?:{pattern})(?![0-9A-Za-z])", re.IGNORECASE)
        return alone.sub(lambda found: known.get(found[0].casefold(), "masked"), text)

    def paired(self, paired: Paired) -> Paired:
        """A truth and its prediction under the names that may be shown."""
        truth, prediction = (
            replace(table, videos=tuple(self.name(video) for video in table.videos))
            for table in (paired.truth, paired.prediction)
        )
        flags = tuple(self.text(flag) for flag in paired.flags)
        return replace(paired, truth=truth, prediction=prediction, flags=flags)

    def subjects(self, subjects: Mapping[str, str] | None) -> Mapping[str, str] | None:
        """Subjects of videos under the names that may be shown."""
        return None if subjects is None else {self.name(video): self.name(who) for video, who in subjects.items()}


NOTHING = Masking({})


def masking_of(names: Sequence[str], units: Sequence[str], subjects: Mapping[str, str] | None = None) -> Masking:
    """Pseudonyms for units that may not be shown.

    All persons of a video are masked if one is, since the name of the video is a part of theirs; so is the subject of
    a masked unit.

    Args:
        names: names of units, of videos, or of subjects.
        units: units of the truth.
        subjects: subject of each unit, if known.

    Raises:
        ProblemError: C02, a name that is none of these: a name that is misspelt would be shown.
    """
    subjects = subjects or {}
    asked = set(names)
    known = {*units, *map(video_of, units), *subjects.values()}
    unknown = [name for name in names if name not in known]
    if unknown:
        expected = near_names(unknown[0], sorted(known))
        fix = "name units, videos or subjects as the truth does"
        raise ProblemError(Problem("C02", f"{unknown[0]!r} to be masked", expected, fix, count=len(unknown)))
    videos = [video_of(unit) for unit in units if {unit, video_of(unit), subjects.get(unit, "")} & (asked - {""})]
    pseudonyms: dict[str, str] = {}
    for video in dict.fromkeys(videos):
        pseudonyms[video] = _free(f"masked{len(pseudonyms) + 1}", known)
    masked = [unit for unit in units if video_of(unit) in pseudonyms]
    people = dict.fromkeys(subjects[unit] for unit in masked if unit in subjects)
    return Masking(
        {who: _free(f"person{number}", known) for number, who in enumerate(people, 1)}
        | pseudonyms
        | {unit: pseudonyms[video_of(unit)] + unit[len(video_of(unit)) :] for unit in masked}
    )


def _free(name: str, known: set[str]) -> str:
    return name if name not in known else _free(f"{name}x", known)


def read_masked(path: Path) -> tuple[str, ...]:
    """The names in a file, one on each line; empty lines and those that begin with # are left out.

    Raises:
        ProblemError: F01, the file cannot be read, or is no text; F02, it names nothing, so everything would be shown.
    """
    try:
        lines = read_input(path).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error
    names = tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    if not names:
        found, fix = "no name, so everything would be shown", "name units, videos or subjects, or leave --masked out"
        raise ProblemError(Problem("F02", found, "one name on a line", fix, str(path)))
    return names

"""Names of rows and units that are spelt otherwise than in the list: the right names, and the causes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem
from abawbench.formats.columns import Role
from abawbench.formats.keys import PATTERNS, Names, encode, join_keys, split_keys
from abawbench.formats.layout import Key
from abawbench.formats.text import quote
from abawbench.table import NO_FRAME, Integers, places_of

if TYPE_CHECKING:
    import pyarrow as pa

Keys = Any  # pyarrow's ChunkedArray of text, which has no type stubs
Places = NDArray[np.int64]

IMAGES = r"(?i:\.(?:jpe?g|png|bmp|tiff?|webp))"
ENDING = re.compile(r"\.(?:mp4|avi|mov|mkv|webm|wav|mp3|jpe?g|png|bmp|tiff?|webp|txt|csv)\Z", re.IGNORECASE)
_FRACTION = re.compile(r"((?:\A|/)[0-9]+)\.0+\Z")
_NUMBER = r"(?:frame[-_ ]?|img[-_ ]?|image[-_ ]?)?(?P<frame>\d{1,9})"
# names from which the video and the frame can be told, however they are spelt
LEGIBLE = {
    "path": rf"^(?P<video>.*[^/\\])[/\\]+\s*{_NUMBER}(?:{IMAGES})?\s*$",
    "frame-path": rf"^(?P<video>.*[^/\\])[/\\]+\s*{_NUMBER}(?:{IMAGES})?\s*$",
    "frame": rf"^(?P<video>)\s*{_NUMBER}(?:\.0+|{IMAGES})?\s*$",
}
# a cause is named when it explains at least this share of the names that are not in the list
EXPLAINED = 0.5


def _without_ending(name: str) -> str:
    end = len(name)
    while (begin := name.rfind(".", 0, end)) > 0 and ENDING.fullmatch(name, begin, end):
        end = begin
    return name[:end]


def _without_fraction(name: str) -> str:
    return _FRACTION.sub(r"\1", name)


def _without_zeros(name: str) -> str:
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.lstrip('0') or '0'}" if last.isascii() and last.isdigit() else name


# Every way in which a unit's name may be spelt otherwise, folders apart: the part that does not count is taken away.
SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "blanks": str.strip,
    "slashes": lambda name: re.sub(r"[/\\]+", "/", name).removeprefix("./").rstrip("/"),
    "ending": _without_ending,
    "fraction": _without_fraction,
    "inner blanks": lambda name: name.replace(" ", "_"),
    "zeros": _without_zeros,
}


@dataclass(frozen=True, eq=False)
class Respelling:
    """The names of rows of a prediction, as the list has them.

    Attributes:
        unit: shape (units of the prediction,), index of the list's unit; -1 where no one unit of the list fits.
        step: number to add to every frame.
        causes: causes of the wrong names, each worded as advice.
    """

    unit: Integers
    step: int
    causes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Renaming:
    """Corrected names of rows.

    Attributes:
        keys: all names; those that were correct are unchanged.
        causes: causes of the wrong names, each worded as advice.
    """

    keys: pa.ChunkedArray
    causes: tuple[str, ...]


def match_units(names: Sequence[str], wanted: Sequence[str]) -> tuple[Integers, tuple[str, ...]]:
    """Find the units of a list under other spellings of their names.

    A name fits where both are equal but for what `SPELLINGS` takes away, and but for folders in front of one of them.

    Args:
        names: names of units.
        wanted: names of the list.

    Returns:
        The index of each unit in the list, shape (names,), -1 where none fits or several do; and the causes of the
        wrong names, each worded as advice.
    """
    unit = places_of(names, wanted)
    unknown = np.flatnonzero(unit < 0).tolist()
    if not unknown:
        return unit, ()
    parts = [_plain(name).split("/") for name in wanted]
    by_last: dict[str, list[int]] = {}
    for place, pieces in enumerate(parts):
        by_last.setdefault(pieces[-1], []).append(place)
    causes: dict[str, None] = {}
    for place in unknown:
        own = _plain(names[place]).split("/")
        near = [other for other in by_last.get(own[-1], ()) if _ends_alike(own, parts[other])]
        fitting = [other for other in near if parts[other] == own] or near
        if len(fitting) == 1:
            unit[place] = fitting[0]
            causes |= dict.fromkeys(_causes(names[place], wanted[fitting[0]], wanted))
    return unit, tuple(causes)


def frame_step(have: Names, unit: Integers, wanted: Names, base: int) -> int:
    """The number to add to every frame of a prediction that seems to count from another number than the list; else 0.

    Args:
        have: names of the prediction.
        unit: shape (units of the prediction,), index of the list's unit or -1.
        wanted: names of the list.
        base: number of the first frame in the format.
    """
    frames = have[2][(unit[have[1]] >= 0) & (have[2] != NO_FRAME)]
    listed = wanted[2][wanted[2] != NO_FRAME]
    if not len(frames) or not len(listed):
        return 0
    first = int(frames.min())
    if base == 1:
        return int(first == 0)
    return -1 if first == 1 and int(listed.min()) == 0 and int(frames.max()) > int(listed.max()) else 0


def renumbered_units(names: Sequence[str], wanted: Sequence[str]) -> tuple[Integers, int] | None:
    """Match names that are numbers counted from 0 where the list counts from 1, or from 1 where it counts from 0.

    Returns:
        The index of each unit in the list, shape (names,), and the number that was added to each name; None unless all
        names are then in the list.
    """
    numbers = {_plain(name): place for place, name in enumerate(wanted)}
    own = [_plain(name) for name in names]
    are_numbers = all(name.isascii() and name.isdigit() for name in (*own, *numbers))
    if not own or not are_numbers or ("0" in own) == ("0" in numbers):
        return None
    step = 1 if "0" in own else -1
    found = [numbers.get(str(int(name) + step), -1) for name in own]
    return None if -1 in found else (np.array(found, np.int32), step)


def step_cause(step: int) -> str:
    """The cause of frames that are counted from another number, worded as advice."""
    return f"count from {'1, not from 0: add 1 to' if step == 1 else '0, not from 1: subtract 1 from'} every number"


def legible_names(keys: pa.ChunkedArray, kind: Key) -> tuple[Names, Places] | None:
    """Videos and frames of row names, however they are spelt.

    Args:
        keys: names of rows.
        kind: form of the names.

    Returns:
        Videos, and the video index and frame of each row, as `keys.split_keys` gives them; and the places of the rows
        whose number or ending is not written as the format asks. None where the frame of a name cannot be told.
    """
    if kind not in LEGIBLE:
        names = split_keys(keys, kind)
        return None if names is None else (names, np.empty(0, np.int64))
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    parts = compute.extract_regex(keys, LEGIBLE[kind])
    if parts.null_count:
        return None
    video, videos = encode(compute.struct_field(parts, "video"))
    frame = compute.struct_field(parts, "frame").cast(pa.int32()).to_numpy()
    regular = compute.match_substring_regex(keys, PATTERNS.get(kind, r"^\d+$"))
    return (videos, video, frame), np.flatnonzero(~regular.to_numpy())


def read_names(keys: pa.ChunkedArray, kind: Key, role: Role, source: str) -> tuple[Names, tuple[Problem, ...]] | None:
    """Videos and frames of row names, and a note on names of a prediction that are not written as the format asks.

    Returns:
        As `keys.split_keys` gives them, and notes; None where the frame of a name cannot be told.
    """
    names = split_keys(keys, kind)
    if names is not None:
        return names, ()
    found = legible_names(keys, kind) if role == "prediction" else None
    return None if found is None else (found[0], (irregular_note(keys, *found, kind, source),))


def irregular_note(keys: pa.ChunkedArray, names: Names, places: Places, key: Key, source: str) -> Problem:
    """N12 for names whose number or ending is not written as the format asks."""
    first = places[:1]
    right = join_keys(names[0], names[1][first], names[2][first], key)[0].as_py()
    causes = tail_causes(keys.take(places), key, right)
    return respelt(keys[int(first[0])].as_py(), right, causes, source, len(places))


def rename(keys: pa.ChunkedArray, wanted: pa.ChunkedArray, kind: Key) -> Renaming | None:
    """Correct the names of rows; return None unless a few causes explain most of those that are not in the list.

    Args:
        keys: row names of a file.
        wanted: row names of the list.
        kind: form of the names.
    """
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    listed = legible_names(wanted, kind)
    if listed is None:
        return None
    rough = compute.match_substring_regex(keys, LEGIBLE[kind]).to_numpy() if kind in LEGIBLE else None
    own = legible_names(keys if rough is None else keys.filter(pa.array(rough)), kind)
    if own is None or not len(own[0][1]):
        return None
    respelling = _respell(own[0], listed[0], kind)
    unit = respelling.unit[own[0][1]]
    is_known = unit >= 0
    right = join_keys(listed[0][0], np.maximum(unit, 0), own[0][2] + respelling.step, kind)
    if rough is None:
        candidates, is_changed = right, is_known
    else:
        # names without a legible frame stay as they are
        place = np.where(rough, np.cumsum(rough) - 1, 0)
        candidates, is_changed = right.take(pa.array(place)), rough & is_known[place]
    current = compute.if_else(pa.array(is_changed), candidates, keys)
    before, after = _count_matches(keys, wanted), _count_matches(current, wanted)
    changed = differing(keys, current)
    if not len(changed) or after - before < EXPLAINED * (len(wanted) - before) or after == before:
        return None
    tails = () if kind not in LEGIBLE else tail_causes(keys.take(pa.array(changed)), kind, wanted[0].as_py())
    counted = (step_cause(respelling.step),) if respelling.step else ()
    return Renaming(current, (*respelling.causes, *tails, *counted))


def respelt(found: str, right: str, causes: Sequence[str], file: str, count: int) -> Problem:
    """A note on names that were read as those of the list.

    Args:
        found: a name as it is.
        right: the same name as the list has it.
        causes: causes of the wrong names, each worded as advice.
        file: file or folder of the names.
        count: number of rows whose names are spelt otherwise.
    """
    advice = "; ".join(causes)
    fix = f"{advice}; `abawbench check --repair` or `abawbench write` makes a file with the names of the list"
    return Problem("N12", f"{quote(found)} read as {quote(right)} ({advice})", quote(right), fix, file, None, count)


def differing(keys: Keys, others: Keys) -> Places:
    """The places at which two columns of names differ."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    return np.flatnonzero(compute.not_equal(keys, others).to_numpy())


def _respell(have: Names, wanted: Names, kind: Key) -> Respelling:
    unit, causes = match_units(have[0], wanted[0])
    if kind in LEGIBLE:
        step = frame_step(have, unit, wanted, 0 if (wanted[2] == 0).any() else 1)
        return Respelling(unit, step, causes)
    if (unit < 0).any():
        shifted = renumbered_units(have[0], wanted[0])
        if shifted is not None:
            return Respelling(shifted[0], 0, (*causes, step_cause(shifted[1])))
    return Respelling(unit, 0, causes)


def _plain(name: str) -> str:
    for take_away in SPELLINGS.values():
        name = take_away(name)
    return name


def _ends_alike(one: list[str], other: list[str]) -> bool:
    count = min(len(one), len(other))
    return one[-count:] == other[-count:]


def _causes(name: str, right: str, wanted: Sequence[str]) -> list[str]:
    """What is spelt otherwise in a name: whatever would keep it apart from the right one if it counted."""
    causes: list[str] = []
    example = wanted[0]
    own, other = _plain(name).count("/"), _plain(right).count("/")
    if own > other:
        causes.append(f"begin names as the list does, '{example}'")
    elif own < other:
        folder = "/".join(right.split("/")[: other - own])
        causes.append(f"begin names with '{folder}/', as '{example}'")
    for spelling in SPELLINGS:
        if not _ends_alike(_apart(name, spelling).split("/"), _apart(right, spelling).split("/")):
            causes.append(_advice(spelling, name, right, example))
    # such a name has `./` in front
    return causes or [f"begin names as the list does, '{example}'"]


def _apart(name: str, kept: str) -> str:
    """A plain name but for one spelling, which counts."""
    for spelling, take_away in SPELLINGS.items():
        if spelling != kept:
            name = take_away(name)
    return name


def _advice(spelling: str, name: str, right: str, example: str) -> str:
    match spelling:
        case "blanks":
            return "remove the blanks around names"
        case "slashes":
            return "use forward slashes" if "\\" in name else f"write slashes as in '{example}'"
        case "fraction":
            return f"keep names as text, as '{example}'"
        case "ending":
            ending = ENDING.search(right)
            return "leave out the file ending" if ending is None else f"end names with '{ending[0]}'"
        case "inner blanks":
            return "write '_' for blanks" if " " not in right else "write blanks where the list has them"
        case _:
            width = len(_apart(right, spelling).rpartition("/")[2])
            zeros = f"write numbers with {width} digits, zeros in front" if width > 1 else "leave out zeros in front"
            return f"{zeros}, as '{example}'"


def tail_causes(keys: Keys, kind: Key, example: str) -> tuple[str, ...]:
    """What is odd about the number and the ending of legible names that are not the list's, worded as advice."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    digits = {"path": r"[/\\](?:\d{5}|[1-9]\d{5,})\D*$", "frame-path": r"frame-(?:0|[1-9]\d*)\D*$"}
    odd = {
        "remove the blanks around names": (r"^\s|\s$|[/\\]\s", True),
        "use forward slashes": (r"\\", True),
    }
    if kind != "frame":
        width = "numbers with 5 digits, zeros in front" if kind == "path" else "frame numbers without zeros in front"
        odd |= {
            "end names with '.jpg'": (r"\.jpg\s*$", False),
            f"write {width}, as '{example}'": (digits[kind], False),
        }
    else:
        odd |= {"write the frame's number alone": (r"^\s*\d+\s*$", False)}
    found: list[str] = []
    for cause, (pattern, is_fault) in odd.items():
        has = compute.match_substring_regex(keys, pattern)
        if (compute.any(has) if is_fault else compute.invert(compute.all(has))).as_py():
            found.append(cause)
    return tuple(found)


def _count_matches(keys: Keys, wanted: Keys) -> int:
    """Count the rows of the list that have a row of the same name in the file; repetitions count."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    listed = wanted.unique()
    counts = np.bincount(compute.index_in(wanted, value_set=listed).to_numpy())
    places = compute.index_in(keys, value_set=listed).drop_null().to_numpy()
    return int(np.minimum(counts, np.bincount(places, minlength=len(listed))).sum())

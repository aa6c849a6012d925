"""Checking: what a submission holds, and how its rows compare with the organisers' list."""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from abawbench.organisers.frozen.parts.facts import HAS_COLUMN_FOLDERS
from abawbench.organisers.frozen.parts.problems import SHOWN, Problems
from abawbench.organisers.frozen.parts.reading import (
    NAMES,
    NO_FRAME,
    NUMBER,
    Reader,
    Rows,
    as_lines,
    is_litter,
    joined_units,
    layouts_of,
    load,
    named,
    own_files,
    quote,
    tell_irregular,
    unit_of,
)
from abawbench.table import video_of

# bytes that a zip may hold at least and at most, how many times its own size between them, and members
UNSUSPECTED, LARGEST, LARGEST_RATIO, MOST_MEMBERS = 1 << 26, 1 << 30, 200, 10_000
# bytes of the list of members: each has 46 at least, and its name
LARGEST_LIST = 1 << 24
ARCHIVES = (".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar", ".zst")
ARCHIVE_STARTS = (b"PK\3\4", b"PK\5\6", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a")
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError, OverflowError)
# faults of a file beside which its rows can still be compared
KEPT = ("F05", "F08", "F09", "F10", "F15", "F16")
FRAME = re.compile(r"/(?:frame-)?[0-9]+\.jpg(?:,|\Z)")
# names of a list that are read at a time
PART = 1 << 14
COPY = "copy the names from the list: frames from 1, five digits, forward slashes"


def check(
    path: str, template: str | None, record: dict[str, Any], known: Rows | None = None
) -> tuple[list[dict[str, Any]], Rows | None]:
    """The problems of a submission, and its rows if there is none but notes; `known` has names that may occur in it."""
    problems, layouts, listed, rows = Problems(), layouts_of(record, "prediction"), None, None
    if layouts[0]["key"] not in ("line", "frame") and known is not None:
        layouts = [dict(layout, has_zero=bool((known.frame == 0).any())) for layout in layouts]
    if template is not None:
        read_names = read_unit_list if layouts[0]["per_unit"] else read_row_list
        listed = read_names(template, layouts[0], problems)
        if os.path.exists(path) and os.path.exists(template) and os.path.samefile(path, template):
            tell_list("F04", "the prediction itself", "the organisers' list", template, problems)
    if not problems.refuses:
        rows = submitted(path, layouts, listed, record, problems)
    return problems.listed(), None if problems.refuses else rows


def submitted(
    path: str, layouts: Sequence[Any], listed: Any, record: dict[str, Any], problems: Problems
) -> Rows | None:
    """The rows of a submission, whose problems are told."""
    members = members_of(path, record, layouts[0], problems)
    is_packed = os.path.isdir(path) or is_zip(path)
    files = {name: f"{path}:{name}" if is_packed else path for name in sorted(members)}
    trials: dict[str, list[str]] = {}
    for name in files:
        trials.setdefault(os.path.dirname(name) if layouts[0]["per_unit"] else name, []).append(name)
    if not trials and not problems.refuses:
        problems.add("Z08", "no prediction file", "at least one", "pack the prediction files", path)
    contents = [lambda names=names: [members[name]() for name in names] for names in trials.values()]
    if not trials or not is_one_trial(contents, record, layouts[0], path, problems):
        return None
    names = next(iter(trials.values()))
    if layouts[0]["per_unit"]:
        own = {name: files[name] for name in names}
        return submitted_units(members, own, layouts[0], listed, path, problems)
    return checked(members[names[0]](), layouts, files[names[0]], listed, (), problems)


def is_one_trial(trials: Sequence[Any], record: dict[str, Any], layout: Any, path: str, problems: Problems) -> bool:
    """True for one trial, or several that are the same; each is a function for its contents."""
    if len(trials) == 1:
        return True
    contents = [trial() for trial in trials]
    of_units = {header for one in record["layouts"] if one["per_unit"] for header in [one["header"], *one["aliases"]]}
    heads = [[line.split(b",")[0] for line in (parts[0] or b"")[: 1 << 16].split(b"\n")] for parts in contents]
    headers = {(parts[0] or b"").partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r") for parts in contents}
    are_parts = len({head[1] for head in heads if len(head) > 1}) == len(heads) or headers <= of_units
    if not layout["per_unit"] and are_parts:
        fix = "put the rows of all files into one, in the order of the list"
        problems.add("Z09", f"{len(trials)} files", "one file with the rows of all units", fix, path)
        return False
    if len(trials) > record["trials"] or any(parts != contents[0] for parts in contents):
        problems.add("Z06", f"{len(trials)} trials", "one trial", "give one trial at a time", path)
        return False
    problems.add("N20", "the same trial twice", "trials that differ", "choose another trial", path)
    return True


def checked(data: Any, layouts: Sequence[Any], file: str, listed: Any, counts: Any, problems: Problems) -> Rows | None:
    """The rows of one file, compared with those that are listed; None where they cannot be read."""
    data = None if data is None else as_lines(data, file, problems)
    if data is None:
        return None
    if layouts[0]["key"] != "line" and listed is not None and is_behind_sample(data, listed):
        problems.add("F17", "rows of the sample before others", "answers alone", "leave out the sample", file)
        return None
    odd = None if listed is None else odd_names(listed)
    reader = Reader(data, layouts, file, problems, layouts[0]["per_unit"], odd)
    counts = counts if listed is None else (len(listed),)
    rows = reader.read(counts)
    count = len(rows) + reader.is_torn
    told = [rule for rule, place in problems.kept if place == file and rule[0] == "F" and rule not in KEPT]
    if told or not count:
        return rows
    if rows.key == "line":
        if counts and count not in counts and ("F10", file) not in problems.kept:
            is_again = any(size and count % size == 0 for size in counts)
            expected = " or ".join(f"{size:,} rows" for size in counts)
            fix = "write one line for each frame, frame 1 first; repeat the last value or cut the surplus"
            problems.add("T03" if is_again else "T07", f"{count:,} rows", expected, fix, file)
    elif listed is not None:
        compare(rows, listed, file, problems)
    else:
        tell_irregular(
            rows, file, problems, is_zero_odd=layouts[0]["frame_base"] == 1 and not layouts[0].get("has_zero")
        )
    return rows


def is_behind_sample(data: bytes, listed: Rows) -> bool:
    """True if a file begins with the rows of the list, all with one value, and goes on with as many other rows."""
    lines = data.split(b"\n") if data.count(b"\n") >= 2 * len(listed) else []
    begin = len(lines) - 2 * len(listed) - 1
    halves = [[line.partition(b",") for line in lines[at : at + len(listed)]] for at in (begin, begin + len(listed))]
    if begin not in (0, 1) or len({line[2] for line in halves[0]}) > 1 or len({line[2] for line in halves[1]}) < 2:
        return False
    return all(line[0] == listed.name(row).encode() for row, line in enumerate(halves[0]))


def odd_names(listed: Rows) -> set[str]:
    """The names of a list that hold blanks."""
    is_odd = np.array([bool(re.search("[ \t]", unit)) for unit in listed.units])
    return {listed.name(row) for row in np.flatnonzero(is_odd[listed.unit]).tolist()}


def members_of(path: str, record: dict[str, Any], official: Any, problems: Problems) -> dict[str, Callable[[], Any]]:
    """By name, a function for the bytes of each file to check; it gives None where they cannot be read."""
    if not os.path.isdir(path) and not is_zip(path):
        return {os.path.basename(path): lambda: load(path, problems)}
    if HAS_COLUMN_FOLDERS:
        columns = {name.lower() for task in record["tasks"] for name in task["labels"]}
        folders = {name.lower() for name in os.listdir(path)} if os.path.isdir(path) else set()
        if len(columns) > 1 and columns <= folders and any(one["key"] == "line" for one in record["layouts"]):
            fix = "write all columns of a unit into one file"
            problems.add("Z10", f"the folders {' and '.join(columns)}", "files with all columns", fix, path)
            return {}
    found = zip_members(path, problems) if os.path.isfile(path) else {}
    for folder, _, names in os.walk(path):
        for file in [os.path.join(folder, name) for name in names]:
            found[os.path.relpath(file, path)] = lambda file=file: load(file, problems)
    litter = [name for name in found if is_litter(name)]
    own = {name: found[name] for name in found if name not in litter}
    if litter:
        problems.add("N21", ascii(litter[0]), "the user's own files", "leave it out", path, None, len(litter))
    tops = {name.split("/")[0] if "/" in name else "" for name in own}
    if len(tops) == 1 and "" not in tops:
        problems.add("N22", f"everything in {min(tops)!a}", "the files themselves", "give what is in it", path)
    endings = (official["suffix"],) if official["per_unit"] else (".txt", ".csv")
    for name in list(own):
        rule = "F19" if re.search("[\udc80-\udcff]", name) else "T09"
        if rule == "F19" or os.path.splitext(name)[1] not in endings:
            problems.add(rule, ascii(name), f"files ending in {' or '.join(endings)}", "leave it out", path)
            del own[name]
    return own


def is_zip(path: str) -> bool:
    """True if a file is a zip by its name or by its first bytes."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return path.lower().endswith(".zip") or file.read(4) == b"PK\x03\x04"


class Bounded(io.BufferedReader):
    """A zip whose list of members, which `zipfile` reads as a whole, is only read if it is not endless."""

    def read(self, size: int | None = -1) -> bytes:
        """Read bytes; no list of so many members as no prediction has."""
        if size is not None and size > LARGEST_LIST:
            raise zipfile.LargeZipFile(f"{size:,} bytes of names of members")
        return super().read(size)

    def __del__(self) -> None:
        # as ZipFile does with a file of its own
        self.close()


def zip_members(path: str, problems: Problems) -> dict[str, Callable[[], Any]]:
    """By name, a function for the bytes of each member that is safe to open; nothing is unpacked to disk."""
    try:
        archive = zipfile.ZipFile(Bounded(io.FileIO(path)))
    except zipfile.LargeZipFile as error:
        problems.add("Z04", str(error), f"at most {MOST_MEMBERS:,} members", "pack the prediction files alone", path)
        return {}
    except ZIP_ERRORS as error:
        problems.add("Z01", str(error) or "damaged", "a sound zip", "pack it again", path)
        return {}
    entries = archive.infolist()
    counts = Counter(entry.orig_filename for entry in entries)
    left = [min(LARGEST, max(UNSUSPECTED, LARGEST_RATIO * os.path.getsize(path)))]
    members: dict[str, Callable[[], Any]] = {}
    for entry in entries:
        fault = entry_fault(entry, counts[entry.orig_filename], len(entries))
        if fault is not None:
            problems.add(fault[0], ascii(entry.orig_filename), *fault[1:], path)
        elif not entry.is_dir():
            members[entry.filename] = lambda entry=entry: unpacked(archive, entry, left, path, problems)
    return members


def entry_fault(entry: zipfile.ZipInfo, count: int, total: int) -> tuple[str, str, str] | None:
    """The rule that a member of a zip breaks before it is opened, what is expected and a cure."""
    name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
    is_outside = name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/")
    for rule, is_broken, expected, fix in (
        ("Z04", total > MOST_MEMBERS, f"at most {MOST_MEMBERS:,} members", "pack the prediction files alone"),
        ("Z07", count > 1, "every name once", "pack it again from a clean folder"),
        ("Z02", is_outside or re.match(r"[A-Za-z]:", name), "a relative path", "pack the files by their own names"),
        ("Z02", not name.strip("/ ."), "a name", "pack the files by their own names"),
        ("Z03", kind not in (0, stat.S_IFREG, stat.S_IFDIR), "plain files", "pack the file that it points to"),
        ("Z05", name.lower().endswith(ARCHIVES), "text files only", "pack the text files themselves"),
        ("Z01", entry.compress_type not in (0, 8) or entry.flag_bits & 1, "plain members", "zip it in the usual way"),
    ):
        if is_broken:
            return rule, expected, fix
    return None


def unpacked(archive: Any, entry: zipfile.ZipInfo, left: list[int], path: str, problems: Problems) -> bytes | None:
    """The bytes of a member, of which no more are unpacked than are left; None where it cannot be read."""
    parts: list[bytes] = []
    name, data = ascii(entry.filename), b""
    try:
        with archive.open(entry) as stream:
            while left[0] >= 0 and (not parts or parts[-1]):
                parts.append(stream.read(1 << 20))
                left[0] -= len(parts[-1])
    except ZIP_ERRORS as error:
        problems.add("Z01", f"{name}: {error}", "a sound zip", "pack it again", path)
        return None
    data = b"".join(parts)
    if left[0] < 0:
        problems.add("Z04", f"{name} unpacks without end", "text in proportion", "pack the predictions alone", path)
    elif data.startswith(ARCHIVE_STARTS):
        problems.add("Z05", name, "text files only", "pack the text files themselves", path)
    else:
        return data
    return None


def tell_list(rule: str, found: str, expected: str, path: str, problems: Problems) -> None:
    """Tell what is wrong with the organisers' list."""
    problems.add(rule, found, expected, "give the organisers' list for this challenge as --template", path)


def list_text(path: str, problems: Problems) -> str:
    """The text of a list, without blanks at its end; empty where it cannot be read."""
    data = load(path, problems) or b""
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").rstrip()
    except UnicodeDecodeError:
        tell_list("F03", "bytes that are not UTF-8", "UTF-8 text", path, problems)
        return ""
    if data.startswith(b"PK\x03\x04") or not text:
        tell_list("F04" if text else "F02", "a zip" if text else "no row", "a list of rows or units", path, problems)
    return text


def read_row_list(path: str, layout: Any, problems: Problems) -> Rows | None:
    """The rows to predict; None where they cannot be read."""
    lines, header, place = list_text(path, problems).split("\n"), layout["header"] or "", 0
    names = [name.strip() for name in lines[0].split(",")]
    is_row = len(names) == layout["width"] and all(map(NUMBER.fullmatch, names[1:]))
    if header and not is_row and not names[0].endswith(".jpg") and not problems.refuses:
        first = header.split(",")[0]
        if lines[0].rstrip(", ") != header and (layout["key"] != "id" or first not in names):
            tell_list("F04", quote(lines[0]), f"'{header}'", path, problems)
            return None
        place = names.index(first)
        tests = [line for line in lines if dict(zip(names, line.split(","), strict=False)).get("Split") == "Test"]
        lines = tests or lines[1:]
    if layout["key"] == "frame-path":
        rows = [re.sub(",[^,/]*$", "", line) for line in lines]
    else:
        rows = [(line.split(",") + [""] * place)[place] for line in lines if line.strip()]
    if not rows and not problems.refuses:
        tell_list("F02", "no row", "the rows asked for", path, problems)
    if problems.refuses:
        return None
    listed = listed_rows(rows, layout["key"])
    are_frames = listed.frame != NO_FRAME if layout["key"] in NAMES else [bool(FRAME.search(row)) for row in rows]
    if np.all(are_frames) if layout["key"] == "id" else layout["key"] in NAMES and not np.any(are_frames):
        tell_list("F04", f"rows like {quote(rows[0])}", "names in the form of the format", path, problems)
    return listed


def listed_rows(names: Sequence[str], key: str) -> Rows:
    """Rows that have names alone."""
    units: dict[str, int] = {}
    # some at a time: what matches takes far more memory than numbers
    parts = [named(names[begin : begin + PART], key, units) for begin in range(0, len(names) or 1, PART)]
    unit, frame = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    return Rows(key, list(units), unit, frame, np.arange(len(unit)))


def read_unit_list(path: str, layout: Any, problems: Problems) -> dict[str, Any]:
    """The units to predict: by name, numbers of rows that its file may have, its header, and its frames."""
    files = [file for file in own_files(path) if file.endswith(layout["suffix"])] if os.path.isdir(path) else [path]
    text = list_text(files[0], problems) if files else ""
    if os.path.isdir(path) or text.partition("\n")[0].rstrip(", ") in layout["headers"]:
        if not files:
            tell_list("F02", "no template", f"files <unit>{layout['suffix']}", path, problems)
        return {unit_of(file): template_of(list_text(file, problems), layout) for file in files}
    units: dict[str, Any] = {}
    for line in text.split("\n"):
        name, _, count = line.rstrip(", \t").partition(",")
        name = name[: -len(layout["suffix"])] if name.endswith(layout["suffix"]) else name
        # the frame count of the container, or the number of lines: which of the two is not known
        units[name] = ((int(count), int(count) + 1) if count.strip().isdecimal() else (), None, None)
    if all(map(FRAME.search, text.split("\n"))):
        tell_list("F04", f"rows like {quote(text[:60])}", "names of units, one a line", path, problems)
    return units


def template_of(text: str, layout: Any) -> tuple[Any, str | None, Rows | None]:
    """What the template of a unit says: its number of rows, its header, and its frames."""
    header, *lines = text.split("\n")
    if layout["key"] == "line":
        return (len(lines),), None, None
    frames = listed_rows([line.split(",")[0] for line in lines], layout["key"]) if lines else None
    return (len(lines),), header.rstrip(", "), frames


def find(unit: str, units: Mapping[str, Any]) -> str | None:
    """The entry of a unit in a list, or that of its video, if the list counts the frames of videos."""
    video = video_of(unit)
    return unit if unit in units else video if len(units.get(video, ((),))[0]) > 1 else None


def submitted_units(members: Any, files: Any, layout: Any, listed: Any, path: str, problems: Problems) -> Rows | None:
    """The rows of files of units, whose names are compared with the list."""
    units, rows_of, spelt = listed or {}, {}, {}
    given, plain_of = set(map(unit_of, files)), {one: plain(one) for one in units}
    for name in files:
        unit = unit_of(name)
        wanted = plain(unit)
        alike = [one for one in units if plain_of[one] == wanted and one not in given]
        spelt[name] = alike[0] if find(unit, units) is None and len(alike) == 1 else unit
        if listed is not None and spelt[name] != unit:
            problems.add("T06", ascii(name), ascii(spelt[name]), "name the file as the list does", path)
        counts, header, frames = units.get(find(spelt[name], units), ((), None, None))
        own = dict(layout, headers=[header], header=header) if header else layout
        rows_of[spelt[name]] = checked(members[name](), [own], files[name], frames, counts, problems)
    videos = {video_of(unit) for unit in rows_of if find(unit, units) != unit}
    expected = f"the {len(units):,} units of the list"
    for unit in units:
        if unit not in rows_of and unit not in videos:
            problems.add("T08", f"no file for {quote(unit)}", expected, "write the file", path)
    for unit in rows_of if listed is not None else ():
        if find(unit, units) is None:
            problems.add("T09", quote(unit), expected, "remove it, or name it as the list does", path)
    return None if problems.refuses else joined_units(rows_of)


def plain(name: str) -> str:
    """A name without what may be spelt otherwise: blanks, case, endings, zeros in front."""
    stem, end = name.strip().lower(), len(name)
    while stem.endswith((".mp4", ".avi", ".mov", ".txt", ".csv"), 0, end):
        end = min(end, len(stem)) - 4
    return stem[:end].replace(" ", "_").lstrip("0")


def places_of(rows: Rows, listed: Rows) -> Any:
    """The place of each row in the list, the k-th of a name meets the k-th: -1 if there is none, -2 if no more."""
    index = {unit: place for place, unit in enumerate(listed.units)}
    unit = np.array([index.get(name, -1) for name in rows.units], np.int64)[rows.unit]
    given = np.where(unit < 0, -1, (unit << 32) + rows.frame + 1)
    wanted = (listed.unit.astype(np.int64) << 32) + listed.frame + 1
    order, own = np.argsort(wanted, kind="stable"), np.argsort(given, kind="stable")
    nth = np.empty(len(given), np.int64)
    nth[own] = np.arange(len(given)) - np.searchsorted(given[own], given[own])
    ordered = np.append(wanted[order], -2)
    first = np.searchsorted(ordered[:-1], given)
    place = np.minimum(first + nth, len(wanted))
    unmet = np.where(ordered[first] == given, -2, -1)
    return np.where(ordered[place] == given, np.append(order, 0)[place], unmet)


def compare(rows: Rows, listed: Rows, file: str, problems: Problems) -> None:
    """Tell how the rows of a file differ from those of the list, their order included."""
    places = places_of(rows, listed)
    if len(rows) == len(listed) and np.array_equal(places, np.arange(len(listed))):
        return
    is_missing = np.ones(len(listed), bool)
    is_missing[places[places >= 0]] = False
    is_unknown = places == -1
    if len(rows) == len(listed):
        steps = np.unique(rows.frame - listed.frame)
        is_counted = len(steps) == 1 and abs(steps[0]) == 1 and 0 in (rows.frame.min(), listed.frame.min())
        if is_counted and [rows.units[unit] for unit in rows.unit] == [listed.units[unit] for unit in listed.unit]:
            tell_rows("T06", rows, np.arange(len(rows)), lambda row: quote(listed.name(row)), COPY, file, problems)
            return
        wrong = np.flatnonzero(is_unknown & is_missing)
        tell_rows("T06", rows, wrong, lambda number: quote(listed.name(int(wrong[number]))), COPY, file, problems)
        is_unknown[wrong] = is_missing[wrong] = False
    codes = (listed.unit.astype(np.int64) << 32) + listed.frame
    is_written = np.isin(codes, codes[places[places >= 0]])
    met = np.flatnonzero(places >= 0)
    right = np.sort(places[met])
    moved = np.flatnonzero(places[met] != right)
    due = right[moved].tolist()
    for rule, of, wrong, expected, fix in (
        ("T01", listed, np.flatnonzero(is_missing & ~is_written), "every row of the list", "predict the row"),
        ("T04", listed, np.flatnonzero(is_missing & is_written), "as often as in the list", "go through it by row"),
        ("T02", rows, np.flatnonzero(is_unknown), "rows of the list only", "remove the row, or check the list"),
        ("T03", rows, np.flatnonzero(places == -2), "as often as in the list", "write each row of the list once"),
    ):
        tell_rows(rule, of, wrong, lambda _, expected=expected: expected, fix, file, problems)
    fix = "copy the order of the list, never sort"
    tell_rows("T05", rows, met[moved], lambda number: quote(listed.name(due[number])), fix, file, problems)


def tell_rows(rule: str, rows: Rows, places: Any, expected: Any, fix: str, file: str, problems: Problems) -> None:
    """Tell what is wrong with the rows at some places; `expected` is given the number of a place."""
    for number, row in enumerate(places[:SHOWN].tolist()):
        count = len(places) - number if number == SHOWN - 1 else 1
        problems.add(rule, quote(rows.name(row)), expected(number), fix, file, int(rows.lines[row]), count)

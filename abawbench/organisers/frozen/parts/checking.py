"""Checking: what a submission holds, and how its rows compare with the organisers' list."""

from __future__ import annotations

import os
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from abawbench.organisers.frozen.parts.problems import SHOWN, Problems
from abawbench.organisers.frozen.parts.reading import (
    NAMES,
    NO_FRAME,
    UNDECODABLE,
    Reader,
    Rows,
    as_lines,
    is_litter,
    is_number,
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

# bytes that a zip may hold at least and at most, and how many times its own size between them
UNSUSPECTED, LARGEST, LARGEST_RATIO = 1 << 26, 1 << 30, 200
ARCHIVES = (".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar", ".zst")
ARCHIVE_STARTS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a",
)
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError, OverflowError)
MOST_MEMBERS = 10_000
# faults of a file beside which its rows can still be compared
KEPT = ("F05", "F08", "F09", "F10", "F15", "F17")
FRAME = re.compile(r"/(?:frame-)?[0-9]+\.jpg(?:,|\Z)")
IMAGES = r"\.(?:jpe?g|png|bmp|tiff?|webp)"
# names from which the unit and the frame can be told, however they are spelt
PATH = rf"(.*[^/\\])[/\\]+\s*(?:frame[-_ ]?|img[-_ ]?|image[-_ ]?)?([0-9]{{1,9}})(?:{IMAGES})?\s*"
LEGIBLE = {"path": PATH, "frame-path": PATH, "frame": rf"()\s*([0-9]{{1,9}})(?:\.0+|{IMAGES})?\s*"}
ENDING = re.compile(r"(?:(?<=.)\.(?:mp4|avi|mov|mkv|webm|wav|mp3|jpe?g|png|bmp|tiff?|webp|txt|csv))+\Z", re.IGNORECASE)
COPY = "copy the names from the list: frames from 1, five digits, forward slashes"


def check(
    path: str, template: str | None, record: dict[str, Any], known: Rows | None = None
) -> tuple[list[dict[str, Any]], Rows | None]:
    """The problems of a submission, and its rows if there is none but notes; `known` has names that may occur in it."""
    problems, layouts, listed = Problems(), layouts_of(record, "prediction"), None
    if known is not None:
        odd, has_zero = odd_names(known), bool((known.frame == 0).any())
        layouts = [dict(layout, odd=odd, has_zero=has_zero) for layout in layouts]
    if template is not None:
        if os.path.exists(path) and os.path.exists(template) and os.path.samefile(path, template):
            tell_list("F04", "the prediction itself", "the organisers' list", template, problems)
        else:
            listed = read_list(template, layouts[0], problems)
    rows = None if problems.refuses else submitted(path, layouts, listed, record, problems)
    return problems.listed(), None if problems.refuses else rows


def submitted(
    path: str, layouts: Sequence[Any], listed: Any, record: dict[str, Any], problems: Problems
) -> Rows | None:
    """The rows of a submission, whose problems are told."""
    members = members_of(path, record, layouts[0], problems)
    if not members and not problems.refuses:
        problems.add("Z08", "no prediction file", "at least one", "pack the prediction files", path)
    if not members:
        return None
    is_single = os.path.isfile(path) and not is_zip(path)
    files = {name: path if is_single else f"{path}:{name}" for name in sorted(members)}
    if layouts[0]["per_unit"]:
        return submitted_units(members, files, layouts[0], listed, record["trials"], path, problems)
    if len(files) > 1 and are_parts(members, record, path, problems):
        return None
    if not is_one_trial([members[name] for name in files], record["trials"], path, problems):
        return None
    return next((checked(members[name], layouts, files[name], listed, (), problems) for name in files), None)


def submitted_units(
    members: Any, files: Any, layout: Any, listed: Any, most: int, path: str, problems: Problems
) -> Rows | None:
    """The rows of files of units, whose names are compared with the list."""
    trials: dict[str, list[str]] = {}
    for name in files:
        trials.setdefault(os.path.dirname(name), []).append(name)
    contents = [lambda names=names: {unit_of(name): members[name]() for name in names} for names in trials.values()]
    if not is_one_trial(contents, most, path, problems):
        return None
    files = {name: files[name] for name in next(iter(trials.values()))}
    units, rows_of = listed or {}, {}
    right = respelt([unit_of(name) for name in files], units)
    for name, file in files.items():
        unit = right.get(unit_of(name), unit_of(name))
        counts, header, frames = units.get(find(unit, units), ((), None, None))
        own = dict(layout, headers=[header], header=header, aliases=[]) if header else layout
        rows_of[unit] = checked(members[name], [own], file, frames, counts, problems)
    if listed is not None:
        compare_units(rows_of, right, listed, layout["suffix"], path, problems)
    return None if problems.refuses else joined_units(rows_of)


def is_one_trial(trials: Sequence[Any], most: int, path: str, problems: Problems) -> bool:
    """True for one trial, or several that are the same; each is a function for its content."""
    if len(trials) == 1:
        return True
    first = trials[0]()
    if len(trials) > most or any(trial() != first for trial in trials[1:]):
        problems.add("Z06", f"{len(trials)} trials", "one trial", "give one trial at a time", path)
        return False
    problems.add("N20", "the same trial twice", "trials that differ", "choose another trial", path)
    return True


def are_parts(members: Any, record: dict[str, Any], path: str, problems: Problems) -> bool:
    """True for files that are one prediction together: files of units, or parts with rows of their own; it is told."""
    heads = [(members[name]() or b"")[: 1 << 16].decode("utf-8", "replace").split("\n") for name in members]
    of_units = {header for one in layouts_of(record, "truth") if one["per_unit"] for header in one["headers"]}
    seconds = {head[1].split(",")[0] for head in heads if len(head) > 1}
    if len(seconds) < len(heads) and not all(head[0].rstrip("\r") in of_units for head in heads):
        return False
    fix = "put the rows of all files into one, in the order of the list"
    problems.add("Z09", f"{len(heads)} files", "one file with the rows of all units", fix, path)
    return True


def checked(
    member: Any, layouts: Sequence[Any], file: str, listed: Any, counts: Any, problems: Problems
) -> Rows | None:
    """The rows of one file, compared with those that are listed; None where they cannot be read."""
    data = member()
    data = None if data is None else as_lines(data, file, problems)
    if data is None:
        return None
    if listed is not None and is_behind_sample(data, listed):
        fix = "leave out the rows of the sample"
        problems.add("F17", "the rows of the sample, and others behind them", "answers alone", fix, file)
        return None
    counts = counts if listed is None else (len(listed),)
    odd = layouts[0].get("odd", ()) if listed is None else odd_names(listed)
    reader = Reader(data, layouts, file, problems, of_unit=layouts[0]["per_unit"], odd=odd, counts=counts)
    rows = reader.read()
    told = {rule for rule, place in problems.kept if place == file}
    if len(rows) and not reader.is_told and not any(rule[0] == "F" and rule not in KEPT for rule in told):
        if rows.key == "line":
            compare_counts(len(rows) + reader.is_torn, counts, reader, problems)
        elif listed is not None:
            compare(rows, listed, file, problems)
        else:
            codes = rows.codes()
            if reader.headers and len(np.unique(codes)) < len(codes):
                tell_copies(len(reader.headers), reader, problems)
            tell_irregular(rows, file, problems, is_zero_odd=not layouts[0].get("has_zero"))
    if reader.headers and ("T03", file) not in problems.kept:
        found, fix = "the first line once more", "write the header once"
        problems.add("F16", found, "one header", fix, file, reader.headers[0], len(reader.headers))
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
    """The names of a list that hold blanks, or begin as comments do."""
    is_odd = np.array([bool(re.search("[ \\t]|^[#%/]", unit)) for unit in listed.units])
    return {listed.name(row) for row in np.flatnonzero(is_odd[listed.unit]).tolist()}


def compare_counts(count: int, counts: Sequence[int], reader: Reader, problems: Problems) -> None:
    """Compare the number of rows of a unit, which are told by their place, with those that it may have."""
    if count in counts or ("F10", reader.file) in problems.kept:
        return
    if reader.headers or any(size and count % size == 0 for size in counts):
        tell_copies(count, reader, problems)
    elif counts:
        expected = " or ".join(f"{size:,} rows" for size in counts)
        fix = "write one line for each frame, frame 1 first; repeat the last value or cut the surplus"
        problems.add("T07", f"{count:,} rows", expected, fix, reader.file)


def tell_copies(count: int, reader: Reader, problems: Problems) -> None:
    """Tell that the rows stand in a file again."""
    fix = "remove the copy; open files with mode 'w', not 'a'"
    problems.add("T03", "the rows again", "each row once", fix, reader.file, (reader.headers or [None])[0], count)


def members_of(path: str, record: dict[str, Any], official: Any, problems: Problems) -> dict[str, Any]:
    """By name, a function for the bytes of each file to check; it gives None where they cannot be read."""
    if not os.path.isdir(path) and not is_zip(path):
        return {os.path.basename(path): lambda: load(path, problems)}
    if os.path.isfile(path):
        found = zip_members(path, problems)
    else:
        folders = {name.lower() for name in os.listdir(path) if os.path.isdir(os.path.join(path, name))}
        for layout in record["layouts"]:
            names = [name.lower() for task in record["tasks"] for name in task["labels"]]
            if layout["key"] == "line" and len(names) > 1 and folders.issuperset(names):
                fix = "write all columns of a unit into one file"
                problems.add("Z10", f"the folders {' and '.join(names)}", "files with all columns", fix, path)
                return {}
        found = {}
        for folder, _, names in os.walk(path):
            for name in names:
                file = os.path.join(folder, name)
                found[os.path.relpath(file, path).replace(os.sep, "/")] = lambda file=file: load(file, problems)
    litter = [name for name in found if is_litter(name)]
    own = {name: found[name] for name in found if name not in litter}
    if litter:
        shown = ", ".join(ascii(name) for name in litter[:SHOWN])
        problems.add("N21", shown, "the user's own files", "leave them out", path, None, len(litter))
    tops = {name.split("/")[0] if "/" in name else "" for name in own}
    if len(tops) == 1 and "" not in tops:
        problems.add("N22", f"everything in {min(tops)!a}", "the files themselves", "give what is in it", path)
    endings = (official["suffix"],) if official["per_unit"] else (".txt", ".csv")
    for name in [name for name in own if os.path.splitext(name)[1] not in endings or UNDECODABLE.search(name)]:
        rule = "F19" if UNDECODABLE.search(name) else "T09"
        problems.add(rule, ascii(name), f"files ending in {' or '.join(endings)}", "leave it out", path)
        del own[name]
    return own


def is_zip(path: str) -> bool:
    """True if a file is a zip by its name or by its first bytes."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return path.lower().endswith(".zip") or file.read(4) == b"PK\x03\x04"


def zip_members(path: str, problems: Problems) -> dict[str, Any]:
    """By name, a function for the bytes of each member that is safe to open, without unpacking a zip to disk."""
    try:
        archive = zipfile.ZipFile(path)
    except ZIP_ERRORS as error:
        problems.add("Z01", str(error) or "damaged", "a sound zip", "pack it again", path)
        return {}
    entries = archive.infolist()
    if len(entries) > MOST_MEMBERS:
        tell_large(f"{len(entries):,} members", path, problems)
        return {}
    counts = Counter(entry.orig_filename for entry in entries)
    for name in [name for name in counts if counts[name] > 1]:
        problems.add("Z07", f"{name!a} {counts[name]} times", "every name once", "pack it again", path)
    left = [min(LARGEST, max(UNSUSPECTED, LARGEST_RATIO * os.path.getsize(path)))]
    members = {}
    for entry in entries:
        fault = entry_fault(entry)
        if fault is not None:
            problems.add(fault[0], ascii(entry.orig_filename), fault[1], fault[2], path)
        elif not entry.is_dir() and counts[entry.orig_filename] == 1:
            members[entry.filename] = lambda entry=entry: unpacked(archive, entry, left, path, problems)
    return members


def entry_fault(entry: zipfile.ZipInfo) -> tuple[str, str, str] | None:
    """The rule that a member of a zip breaks before it is opened, what is expected and a cure."""
    name = entry.orig_filename
    is_outside = name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/")
    if is_outside or re.match(r"[A-Za-z]:", name) or not name.strip("/ ."):
        return "Z02", "a relative path", "pack the files by their own names"
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "Z03", "plain files", "pack the file that it points to"
    if os.path.splitext(name)[1].lower() in ARCHIVES:
        return "Z05", "text files only", "pack the text files themselves"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
        return "Z01", "members that are stored or deflated", "zip it in the usual way"
    return None


def unpacked(archive: Any, entry: Any, left: list[int], path: str, problems: Problems) -> bytes | None:
    """The bytes of a member, of which no more are unpacked than are left; None where it cannot be read."""
    parts: list[bytes] = []
    try:
        with archive.open(entry) as stream:
            while left[0] >= 0 and (not parts or parts[-1]):
                parts.append(stream.read(1 << 20))
                left[0] -= len(parts[-1])
    except ZIP_ERRORS as error:
        problems.add("Z01", f"{entry.filename!a}: {error}", "a sound zip", "pack it again", path)
        return None
    if left[0] < 0:
        tell_large(f"{entry.filename!a} unpacks without end", path, problems)
        return None
    data = b"".join(parts)
    if data.startswith(ARCHIVE_STARTS):
        problems.add("Z05", ascii(entry.filename), "text files only", "pack the text files themselves", path)
        return None
    return data


def tell_large(found: str, path: str, problems: Problems) -> None:
    """Tell that a zip is too large when it is unpacked."""
    problems.add("Z04", found, "text in proportion to the zip", "pack the prediction files alone", path)


def tell_list(rule: str, found: str, expected: str, path: str, problems: Problems) -> None:
    """Tell what is wrong with the organisers' list."""
    problems.add(rule, found, expected, "give the organisers' list for this challenge as --template", path)


def read_list(path: str, layout: Any, problems: Problems) -> Any:
    """The rows to predict; where each unit has a file, by unit the counts of its rows, the header and the frames."""
    if layout["per_unit"]:
        return read_unit_list(path, layout, problems)
    text = list_text(path, problems)
    if not text:
        return None
    first, header = text.partition("\n")[0], layout["header"]
    names, lines, place = [name.strip() for name in first.split(",")], text.split("\n"), 0
    values = first.replace('"', "").rstrip(", \t\r").split(",")
    is_row = len(values) == layout["width"] and all(map(is_number, values[1:]))
    if header is not None and not is_row and not names[0].endswith(".jpg"):
        if first.rstrip(", \r") != header and not (layout["key"] == "id" and header.split(",")[0] in names):
            tell_list("F04", quote(first), f"'{header}'", path, problems)
            return None
        lines, place = lines[1:], names.index(header.split(",")[0])
        if "Split" in names:
            split = names.index("Split")
            lines = [line for line in lines if line.split(",")[split : split + 1] == ["Test"]] or lines
    fields = [line.split(",") for line in lines if line.strip()]
    rows = [line[place] if place < len(line) else "" for line in fields]
    if layout["key"] == "frame-path":
        rows = [line.rpartition(",")[0] if is_number(line.rpartition(",")[2]) else line.rstrip(",") for line in lines]
    units: dict[str, int] = {}
    listed = Rows(layout["key"], [], *named(rows, layout["key"], units), np.arange(len(rows)))
    listed.units = list(units)
    are_frames = (listed.frame != NO_FRAME) if layout["key"] in NAMES else [bool(FRAME.search(row)) for row in rows]
    if not rows:
        tell_list("F02", "no row", "the rows asked for", path, problems)
    elif np.all(are_frames) if layout["key"] == "id" else layout["key"] in NAMES and not np.any(are_frames):
        tell_list("F04", f"rows like {quote(rows[0])}", "names in the form of the format", path, problems)
    return listed


def list_text(path: str, problems: Problems) -> str:
    """The text of a list, without blanks at its end; empty where it cannot be read."""
    data = load(path, problems) or b""
    if data.startswith(b"PK\x03\x04"):
        tell_list("F04", "a zip", "a list of rows or units", path, problems)
        return ""
    try:
        return data.decode("utf-8-sig").rstrip("\r\n \t")
    except UnicodeDecodeError:
        tell_list("F03", "bytes that are not UTF-8", "UTF-8 text", path, problems)
        return ""


def read_unit_list(path: str, layout: Any, problems: Problems) -> Any:
    """The units to predict: by name, numbers of rows that its file may have, its header, and its frames."""
    if os.path.isdir(path):
        files = [file for file in own_files(path) if file.endswith(layout["suffix"])]
        if not files:
            tell_list("F02", "no template", f"files <unit>{layout['suffix']}", path, problems)
        return {unit_of(file): template_of(list_text(file, problems), layout) for file in files}
    text = list_text(path, problems)
    if text.partition("\n")[0].rstrip(", \r") in layout["headers"]:
        return {unit_of(path): template_of(text, layout)}
    lines = [line.rstrip(", \t\r") for line in text.split("\n")]
    if all(FRAME.search(line) for line in lines if line):
        tell_list("F04", f"rows like {quote(lines[0])}", "names of units, one a line", path, problems)
    units = {}
    for line in lines:
        name, comma, count = line.partition(",")
        is_counted = comma and count.strip().isdecimal()
        name = name if is_counted else line
        name = name[: -len(layout["suffix"])] if name.endswith(layout["suffix"]) else name
        # the frame count of the container, or the number of lines: which of the two is not known
        if name:
            units[name] = ((int(count), int(count) + 1) if is_counted else (), None, None)
    return units


def template_of(text: str, layout: Any) -> Any:
    """What the template of a unit says: its number of rows, its header, and its frames."""
    header, _, body = text.partition("\n")
    rows = [line.split(",")[0] for line in body.split("\n")] if body.strip() else []
    if layout["key"] == "line" or not rows:
        return (len(rows),), None if layout["key"] == "line" else header.rstrip(", \r"), None
    units: dict[str, int] = {}
    frames = Rows(layout["key"], [], *named(rows, layout["key"], units), np.arange(len(rows)))
    frames.units = list(units)
    return (len(rows),), header.rstrip(", \r"), frames


def find(unit: str, units: Mapping[str, Any]) -> str | None:
    """The entry of a unit in a list, or that of its video, if the list counts the frames of videos."""
    video = video_of(unit)
    return unit if unit in units else video if len(units.get(video, ((),))[0]) > 1 else None


def compare_units(given: Any, right: Any, listed: Any, suffix: str, path: str, problems: Problems) -> None:
    """Tell units without a file, files without a unit, and files whose names are spelt otherwise."""
    videos = {video_of(unit) for unit in given}
    missing = [unit for unit in listed if unit not in given and not (len(listed[unit][0]) > 1 and unit in videos)]
    surplus = [unit for unit in sorted(given) if find(unit, listed) is None]
    expected = f"{len(listed):,} files, one for each unit of the list"
    for wrong, unit in right.items():
        problems.add("T06", quote(wrong + suffix), quote(unit + suffix), "name the file as the list does", path)
    for unit in missing:
        problems.add("T08", f"{len(given):,} files, none for {quote(unit)}", expected, "write the file", path)
    for unit in surplus:
        problems.add("T09", quote(unit + suffix), expected, "remove it, or name it as the list does", path)


def plain(name: str) -> str:
    """A name without what may be spelt otherwise: blanks, slashes, endings, zeros in front."""
    name = re.sub(r"[/\\]+", "/", name.strip())
    name = ENDING.sub("", (name[2:] if name.startswith("./") else name).rstrip("/"))
    head, slash, last = re.sub(r"((?:\A|/)[0-9]+)\.0+\Z", r"\1", name).replace(" ", "_").rpartition("/")
    return head + slash + (last.lstrip("0") or "0" if re.fullmatch("[0-9]+", last) else last)


def matches(names: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """For each name the wanted one, by itself, or if one alone fits but for its spelling and folders in front of it."""
    found, by_last = {name: name for name in set(names) & set(wanted)}, {}
    for name in wanted if len(found) < len(names) else ():
        by_last.setdefault(plain(name).split("/")[-1], []).append((plain(name).split("/"), name))
    for name in names:
        own = plain(name).split("/")
        near = [
            one
            for one in by_last.get(own[-1], ())
            if all(a == b for a, b in zip(own[::-1], one[0][::-1], strict=False))
        ]
        fitting = [one for one in near if one[0] == own] or near
        if name not in found and len(fitting) == 1:
            found[name] = fitting[0][1]
    return found


def respelt(names: Sequence[str], listed: Mapping[str, Any]) -> dict[str, str]:
    """The listed names of files of units that are spelt otherwise, where they match one to one."""
    others = sorted(name for name in set(names) if find(name, listed) is None)
    right = matches(others, [unit for unit in listed if unit not in names])
    times = Counter(right.values())
    return {name: unit for name, unit in right.items() if times[unit] == 1}


def places_of(rows: Rows, listed: Rows) -> Any:
    """The place of each row in the list, the k-th of a name meets the k-th: -1 if there is none, -2 if no more."""
    index = {unit: place for place, unit in enumerate(listed.units)}
    unit = np.array([index.get(name, -1) for name in rows.units], np.int64)[rows.unit]
    given, wanted = np.where(unit < 0, -1, (unit << 32) + rows.frame + 1), listed.codes() + 1
    order, own = np.argsort(wanted, kind="stable"), np.argsort(given, kind="stable")
    nth = np.empty(len(given), np.int64)
    nth[own] = np.arange(len(given)) - np.searchsorted(given[own], given[own])
    ordered = wanted[order]
    first = np.searchsorted(ordered, given)
    is_known = ordered[np.minimum(first, len(ordered) - 1)] == given
    at = np.minimum(first + nth, len(ordered) - 1)
    is_met = is_known & (ordered[at] == given) & (first + nth < len(ordered))
    return np.where(is_met, order[at], np.where(is_known, -2, -1))


def compare(rows: Rows, listed: Rows, file: str, problems: Problems) -> None:
    """Tell how the rows of a file differ from those of the list, their order included."""
    places = places_of(rows, listed)
    if len(rows) == len(listed) and np.array_equal(places, np.arange(len(listed))):
        return
    if (places == -1).any():
        renamed = respelt_rows(rows, listed)
        found = places_of(renamed, listed)
        gained = int((found >= 0).sum() - (places >= 0).sum())
        if gained > 0 and gained >= 0.5 * (len(listed) - (places >= 0).sum()):
            changed = np.flatnonzero([rows.name(row) != renamed.name(row) for row in range(len(rows))])
            tell_rows("T06", rows, changed, lambda number: quote(renamed.name(changed[number])), COPY, file, problems)
            rows, places = renamed, found
    is_missing = np.ones(len(listed), bool)
    is_missing[places[places >= 0]] = False
    is_unknown = places == -1
    if len(rows) == len(listed):
        is_misnamed = is_unknown & is_missing
        misnamed = np.flatnonzero(is_misnamed)
        tell_rows("T06", rows, misnamed, lambda number: quote(listed.name(misnamed[number])), COPY, file, problems)
        is_unknown, is_missing = is_unknown & ~is_misnamed, is_missing & ~is_misnamed
    if rows.key == "path" and not (listed.frame == 0).any():
        is_zero = is_unknown & np.array(
            [bool(re.search("(?:^|/)0+[.]jpg$", rows.name(row))) for row in range(len(rows))]
        )
        fix = "add 1 to each number if all frames are counted from 0; else remove these rows"
        tell_rows("T06", rows, np.flatnonzero(is_zero), lambda _: "frames from 1", fix, file, problems)
        is_unknown &= ~is_zero
    is_written = np.isin(listed.codes(), listed.codes()[places[places >= 0]])
    expected = f"the {len(listed):,} rows of the list"
    fix = "predict every row of the list"
    tell_rows("T01", listed, np.flatnonzero(is_missing & ~is_written), lambda _: expected, fix, file, problems)
    fix = "go through the list row by row, not through its distinct names"
    tell_rows("T04", listed, np.flatnonzero(is_missing & is_written), lambda _: expected, fix, file, problems)
    fix = "remove the row, or check that the list belongs to this challenge"
    tell_rows("T02", rows, np.flatnonzero(is_unknown), lambda _: "rows of the list only", fix, file, problems)
    fix = "write each row of the list once, under its own name"
    tell_rows("T03", rows, np.flatnonzero(places == -2), lambda _: "as many as in the list", fix, file, problems)
    met = np.flatnonzero(places >= 0)
    right = np.sort(places[met])
    moved = np.flatnonzero(places[met] != right)
    fix = "copy the order of the list, never sort"
    tell_rows("T05", rows, met[moved], lambda number: quote(listed.name(right[moved[number]])), fix, file, problems)


def tell_rows(rule: str, rows: Rows, places: Any, expected: Any, fix: str, file: str, problems: Problems) -> None:
    """Tell what is wrong with the rows at some places; `expected` is given the number of a place."""
    for number, row in enumerate(places[:SHOWN].tolist()):
        count = len(places) - number if number == SHOWN - 1 else 1
        problems.add(rule, quote(rows.name(row)), expected(number), fix, file, int(rows.lines[row]), count)


def respelt_rows(rows: Rows, listed: Rows) -> Rows:
    """The rows under the names of the list, as far as these are found, with frames counted as the list does."""
    names, own = list(rows.units), np.full(len(rows.units), NO_FRAME, np.int32)
    is_framed = np.zeros(len(names), bool)
    is_framed[rows.unit[rows.frame != NO_FRAME]] = True
    for place in np.flatnonzero(~is_framed).tolist() if rows.key in LEGIBLE else ():
        match = re.fullmatch(LEGIBLE[rows.key], names[place], re.IGNORECASE)
        if match:
            names[place], own[place] = match.group(1), int(match.group(2))
    index = {unit: place for place, unit in enumerate(listed.units)}
    right = matches(list(set(names)), listed.units)
    if rows.key in ("id", "image") and len(right) < len(set(names)):
        right = renumbered(names, listed.units) or right
    unit = np.array([index.get(right.get(name), -1) for name in names], np.int64)[rows.unit]
    frame = np.where(rows.frame == NO_FRAME, own[rows.unit], rows.frame)
    is_known = (unit >= 0) & ((frame != NO_FRAME) | (rows.key not in LEGIBLE))
    if rows.key in LEGIBLE and is_known.any():
        first, last = frame[is_known].min(), frame[is_known].max()
        if first == 0 and not (listed.frame == 0).any():
            frame = frame + 1
        elif first == 1 and listed.frame.min() == 0 and last > listed.frame.max():
            frame = frame - 1
    unit = np.where(is_known, unit + len(rows.units), rows.unit)
    return Rows(rows.key, rows.units + listed.units, unit, np.where(is_known, frame, rows.frame), rows.lines)


def renumbered(names: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """For each name the wanted one, where all are numbers counted from 0 instead of 1, or the other way; else none."""
    numbers, own = {plain(name): name for name in wanted}, {name: plain(name) for name in names}
    if not all(re.fullmatch("[0-9]+", name) for name in [*numbers, *own.values()]):
        return {}
    step = ("0" in own.values()) - ("0" in numbers)
    found = {name: numbers.get(str(int(number) + step)) for name, number in own.items()}
    return found if step and None not in found.values() else {}

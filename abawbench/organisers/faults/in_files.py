"""Faults planted into the text files of a good prediction: a function each, which returns the files with the fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel
from abawbench.formats.layout import Layout

Files = Mapping[str, bytes]
# where a fault does not fit a challenge, its function returns None
Plant = Callable[["Good"], Files | None]
# between two quoted fields
DOUBLE = '","'


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        name: name of the fault, as `row-missing`.
        plant: function that plants it.
        rules: the rules that `check --template` gives, separated by blanks.
        by_format: other rules, by the format of the prediction.
    """

    name: str
    plant: Plant
    rules: str = ""
    by_format: Mapping[str, str] = field(default_factory=dict[str, str])

    def rules_in(self, layout: Layout) -> frozenset[str]:
        """The rules in a format."""
        return frozenset(self.by_format.get(layout.format, self.rules).split())


@dataclass(frozen=True)
class Good:
    """A good prediction, in the pieces that faults change.

    Attributes:
        challenge: its challenge.
        layout: layout of its files.
        files: its files.
        listed: files of the organisers' list.
        name: name of the file that is changed: the longest, of several that are as long the first.
        header: first line of that file; None where the format has no header.
        rows: its other lines, without line feeds.
    """

    challenge: Challenge
    layout: Layout
    files: Files
    listed: Files
    name: str
    header: str | None
    rows: tuple[str, ...]

    def with_data(self, data: bytes) -> Files:
        """The files with other bytes in the place of that file."""
        return {**self.files, self.name: data}

    def with_lines(self, lines: Sequence[str]) -> Files:
        """The files with other lines in the place of all lines of that file."""
        return self.with_data("".join(f"{line}\n" for line in lines).encode())

    def with_rows(self, rows: Sequence[str]) -> Files:
        """The files with other rows behind the header of that file."""
        return self.with_lines([*self.head, *rows])

    def with_row(self, row: str, place: int = 2) -> Files:
        """The files with another row at a place of that file."""
        return self.with_rows([*self.rows[:place], row, *self.rows[place + 1 :]])

    def with_field(self, column: int, text: str, place: int = 2) -> Files:
        """The files with another text in a column of a row of that file."""
        fields = self.rows[place].split(",")
        fields[column] = text
        return self.with_row(",".join(fields), place)

    def with_names(self, rename: Callable[[str], str]) -> Files | None:
        """The files with other names of rows in that file; None where rows have no names."""
        if not self.layout.has_key:
            return None
        return self.with_rows([f"{rename(name)}{comma}{rest}" for name, comma, rest in self._parts()])

    def _parts(self) -> list[tuple[str, str, str]]:
        return [row.partition(",") for row in self.rows]

    @property
    def head(self) -> list[str]:
        """The header as a list of no line or one."""
        return [] if self.header is None else [self.header]

    @property
    def text(self) -> str:
        """The text of the file that is changed."""
        return self.files[self.name].decode()

    def column(self, kind: type[Continuous | Categorical | MultiLabel]) -> int | None:
        """The place in a row of the first value of the first task of a kind; None where there is none."""
        for place, column in enumerate(self.layout.columns):
            if any(isinstance(task, kind) and task.name == column.task for task in self.challenge.tasks):
                return place + self.layout.has_key
        return None

    def range_of(self, column: int) -> tuple[float, float]:
        """Least and greatest value at a place in a row."""
        found = self.layout.columns[column - self.value]
        return found.low, found.high

    @property
    def value(self) -> int:
        """The place in a row of its first value."""
        return int(self.layout.has_key)


def good(challenge: Challenge, layout: Layout, files: Files, listed: Files) -> Good:
    """A good prediction in the pieces that faults change.

    Args:
        challenge: its challenge.
        layout: layout of its files.
        files: its files.
        listed: files of the organisers' list.
    """
    name = max(files, key=lambda name: len(files[name].splitlines()))
    lines = files[name].decode().splitlines()
    head = 0 if layout.header is None else 1
    return Good(challenge, layout, files, listed, name, lines[0] if head else None, tuple(lines[head:]))


def _in_place(kind: type[Continuous | Categorical | MultiLabel], text: str) -> Plant:
    """Another text in the place of the first value of a kind of task."""

    def plant(made: Good) -> Files | None:
        column = made.column(kind)
        return None if column is None else made.with_field(column, text)

    return plant


def _latin_1(made: Good) -> Files:
    changed = made.with_field(made.value, "\xe9")[made.name]
    return made.with_data(changed.decode().encode("latin-1"))


def _cut(made: Good) -> Files | None:
    if made.layout.width == 1:
        return None
    return made.with_data(made.files[made.name].rpartition(b",")[0])


def _separated_by(separator: str) -> Plant:
    def plant(made: Good) -> Files | None:
        if made.layout.width == 1:
            return None
        return made.with_lines([line.replace(",", separator) for line in (*made.head, *made.rows)])

    return plant


def _decimal_commas(made: Good) -> Files | None:
    column = made.column(Continuous)
    if column is None:
        return None
    rows = [row.split(",") for row in made.rows]
    return made.with_rows(
        [";".join([*row[:column], *(value.replace(".", ",") for value in row[column:])]) for row in rows]
    )


def _wrong_header(made: Good) -> Files | None:
    return None if made.header is None else made.with_lines(["name,score,more", *made.rows])


def _quoted_header(made: Good) -> Files | None:
    if made.header is None or not made.layout.has_key:
        return None
    first, _, rest = made.header.partition(",")
    return made.with_lines([f'{first},"{rest}"', *made.rows])


def _no_header(made: Good) -> Files | None:
    return None if made.header is None else made.with_lines(made.rows)


def _header_again(made: Good) -> Files | None:
    return None if made.header is None else made.with_rows([*made.rows[:3], made.header, *made.rows[3:]])


def _header_of_none(made: Good) -> Files | None:
    if made.header is not None:
        return None
    names = "video_id,p0,p1,label" if made.layout.has_probabilities else "video_id,label"
    return made.with_lines([names, *made.rows])


def _column_missing(made: Good) -> Files | None:
    if len(made.layout.columns) < 2:
        return None
    return made.with_rows([row.rpartition(",")[0] for row in made.rows])


def _numbered(made: Good) -> Files:
    return made.with_rows([f"{place},{row}" for place, row in enumerate(made.rows)])


def _behind_the_sample(made: Good) -> Files | None:
    if not made.layout.has_key or made.layout.per_unit:
        return None
    dummy = [f"{row.partition(',')[0]},{','.join('0' * len(made.layout.columns))}" for row in made.rows]
    return made.with_rows([*dummy, *made.rows])


def _scientific(made: Good) -> Files | None:
    column = made.column(Continuous)
    if column is None:
        return None
    low, high = made.range_of(column)
    return made.with_field(column, f"{low + 0.5625 * (high - low):.6e}")


def _out_of_range(made: Good) -> Files | None:
    column = made.column(Continuous)
    return None if column is None else made.with_field(column, f"{made.range_of(column)[1] + 0.02:.6f}")


def _printed_tensor(made: Good) -> Files:
    column = made.value
    return made.with_field(column, f"tensor({made.rows[2].split(',')[column]})")


def _class_name(made: Good) -> Files | None:
    column = made.column(Categorical)
    if column is None:
        return None
    task = next(task for task in made.challenge.tasks if isinstance(task, Categorical))
    return made.with_field(column, task.classes[1])


def _class_beyond(made: Good) -> Files | None:
    column = made.column(Categorical)
    if column is None:
        return None
    task = next(task for task in made.challenge.tasks if isinstance(task, Categorical))
    return made.with_field(column, str(len(task.classes)))


def _sentinels(made: Good) -> Files | None:
    for kind, text in ((Continuous, "-5"), (Categorical, "-1"), (MultiLabel, "-1")):
        column = made.column(kind)
        if column is None:
            continue
        # numbers from 0 have no sentinel; in these formats the usual one is out of range
        mark = made.layout.columns[column - made.value].no_prediction
        if (mark is None) == (made.layout.format in {"eri-csv", "emi-csv"}):
            return made.with_field(column, text)
    return None


def _wrong_sum(made: Good) -> Files | None:
    if not made.layout.has_probabilities:
        return None
    name, _, _, label = made.rows[2].split(",")
    return made.with_row(f"{name},0.7334,0.2667,{label}")


def _wrong_probability(made: Good) -> Files | None:
    if not made.layout.has_probabilities:
        return None
    name, _, _, label = made.rows[2].split(",")
    return made.with_row(f"{name},-0.25,1.25,{label}")


def _without_probabilities(made: Good) -> Files | None:
    if not made.layout.has_probabilities:
        return None
    return made.with_rows([",".join(row.split(",")[::3]) for row in made.rows])


def _row_missing(made: Good) -> Files:
    return made.with_rows([*made.rows[:3], *made.rows[4:]])


def _last_rows_missing(made: Good) -> Files:
    return made.with_rows(made.rows[:-2])


def _row_more(made: Good) -> Files:
    row = made.rows[-1]
    if not made.layout.has_key:
        return made.with_rows([*made.rows, row, row])
    name, comma, rest = row.partition(",")
    other = {"path": "not-asked-for/00001.jpg", "image": "999999.jpg", "frame": "99999"}.get(made.layout.key)
    if made.layout.key == "frame-path":
        other = f"{name.rpartition('/')[0]}/frame-99999.jpg"
    return made.with_rows([*made.rows, f"{other or '99999'}{comma}{rest}"])


def _row_twice(made: Good) -> Files | None:
    if not made.layout.has_key:
        return None
    name = made.rows[4].partition(",")[0]
    return made.with_rows([*made.rows[:5], f"{name},{made.rows[5].partition(',')[2]}", *made.rows[5:]])


def _repetition_lost(made: Good) -> Files | None:
    names = [row.partition(",")[0] for row in made.rows]
    again = next((place for place in range(1, len(names)) if names[place] == names[place - 1]), None)
    if again is None or not made.layout.has_key:
        return None
    return made.with_rows([*made.rows[:again], *made.rows[again + 1 :]])


def _other_order(made: Good) -> Files | None:
    if not made.layout.has_key:
        return None
    return made.with_rows(made.rows[::-1])


def _two_swapped(made: Good) -> Files | None:
    if not made.layout.has_key:
        return None
    rows = list(made.rows)
    rows[4], rows[5] = rows[5], rows[4]
    return made.with_rows(rows)


def _shifted(made: Good, step: int) -> Files | None:
    """Frames counted from another number."""

    def shifted(name: str) -> str:
        folder, slash, frame = name.rpartition("/")
        return f"{folder}{slash}{int(frame.removesuffix('.jpg')) + step:05d}.jpg"

    if made.layout.key == "path":
        return made.with_names(shifted)
    return made.with_names(lambda name: str(int(name) + step)) if made.layout.key == "frame" else None


def _counted_otherwise(made: Good) -> Files | None:
    return _shifted(made, 1 - 2 * made.layout.frame_base)


def _one_late(made: Good) -> Files | None:
    return _shifted(made, 1) if made.layout.frame_base == 1 else None


def _slashed(made: Good, rename: Callable[[str], str]) -> Files | None:
    """Other names of rows, where these are paths."""
    return made.with_names(rename) if made.layout.key in {"path", "frame-path"} else None


def _without_zeros(made: Good) -> Files | None:
    if made.layout.key == "path":
        return made.with_names(lambda name: "/".join((name.rpartition("/")[0], name.rpartition("/")[2].lstrip("0"))))
    if made.layout.key == "id" and made.layout.header is not None:
        return made.with_names(lambda name: name.lstrip("0"))
    return None


def _path_of_another_row(made: Good) -> Files | None:
    if not made.layout.has_key:
        return None
    name = made.rows[3].partition(",")[0]
    return made.with_row(f"{name},{made.rows[4].partition(',')[2]}", 4)


def _unknown_ids(made: Good) -> Files | None:
    # the validator of the 11th A/H edition compares the first character of a line only
    if made.layout.key not in {"id", "image"}:
        return None
    return made.with_names(lambda name: f"{name[0]}x{name[1:]}")


def _unit_missing(made: Good) -> Files | None:
    if not made.layout.per_unit:
        return None
    return {name: data for name, data in made.files.items() if name != made.name}


def _unit_more(made: Good) -> Files | None:
    if not made.layout.per_unit:
        return None
    return {**made.files, f"not-asked-for{made.layout.suffix}": made.files[made.name]}


def _unit_renamed(made: Good) -> Files | None:
    if not made.layout.per_unit:
        return None
    path = PurePosixPath(made.name)
    others = {name: data for name, data in made.files.items() if name != made.name}
    return {**others, f"{path.stem}.mp4{path.suffix}": made.files[made.name]}


def _empty_value(made: Good) -> Files | None:
    return None if made.layout.width == 1 else made.with_field(made.value, "")


def _blank_beside(made: Good) -> Files | None:
    return made.with_row(made.rows[2].replace(",", ", ")) if made.layout.takes_blanks else None


def _parts(made: Good) -> Files | None:
    if made.layout.per_unit:
        return None
    half = len(made.rows) // 2
    first, second = (made.with_rows(rows)[made.name] for rows in (made.rows[:half], made.rows[half:]))
    return {f"part-1{made.layout.suffix}": first, f"part-2{made.layout.suffix}": second}


def _columns_in_folders(made: Good) -> Files | None:
    if made.layout.format != "unit-txt" or made.column(Continuous) is None:
        return None
    files: dict[str, bytes] = {}
    for place, column in enumerate(made.layout.columns):
        for name, data in made.files.items():
            lines = [line.split(",")[place] for line in data.decode().splitlines()]
            files[f"{column.name}/{name}"] = ("\n".join(lines) + "\n").encode()
    return files


def _hostile_name(made: Good) -> Files | None:
    return made.with_names(lambda name: f"<script>alert(1)</script>\x1b[2J{name}")


IN_FILES: tuple[Kind, ...] = (
    Kind("empty-file", lambda made: made.with_data(b""), "F02"),
    Kind("header-alone", lambda made: None if made.header is None else made.with_rows([]), "F02"),
    Kind("utf-16", lambda made: made.with_data(made.text.encode("utf-16")), "F03"),
    Kind("latin-1", _latin_1, "F03"),
    Kind("nul-bytes", lambda made: made.with_field(made.value, "\0"), "F03"),
    Kind("wrong-header", _wrong_header, "F04"),
    Kind("quoted-header", _quoted_header, "F07"),
    Kind("no-header", _no_header, "F04"),
    Kind("header-again", _header_again, "F16"),
    Kind("header-where-there-is-none", _header_of_none, "F11"),
    Kind("cut-off", _cut, "F05 T01", {"unit-txt": "F05"}),
    Kind("column-missing", _column_missing, "F06"),
    Kind("column-more", lambda made: made.with_rows([f"{row},0" for row in made.rows]), "F06", {"ah-frames": "T06"}),
    Kind("comma-behind", lambda made: made.with_rows([f"{row}," for row in made.rows]), "F08"),
    Kind("blank-behind", lambda made: made.with_row(f"{made.rows[2]} "), "F08", {"ah-trial": "N06"}),
    Kind("blank-in-the-middle", lambda made: made.with_rows([*made.rows[:3], "", *made.rows[3:]]), "F10"),
    Kind("quoted-values", lambda made: made.with_row(f'"{made.rows[2].replace(",", DOUBLE)}"'), "F07"),
    Kind("semicolons", _separated_by(";"), "F13"),
    Kind("tabs", _separated_by("\t"), "F13"),
    Kind("decimal-commas", _decimal_commas, "F13"),
    Kind("row-numbers", _numbered, "F14", {"vd-csv": "F06"}),
    Kind("comment", lambda made: made.with_rows(["# made by our model", *made.rows]), "F15"),
    Kind("behind-the-sample", _behind_the_sample, "F17"),
    Kind("printed-tensor", _printed_tensor, "F18"),
    Kind("nan", lambda made: made.with_field(made.value, "nan"), "V01"),
    Kind("empty-value", _empty_value, "V01"),
    Kind("infinite", lambda made: made.with_field(made.value, "inf"), "V02"),
    Kind("out-of-range", _out_of_range, "V03"),
    Kind("sentinel", _sentinels, "V04", dict.fromkeys(("eri-csv", "emi-csv"), "V03")),
    Kind("class-between-two", _in_place(Categorical, "1.5"), "V05"),
    Kind("class-with-point", _in_place(Categorical, "1.0"), "V05"),
    Kind("class-beyond", _class_beyond, "V06"),
    Kind("class-name", _class_name, "V01"),
    Kind("label-as-probability", _in_place(MultiLabel, "0.7"), "V07"),
    Kind("label-two", _in_place(MultiLabel, "2"), "V07"),
    Kind("wrong-sum", _wrong_sum, "V08"),
    Kind("probability-out-of-range", _wrong_probability, "V03"),
    Kind("formula", lambda made: made.with_field(made.value, "=cmd|'/c calc'!A1"), "V01"),
    Kind("row-missing", _row_missing, "T01", {"unit-txt": "T07"}),
    Kind("last-rows-missing", _last_rows_missing, "T01", {"unit-txt": "T07"}),
    Kind("row-more", _row_more, "T02", {"unit-txt": "T07"}),
    Kind("row-twice", _row_twice, "T03"),
    Kind("repetition-lost", _repetition_lost, "T04"),
    Kind("order-reversed", _other_order, "T05"),
    Kind("two-rows-swapped", _two_swapped, "T05"),
    Kind("counted-from-another-number", _counted_otherwise, "T06"),
    Kind("one-frame-late", _one_late, "T01 T02", {"mtl": "T06"}),
    Kind("backslashes", lambda made: _slashed(made, lambda name: name.replace("/", "\\")), "T06"),
    Kind("folder-in-front", lambda made: _slashed(made, lambda name: f"/data/cropped_aligned/{name}"), "T06"),
    Kind("another-ending", lambda made: _slashed(made, lambda name: name.replace(".jpg", ".png")), "T06"),
    Kind("no-zeros-in-front", _without_zeros, "T06"),
    Kind("path-of-another-row", _path_of_another_row, "T01 T03"),
    Kind("unknown-ids", _unknown_ids, "T06", {"ah-trial": "F09 T06"}),
    Kind("hostile-name", _hostile_name, "T06", {"ah-trial": "F09 T06"}),
    Kind("unit-missing", _unit_missing, "T08"),
    Kind("unit-more", _unit_more, "T09"),
    Kind("unit-renamed", _unit_renamed, "T06"),
    Kind("file-more", lambda made: {**made.files, "notes.json": b"{}\n"}, "T09"),
    Kind("answers-in-parts", _parts, "Z09"),
    Kind("columns-in-folders", _columns_in_folders, "Z10"),
)

# what is odd and accepted
ODD_FILES: tuple[Kind, ...] = (
    Kind("windows-line-ends", lambda made: made.with_data(made.files[made.name].replace(b"\n", b"\r\n")), "N01"),
    Kind("byte-order-mark", lambda made: made.with_data(b"\xef\xbb\xbf" + made.files[made.name]), "N02"),
    Kind("blank-last-line", lambda made: made.with_data(made.files[made.name] + b"\n"), "N03"),
    Kind("no-last-line-feed", lambda made: made.with_data(made.files[made.name].rstrip(b"\n")), "N10"),
    Kind("scientific", _scientific),
    Kind("without-probabilities", _without_probabilities),
    Kind("blank-beside-a-value", _blank_beside, "N06"),
)

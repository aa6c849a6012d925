"""A text file brought into its official form: the one place that knows what can be wrong with a file as a whole.

Readers parse what is settled, `repair` writes it, and `check` reports what had to be mended and then what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

from abawbench.base.problems import SHOWN, Problem
from abawbench.formats import blocks, lines, text_values
from abawbench.formats.columns import BLANKS
from abawbench.formats.describe import describe_columns, expected_columns, is_part
from abawbench.formats.header import (
    ROW_NAME,
    begins_with_index,
    drop_headers,
    layout_under,
    squeezed_headers,
    take_header,
)
from abawbench.formats.layout import Layout
from abawbench.formats.lines import Lines
from abawbench.formats.lists import RowList
from abawbench.formats.mend import is_past_mending, mend_row, unwrap_row
from abawbench.formats.mending import Mendings
from abawbench.formats.parse import parse_flawless
from abawbench.formats.text import quote

# fewer rows do not tell row numbers from values
FEWEST_NUMBERED = 3


@dataclass(frozen=True, eq=False)
class Settled:
    """A text file in its official form, as far as there is one way to get there.

    Attributes:
        layout: the layout of the rows.
        header: the first line; None where the format, or the file, has none.
        rows: the rows, with commas between their fields.
        numbers: the line number of each row in the file.
        mended: the faults that were mended, up to three of each rule.
        faults: faults of the whole file that have to be mended by hand; those of single rows are for `diagnose`.
        is_told: True if the faults of the whole file account for those of its rows.
        is_cut: True if the last row may be cut off.
        is_flawless: True if no row has a fault of its own.
    """

    layout: Layout
    header: str | None
    rows: list[str]
    numbers: list[int]
    mended: tuple[Problem, ...]
    faults: tuple[Problem, ...] = ()
    is_told: bool = False
    is_cut: bool = False
    is_flawless: bool = False

    @property
    def body(self) -> bytes:
        """The rows as bytes."""
        return ("\n".join(self.rows) + "\n" * bool(self.rows)).encode("utf-8", "surrogateescape")

    def to_bytes(self) -> bytes:
        """The file as bytes."""
        head = "" if self.header is None else f"{self.header}\n"
        return head.encode("utf-8", "surrogateescape") + self.body

    def split(self) -> tuple[list[str], list[str]]:
        """The name of each row, of which there are none where rows are told by their place, and the rest of it."""
        return _names_and_values(self.rows, self.layout)


def settle(
    data: bytes,
    candidates: Sequence[Layout],
    file: str,
    *,
    of_unit: bool = False,
    wanted: RowList | None = None,
    counts: Sequence[int] = (),
) -> Settled:
    """Bring a text file into its official form, and record what was mended.

    Mended are the encoding, line ends, separators, decimal commas, quotes, comments, blank lines, a column of row
    numbers, headers that lack or stand in the file again, copies of rows, rows of the sample, printed arrays, and the
    faults of rows that `mend` knows. No value is changed but those in `mending.CHANGE_VALUES`.

    Args:
        data: the whole file, any bytes.
        candidates: the layouts that the file may have, the official one first.
        file: the file's name, for messages.
        of_unit: True for the file of one unit.
        wanted: the rows that the file should have; None where they are not known.
        counts: numbers of rows that the file may have; empty where they are not known.
    """
    mended = Mendings(file)
    text = lines.decode(data, mended)
    if text is None:
        found, expected = "binary data", "UTF-8 text whose lines end with a line feed"
        fault = Problem("F03", found, expected, "save it again as UTF-8 text", file, 1)
        return Settled(candidates[0], None, [], [], mended.found, (fault,), is_told=True)
    content = lines.split(text, mended)
    return _Settling(content, candidates, file, mended, wanted, counts).settled(of_unit=of_unit)


class _Settling:
    """One file on its way to its official form."""

    def __init__(
        self,
        content: Lines,
        candidates: Sequence[Layout],
        file: str,
        mended: Mendings,
        wanted: RowList | None,
        counts: Sequence[int],
    ) -> None:
        self._content = content
        self._candidates = candidates
        self._layout = candidates[0]
        self._file = file
        self._mended = mended
        self._wanted = wanted
        self._counts = (len(wanted.keys),) if wanted is not None else tuple(counts)
        self._headers = squeezed_headers(candidates)
        self._faults: list[Problem] = []
        self._is_told = False
        self._header: str | None = None
        # the first line of the file as it was found, where it is a header
        self._first: str | None = None
        # places of rows before which a header stood, and the lines of these headers
        self._starts: list[int] = []
        self._repeated: list[int] = []

    @cached_property
    def _listed(self) -> Counter[str]:
        """How often the list has each name; empty where there is no list."""
        return Counter[str]() if self._wanted is None else Counter[str](self._wanted.keys.to_pylist())

    def settled(self, *, of_unit: bool) -> Settled:
        """The file in its official form."""
        lines.drop_comments(self._content, self._mended, self._headers, lambda: self._listed)
        texts = self._content.texts
        # transcripts hold marks of any kind
        if not any(layout.has_text for layout in self._candidates) or not any("," in text for text in texts):
            lines.set_separators(self._content, self._mended, self._headers)
        self._layout = layout_under(texts[0] if texts else "", self._candidates, of_unit=of_unit)
        taken = take_header(self._content, self._layout, self._headers, self._mended, self._add_fault)
        self._header, self._first = taken.official, taken.found
        is_flawless = self._is_flawless()
        if is_flawless:
            self._judge_blank_lines()
        else:
            self._settle_rows()
        is_cut = self._content.is_cut and not self._is_last_row_whole()
        if is_cut or not self._drop_copies(is_flawless=is_flawless):
            self._tell_headers()
        return Settled(
            self._layout,
            self._header,
            self._content.texts,
            self._content.numbers,
            self._mended.found,
            tuple(self._faults),
            self._is_told,
            is_cut,
            is_flawless,
        )

    def _is_flawless(self) -> bool:
        """True if no row has a fault of its own: the vectorised reader tells it for all rows at once."""
        layout, texts = self._layout, self._content.texts
        if layout.role == "list" or not texts:
            return False
        body = ("\n".join(texts) + "\n").encode("utf-8", "surrogateescape")
        return parse_flawless(body, layout) is not None

    def _settle_rows(self) -> None:
        """Settle what is wrong within rows."""
        self._unwrap_values()
        self._settle_scores()
        self._drop_row_numbers()
        self._judge_blank_lines()
        self._repeated, self._starts = drop_headers(self._content, (self._header, self._first))
        self._mend_rows()
        # scores that stood behind a row number, or in a printed array
        self._settle_scores()
        text_values.settle_names(self._content, self._layout, self._mended)
        self._judge_columns()

    def _add_fault(self, rule: str, line: int | None, found: str, expected: str, fix: str, count: int = 1) -> None:
        self._faults.append(Problem(rule, found, expected, fix, self._file, line, count))

    def _settle_scores(self) -> None:
        """Put a class in the place of the scores of all classes, and the header of the format above it."""
        is_settled = text_values.settle_scores(self._content, self._layout, self._first, self._mended, self._add_fault)
        if is_settled and self._header not in self._layout.headers and self._layout.header is not None:
            self._faults = [fault for fault in self._faults if fault.rule != "F04"]
            self._mended.add("F04", 1, quote(self._first or ""), expected=f"'{self._layout.header}'")
            self._header = self._layout.header

    def _drop_row_numbers(self) -> None:
        texts = self._content.texts
        layout = self._layout
        if layout.has_text or not texts:
            return
        widths = {layout.width, *layout.widths_with_scores}
        if layout.key == "frame-path":
            wide = [place for place, text in enumerate(texts) if ROW_NAME.match(text.partition(",")[2])]
        else:
            wide = [place for place, text in enumerate(texts) if text.count(",") in widths and not text.endswith(",")]
        if 2 * len(wide) <= len(texts):
            return
        split = {place: texts[place].partition(",") for place in wide}
        numbered = [place for place in wide if split[place][0].strip().isdecimal()]
        if len(numbered) < len(wide):
            return
        is_named = self._first is not None and begins_with_index(self._first)
        is_before_names = layout.key in {"path", "frame-path", "image"} and all(
            ROW_NAME.match(split[place][2]) for place in numbered
        )
        numbers = [int(split[place][0]) for place in numbered]
        # numbers in front of frame numbers could be the frames themselves
        if not (is_named or is_before_names or (layout.key != "frame" and _is_count(numbers))):
            return
        for place in numbered:
            texts[place] = split[place][2]
        found = f"row numbers in the first column, {quote(split[numbered[0]][0])} first"
        self._mended.add("F14", self._content.numbers[numbered[0]], found, len(numbered))

    def _judge_blank_lines(self) -> None:
        """Drop blank lines between rows, unless one may stand for a frame."""
        content = self._content
        if not content.blanks or not content.numbers:
            return
        inner = [number for number in content.blanks if number > content.numbers[0]]
        is_every_other = len(inner) >= len(content.texts) - 1 > 0 and all(
            later - earlier == 2 for earlier, later in pairwise(inner)
        )
        is_clear = self._layout.has_key or len(content.texts) in self._counts or is_every_other or not inner
        if is_clear:
            self._mended.add("F10", content.blanks[0], "a blank line", len(content.blanks))
            return
        fix = "remove the line, or write the row that belongs there"
        for number in inner[:SHOWN]:
            self._add_fault("F10", number, "a blank line", "a row", fix, len(inner))

    def _unwrap_values(self) -> None:
        """Take values out of printed arrays."""
        content = self._content
        if self._layout.has_text:
            return
        for place, text in enumerate(content.texts):
            if "(" in text or "[" in text:
                tell = partial(self._mended.add, line=content.numbers[place])
                content.texts[place] = unwrap_row(text, self._layout, tell)

    def _mend_rows(self) -> None:
        content, layout = self._content, self._layout
        if layout.role == "list" or not layout.columns:
            return
        faultless = layout.faultless_row
        latin: list[int] = []
        for place, line in enumerate(content.texts):
            if (faultless is not None and faultless.fullmatch(line)) or is_past_mending(line, layout):
                continue
            text = line
            if lines.is_undecodable(line):
                key, _, values = line.partition(",")
                if not layout.has_key or lines.is_undecodable(values):
                    continue
                latin.append(place)
                text = f"{lines.as_latin1(key)},{values}"
            content.texts[place] = mend_row(text, layout, partial(self._mended.add, line=content.numbers[place]))
        if latin:
            found = f"bytes in names that are Latin-1, {quote(layout.row_name(content.texts[latin[0]]))}"
            self._mended.add("F03", content.numbers[latin[0]], found, len(latin))

    def _judge_columns(self) -> None:
        """Tell as one fault that most rows have other columns than the format."""
        texts, layout = self._content.texts, self._layout
        if layout.has_text or layout.key == "frame-path" or layout.role == "list":
            return
        wrong = [place for place, text in enumerate(texts) if text.count(",") != layout.width - 1]
        if 2 * len(wrong) <= len(texts):
            return
        if any(fault.rule == "F04" for fault in self._faults) and is_part(self._header or "", layout):
            # the header tells it
            self._is_told = True
            return
        if len(texts) < FEWEST_NUMBERED:
            return
        self._is_told = True
        found, expected = describe_columns([texts[place] for place in wrong], layout), expected_columns(layout)
        fix = f"write {expected.partition(': ')[2]}, and nothing else, under the header of the organisers' list"
        self._faults = [fault for fault in self._faults if fault.rule != "F04"]
        self._add_fault("F06", self._content.numbers[wrong[0]], found, expected, fix, len(wrong))

    def _is_last_row_whole(self) -> bool:
        """True if the last row, which has no line feed, has all its fields and is the last of the list."""
        content, layout = self._content, self._layout
        if not content.texts:
            return True
        fields = layout.split(content.texts[-1])
        is_whole = len(fields) == layout.width and all(field.strip(BLANKS) for field in fields)
        if is_whole and (not self._counts or self._is_complete()):
            self._mended.add("N10", content.numbers[-1], f"{quote(content.texts[-1])} without a line feed")
            return True
        fix = "write the file again, to its end: a number that is cut off cannot be told from a short one"
        found = f"{quote(content.texts[-1])} without a line feed"
        self._add_fault("F05", content.numbers[-1], found, "a whole row and a line feed", fix)
        return False

    def _is_complete(self) -> bool:
        """True if the file, or its last copy of the rows, has as many rows as it should have."""
        count = len(self._content.texts)
        return any(size and count % size == 0 for size in self._counts)

    def _tell_headers(self) -> None:
        if self._repeated:
            self._mended.add("F16", self._repeated[0], "the first line once more", len(self._repeated))

    def _drop_copies(self, *, is_flawless: bool) -> bool:
        """Drop rows that stand in the file again, and those of the organisers' sample; True if there are any."""
        content = self._content
        is_longer = self._wanted is not None and 0 < len(self._wanted.keys) < len(content.texts)
        # rows without a value may be those of the sample
        if self._layout.has_key and is_flawless and not (self._starts or is_longer):
            return False
        if self._layout.has_key and not blocks.has_copies(map(self._layout.row_name, content.texts)):
            return False
        keys, values = _names_and_values(content.texts, self._layout)
        if self._layout.has_key:
            copies = blocks.of_named_rows(keys, values, self._starts, self._listed)
        else:
            copies = blocks.of_numbered_rows(content.texts, self._starts, self._counts)
        number = content.numbers
        header = "the header and " if self._repeated else ""
        if copies.unlike:
            what = (
                f"{header}{self._subject(keys, copies.unlike)} again, with unlike values in {len(copies.unlike):,} rows"
            )
            fix = "keep the rows that you mean; open files with mode 'w', not 'a'"
            line = (self._repeated or [number[copies.unlike[0]]])[0]
            self._add_fault("T03", line, what, "each row once", fix, len(copies.unlike))
            self._is_told |= not self._layout.has_key
        if copies.dropped:
            what = f"{header}{self._subject(keys, copies.dropped)} again, with the same values"
            self._mended.add("T03", (self._repeated or [number[copies.dropped[0]]])[0], what, len(copies.dropped))
        if copies.sample:
            found = f"{header}the rows of the sample, {quote(content.texts[copies.sample[0]])}"
            self._mended.add("F17", number[copies.sample[0]], found, len(copies.sample))
        if len(copies.kept) < len(content.texts):
            content.keep(copies.kept)
        return bool(copies.unlike or copies.dropped or copies.sample)

    def _subject(self, keys: Sequence[str], places: Sequence[int]) -> str:
        """What stands in a file more than once, in words."""
        if not keys:
            return "the unit"
        again = {keys[place] for place in places}
        if again == set(keys):
            return "the file"
        if len(places) == 1:
            return quote(keys[places[0]])
        units = {key.rpartition("/")[0] for key in again}
        if len(units) == 1 and "" not in units:
            (unit,) = units
            whole = {key for key in keys if key.rpartition("/")[0] == unit} == again
            return f"'{unit}'" if whole else f"{len(places):,} rows of '{unit}'"
        return f"{len(places):,} rows"


def _names_and_values(rows: Sequence[str], layout: Layout) -> tuple[list[str], list[str]]:
    if not layout.has_key:
        return [], list(rows)
    keys = [layout.row_name(row) for row in rows]
    return keys, [row[len(key) + 1 :] for key, row in zip(keys, rows, strict=True)]


def _is_count(numbers: Sequence[int]) -> bool:
    """True for numbers that count from 0 or 1, perhaps again and again."""
    if len(numbers) < FEWEST_NUMBERED or numbers[0] not in {0, 1}:
        return False
    return all(later in {earlier + 1, numbers[0]} for earlier, later in pairwise(numbers)) and max(numbers) > 1

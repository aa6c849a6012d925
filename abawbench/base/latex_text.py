"""LaTeX that says what a text says, whatever its characters, and tables for papers."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

# characters that LaTeX takes for commands, and those that its fonts have under another name
ESCAPES = {
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "^": r"\^{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "\\": r"\textbackslash{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "–": "--",
    "—": "---",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "±": r"\ensuremath{\pm}",
    "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
    "\u00a0": "~",
}
# letters of Latin alphabets end here; LaTeX without packages prints them but for these
LAST_OF_LATIN = "\u017e"
PLAIN_LETTERS = dict(
    zip("ÐÞðþĐđĦħĸŊŋŦŧ", ("D", "Th", "d", "th", "D", "d", "H", "h", "k", "Ng", "ng", "T", "t"), strict=True)
)
WITHOUT_MARKS = frozenset("ĄąĘęĮįĿŀŉŲų")
HEADER_ROOM = 2


class Latex(str):
    """A text that is LaTeX already."""

    __slots__ = ()


def escaped(text: str) -> Latex:
    r"""A text as LaTeX that prints it; a character that plain LaTeX cannot print becomes its base letter, or `?`.

    >>> escaped("R&D_1, 95 %, café, ≥ ½, 李")
    'R\\&D\\_1, 95 \\%, café, \\ensuremath{\\ge} 1/2, ?'
    """
    if isinstance(text, Latex):
        return text
    return Latex("".join(map(_character, text)))


def _character(one: str) -> str:
    if one in ESCAPES:
        return ESCAPES[one]
    if one in PLAIN_LETTERS:
        return PLAIN_LETTERS[one]
    if " " <= one <= "~" or (one.isalpha() and one <= LAST_OF_LATIN and one not in WITHOUT_MARKS):
        return one
    plain = unicodedata.normalize("NFKD", one).replace("\u2044", "/")
    kept = "".join(other for other in plain if " " <= other <= "~")
    return "".join(ESCAPES.get(other, other) for other in kept) or ("" if unicodedata.combining(one) else "?")


def tabular(cells: Sequence[Sequence[str]], headers: Sequence[str], align: Sequence[str]) -> str:
    """Write a `tabular` with the rules of booktabs.

    Args:
        cells: cells by row; each is escaped unless it is `Latex`.
        headers: a header for each column, which may be empty.
        align: letter or LaTeX of each column, as `l` or `p{3cm}`.
    """
    rows = [[cell if isinstance(cell, Latex) else cell.strip() for cell in row] for row in cells]
    widths = [max(len(header) + HEADER_ROOM, *map(len, column)) for header, *column in zip(headers, *rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        padded = zip(row, widths, strict=True)
        # the end of the line above takes a bracket or a star for its own
        guard = "{}" if escaped(row[0]).lstrip().startswith(("[", "*")) else ""
        return f"{guard} {' & '.join(escaped(cell) + ' ' * (width - len(cell)) for cell, width in padded)} \\\\"

    return "\n".join(
        [
            f"\\begin{{tabular}}{{{''.join(align)}}}",
            r"\toprule",
            line(headers),
            r"\midrule",
            *map(line, rows),
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )

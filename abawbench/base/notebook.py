"""A small table as HTML and as Markdown, for objects that show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from abawbench.base.markdown_text import marked_down


@dataclass(frozen=True, slots=True)
class NotebookTable:
    """A table in a notebook; its texts may hold anything, and are escaped.

    Attributes:
        title: line above the table.
        headers: a header for each column, which may be empty.
        rows: cells by row; the first column is left-aligned, the others right-aligned.
        notes: lines below the table.
    """

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def html(self) -> str:
        """The table as HTML, without a style sheet or a script."""
        head = "".join(f"<th>{escape(header)}</th>" for header in self.headers)
        lines = [
            f'<tr><th style="text-align:left">{escape(first)}</th>'
            + "".join(f'<td style="text-align:right">{escape(cell)}</td>' for cell in others)
            + "</tr>"
            for first, *others in self.rows
        ]
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        caption = f'<caption style="text-align:left">{escape(self.title)}</caption>'
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>{notes}"

    def markdown(self) -> str:
        """The table as Markdown."""
        rows = [self.headers, [":--", *["--:"] * (len(self.headers) - 1)]]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        lines += [f"| {' | '.join(map(marked_down, row))} |" for row in self.rows]
        return "\n\n".join([marked_down(self.title), "\n".join(lines), *map(marked_down, self.notes)]) + "\n"

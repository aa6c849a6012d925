"""Cells and columns of the tables of pages."""

from __future__ import annotations

from dataclasses import dataclass

DASH = "–"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its text, or markup that is safe already, and what it is sorted by.

    Attributes:
        text: text of the cell; an object with `__html__`, as `markupsafe.Markup`, is taken as markup.
        sort: what a table is sorted by; None for the text itself.
        mark: class of the cell's element, as `best`; empty for none.
    """

    text: str
    sort: float | str | None = None
    mark: str = ""


Value = Cell | str | float | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        label: header of the column.
        is_number: True for a column of numbers, which stands flush right.
        form: format of the numbers, as `.4f` or `,`.
        help: longer explanation of the header; empty for none.
    """

    label: str
    is_number: bool = False
    form: str = ".4f"
    help: str = ""

    def cell(self, value: Value) -> Cell:
        """The cell of a value: whole numbers with separators, other numbers in the column's form, None as a dash.

        What rounds to 0 has no minus.

        >>> Column("score", True).cell(0.25), Column("rows", True).cell(1200).text, Column("p", True).cell(None).text
        (Cell(text='0.2500', sort=0.25, mark=''), '1,200', '–')
        """
        if isinstance(value, Cell):
            return value
        if value is None:
            return Cell(DASH, "")
        if isinstance(value, str):
            return Cell(value)
        return Cell(f"{value:,}" if isinstance(value, int) else in_form(value, self.form), value)


def in_form(value: float, form: str) -> str:
    """A number in a form; 0 has no minus, also where it is rounded.

    >>> in_form(-0.00001, ".4f"), in_form(-0.00001, "+.4f"), in_form(-0.5, "+.4f")
    ('0.0000', '+0.0000', '-0.5000')
    """
    sign = form[0] if form[:1] == "+" else ""
    return f"{value:{sign}z{form.removeprefix('+')}}"


def number(label: str, form: str = ".4f", help: str = "") -> Column:  # noqa: A002
    """A column of numbers."""
    return Column(label, True, form, help)

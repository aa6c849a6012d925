"""The text of a definition without types, and with the first line of each docstring alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

WIDTH = 120
# types of the fields of dataclasses that are kept; every other field is an array
PLAIN_TYPES = {"int", "float", "str", "bool"}
# marks for checkers of types and style
_MARKS = re.compile(rb"  # (?:type|pyright|noqa|fmt)\b.*$", re.MULTILINE)

# the last character of a line behind which a bracket has lines of its own
_OPENING = ("(", "[", "{")

Edit = tuple[int, int, bytes]
# statements that may stand in one line
SIMPLE = (ast.Assign, ast.AugAssign, ast.Return, ast.Expr, ast.Raise)


def plain_text(node: ast.stmt, lines: Sequence[str], unused: Sequence[ast.FunctionDef] = ()) -> str:
    """The text of a definition without annotations, casts, `strict` of `zip`, and all but the first line of docstrings.

    Args:
        node: the definition.
        lines: lines of its module.
        unused: methods to leave out.
    """
    page = Page(lines)
    edits: list[Edit] = []
    for method in unused:
        first = first_line(method) - len(comments_above(lines, first_line(method)))
        edits.append((page.starts[first - 1], page.starts[method.end_lineno or 0], b""))
    hidden = [(begin, end) for begin, end, _ in edits]
    for inner in ast.walk(node):
        edits += [edit for edit in _edits(inner, node, page) if not _is_inside(edit, hidden)]
    text = page.text
    begin, end = page.starts[first_line(node) - 1], page.starts[node.end_lineno or 0]
    for start, stop, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[stop:]
        end += len(new) - (stop - start)
    plain = _MARKS.sub(b"", text[begin:end]).decode()
    return _refitted(re.sub(r"\n\n+(?=\n)", "\n", plain).rstrip())


def _refitted(text: str) -> str:
    """A text with each statement in one line that fits into one."""
    lines = text.split("\n")
    for node in sorted(ast.walk(ast.parse(text)), key=lambda node: -getattr(node, "lineno", 0)):
        if not isinstance(node, SIMPLE) or node.end_lineno == node.lineno:
            continue
        own = lines[node.lineno - 1 : node.end_lineno]
        line = " ".join(part.strip() for part in own)
        line = own[0][: node.col_offset] + re.sub(r",? (?=[)\]}])", "", re.sub(r"(?<=[(\[{]) ", "", line))
        if len(line) <= WIDTH and _is_same(line.strip(), node):
            lines[node.lineno - 1 : node.end_lineno] = [line]
    return "\n".join(_filled(lines))


def _filled(lines: Sequence[str]) -> list[str]:
    """Lines in which the parts of a bracket, one to a line, stand side by side; rows of a table stay alone."""
    found: list[str] = []
    begin = 0
    while begin < len(lines):
        indent = len(lines[begin]) - len(lines[begin].lstrip())
        end = begin + 1
        inner = " " * (indent + 4)
        while lines[begin][-1:] in _OPENING and end < len(lines) and lines[end].startswith(inner):
            end += 1
        parts = [line[indent + 4 :] for line in lines[begin + 1 : end]]
        found.append(lines[begin])
        begin += 1
        if any(part[0] in " ({#" or part[-1] in _OPENING or "  # " in part for part in parts):
            continue
        for part in parts:
            if found[-1].startswith(inner) and len(found[-1]) + len(part) < WIDTH:
                found[-1] += f" {part}"
            else:
                found.append(inner + part)
        begin = end
    return found


def _is_same(line: str, node: ast.stmt) -> bool:
    """True for a line that means what a statement does."""
    try:
        (own,) = ast.parse(f"def _():\n {line}").body
    except (SyntaxError, ValueError):
        return False
    return isinstance(own, ast.FunctionDef) and ast.dump(own.body[0]) == ast.dump(node)


def without_annotations(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Every node of some trees but those of annotations and of the types of casts."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.AnnAssign):
            todo += [part for part in (node.target, node.value) if part is not None]
        elif isinstance(node, ast.FunctionDef):
            todo += [*node.body, *node.decorator_list, node.args]
        elif isinstance(node, ast.Call) and _calls(node, "cast"):
            todo.append(node.args[1])
        elif not isinstance(node, ast.arg):
            todo += ast.iter_child_nodes(node)


def first_line(node: ast.stmt) -> int:
    """Number of the first line of a statement, decorators included."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def comments_above(lines: Sequence[str], line: int) -> list[str]:
    """The comments that stand directly above a line."""
    first = line - 1
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return list(lines[first : line - 1])


def segment(lines: Sequence[str], node: ast.expr) -> str:
    """The text of an expression."""
    page = Page(lines)
    return page.text[page.begin(node) : page.end(node)].decode()


class Page:
    """The lines of a module as bytes, in which the syntax tree counts.

    Attributes:
        lines: the lines.
        text: all of them as bytes.
        starts: where each line begins, and the end of the text.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.text = "".join(f"{line}\n" for line in lines).encode()
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line.encode()) + 1)

    def begin(self, node: ast.stmt | ast.expr | ast.keyword) -> int:
        """Where a node begins."""
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.stmt | ast.expr | ast.keyword) -> int:
        """Where a node ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.end_lineno - 1] + node.end_col_offset


def _is_inside(edit: Edit, hidden: Sequence[tuple[int, int]]) -> bool:
    return any(begin <= edit[0] < end for begin, end in hidden)


def _edits(node: ast.AST, top: ast.stmt, page: Page) -> Iterator[Edit]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield from _docstring(node, page)
    if isinstance(node, ast.FunctionDef):
        yield _signature(node, page)
    elif isinstance(node, ast.AnnAssign):
        is_field = isinstance(top, ast.ClassDef) and node in top.body
        yield _assignment(node, page, is_field=is_field)
    elif isinstance(node, ast.Call) and _calls(node, "cast"):
        yield page.begin(node), page.begin(node.args[1]), b""
        yield page.end(node.args[1]), page.end(node), b""
    elif isinstance(node, ast.Call) and _calls(node, "zip") and node.keywords:
        yield page.end(node.args[-1]), page.end(node.keywords[-1]), b""


def _calls(node: ast.Call, name: str) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == name


def _docstring(node: ast.FunctionDef | ast.ClassDef, page: Page) -> Iterator[Edit]:
    text = ast.get_docstring(node)
    if text is not None:
        yield page.begin(node.body[0]), page.end(node.body[0]), f'"""{text.partition(chr(10))[0]}"""'.encode()


def _signature(node: ast.FunctionDef, page: Page) -> Edit:

    text = ", ".join(_arguments(node.args))
    indent = " " * node.col_offset
    line = f"def {node.name}({text}):"
    if len(indent + line) > WIDTH:
        line = f"def {node.name}(\n{indent}    {text}\n{indent}):"
    last = first_line(node.body[0]) - 1
    while page.lines[last - 1].lstrip().startswith("#"):
        last -= 1
    return page.begin(node), page.starts[last] - 1, line.encode()


def _arguments(given: ast.arguments) -> Iterator[str]:
    """The arguments of a function as they are written, without types."""
    places = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(places) - len(given.defaults)) + list(given.defaults)
    for argument, default in zip(places, defaults, strict=True):
        yield argument.arg + ("" if default is None else f"={ast.unparse(default)}")
    if given.vararg is not None or given.kwonlyargs:
        yield f"*{'' if given.vararg is None else given.vararg.arg}"
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield argument.arg + ("" if default is None else f"={ast.unparse(default)}")
    if given.kwarg is not None:
        yield f"**{given.kwarg.arg}"


def _assignment(node: ast.AnnAssign, page: Page, *, is_field: bool) -> Edit:
    if is_field:
        name = ast.unparse(node.annotation)
        return (
            page.begin(node.annotation),
            page.end(node.annotation),
            (name if name in PLAIN_TYPES else "np.ndarray").encode(),
        )
    if node.value is None:
        return page.starts[node.lineno - 1], page.starts[node.end_lineno or 0], b""
    return page.end(node.target), page.begin(node.value), b" = "

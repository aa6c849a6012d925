"""The text of a definition without types, and with the first line of each docstring alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

WIDTH = 120
# types of the fields of dataclasses that are kept; every other field is an array
PLAIN_TYPES = {"int", "float", "str", "bool"}
# marks for checkers of types and style
_MARKS = re.compile(rb"  # (?:type|pyright|noqa|fmt)\b.*$", re.MULTILINE)

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
    page = _Page(lines)
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
    return "\n".join(lines)


def _is_same(line: str, node: ast.stmt) -> bool:
    """True for a line that means what a statement does."""
    try:
        (own,) = ast.parse(f"def _():\n {line}").body
    except (SyntaxError, ValueError):
        return False
    return isinstance(own, ast.FunctionDef) and ast.dump(own.body[0]) == ast.dump(node)


def settle_flags(text: str, flags: Mapping[str, bool]) -> str:
    """The text of a module with the branch that runs in the place of each `if` on a flag alone.

    Args:
        text: the module; no such `if` is an `elif`, and none leaves a block empty.
        flags: the flags by name; an `if` may also be on `not` a flag, and an expression with `if` and `else`, too.
    """
    while True:
        found = next(
            (
                (node, value)
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.If | ast.IfExp) and (value := _flag(node.test, flags)) is not None
            ),
            None,
        )
        if found is None:
            return text
        node, is_true = found
        lines = text.splitlines()
        page = _Page(lines)
        if isinstance(node, ast.IfExp):
            kept = node.body if is_true else node.orelse
            whole = page.text[: page.begin(node)] + page.text[page.begin(kept) : page.end(kept)]
            text = (whole + page.text[page.end(node) :]).decode()
            continue
        branch = node.body if is_true else node.orelse
        own: list[str] = []
        if branch:
            first, last = first_line(branch[0]), branch[-1].end_lineno or 0
            own = [*comments_above(lines, first), *lines[first - 1 : last]]
            own = [line[branch[0].col_offset - node.col_offset :] if line.strip() else line for line in own]
        above = node.lineno - 1 - (0 if branch else len(comments_above(lines, node.lineno)))
        text = "\n".join([*lines[:above], *own, *lines[node.end_lineno or 0 :]]) + "\n"


def _flag(test: ast.expr, flags: Mapping[str, bool]) -> bool | None:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        value = _flag(test.operand, flags)
        return None if value is None else not value
    return flags.get(test.id) if isinstance(test, ast.Name) else None


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
    page = _Page(lines)
    return page.text[page.begin(node) : page.end(node)].decode()


class _Page:
    """The lines of a module as bytes, in which the syntax tree counts."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.text = "".join(f"{line}\n" for line in lines).encode()
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line.encode()) + 1)

    def begin(self, node: ast.stmt | ast.expr | ast.keyword) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.stmt | ast.expr | ast.keyword) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.end_lineno - 1] + node.end_col_offset


def _is_inside(edit: Edit, hidden: Sequence[tuple[int, int]]) -> bool:
    return any(begin <= edit[0] < end for begin, end in hidden)


def _edits(node: ast.AST, top: ast.stmt, page: _Page) -> Iterator[Edit]:
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


def _docstring(node: ast.FunctionDef | ast.ClassDef, page: _Page) -> Iterator[Edit]:
    text = ast.get_docstring(node)
    if text is not None:
        yield page.begin(node.body[0]), page.end(node.body[0]), f'"""{text.partition(chr(10))[0]}"""'.encode()


def _signature(node: ast.FunctionDef, page: _Page) -> Edit:

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


def _assignment(node: ast.AnnAssign, page: _Page, *, is_field: bool) -> Edit:
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

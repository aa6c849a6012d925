"""The text of a module without what a program cannot need of which some facts are known."""

from __future__ import annotations

import ast
import builtins
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence

from abawbench.organisers.frozen.plain import Edit, Page, comments_above, first_line

Facts = Mapping[str, tuple[object, ...]]
ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def settled(text: str, facts: Facts) -> str:
    """The text of a module in which tests that facts decide are settled.

    Branches that never run, operands that change nothing, statements behind a `return`, rows of tables that are never
    true in a column `is_broken`, and local names that nothing uses are left out.

    Args:
        text: the module.
        facts: by expression, as `layout['key']`, the values that it may have.
    """
    return _settled(text, tuple(sorted(facts.items())))


@functools.lru_cache(64)
def _settled(text: str, facts: tuple[tuple[str, tuple[object, ...]], ...]) -> str:
    while True:
        lines = text.splitlines()
        page = Page(lines)
        edits = list(_Folder(lines, page).folds(ast.parse(text), dict(facts)))
        if not edits:
            return text
        whole, last = page.text, len(page.text) + 1
        for begin, end, new in sorted(edits, reverse=True):
            if end <= last:
                whole, last = whole[:begin] + new + whole[end:], begin
        text = whole.decode()


class _Folder:
    """Finds edits of a module, of which none lies in another."""

    def __init__(self, lines: Sequence[str], page: Page) -> None:
        self.lines = lines
        self.page = page

    def folds(self, node: ast.AST, facts: Facts) -> Iterator[Edit]:
        """The edits of a tree, the outermost alone."""
        if isinstance(node, ast.FunctionDef):
            facts = {**facts, **_constants(node)}
        own = list(self._own(node, facts))
        if own:
            yield from own
            return
        for part in ast.iter_child_nodes(node):
            yield from self.folds(part, facts)

    def _own(self, node: ast.AST, facts: Facts) -> Iterator[Edit]:
        if isinstance(node, ast.FunctionDef):
            yield from self._unused(node)
        for block in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
            if isinstance(block, list):
                yield from self._dead(block)
        if isinstance(node, ast.For | ast.If) and _vanishes(node, facts) and not self._is_elif(node):
            yield self._lines(node.lineno - len(comments_above(self.lines, node.lineno)), node.end_lineno or 0)
        elif isinstance(node, ast.If) and (value := decided(node.test, facts)) is not None:
            yield self._branch(node, value)
        elif isinstance(node, ast.IfExp) and (value := decided(node.test, facts)) is not None:
            yield self._replaced(node, self._text(node.body if value else node.orelse))
        elif isinstance(node, ast.For):
            yield from self._rows(node)
        elif isinstance(node, ast.BoolOp | ast.Compare | ast.UnaryOp):
            value = decided(node, facts)
            if value is not None and _is_truth(node, facts):
                yield self._replaced(node, str(value))
            elif value is None and isinstance(node, ast.BoolOp):
                kept = [part for part in node.values if decided(part, facts) is None]
                if len(kept) < len(node.values):
                    word = " and " if isinstance(node.op, ast.And) else " or "
                    texts = [self._operand(part, is_alone=len(kept) == 1) for part in kept]
                    yield self._replaced(node, word.join(texts))

    def _text(self, node: ast.expr) -> str:
        return self.page.text[self.page.begin(node) : self.page.end(node)].decode()

    def _operand(self, node: ast.expr, *, is_alone: bool) -> str:
        is_loose = isinstance(node, ast.IfExp) or (isinstance(node, ast.BoolOp) and not is_alone)
        return f"({self._text(node)})" if is_loose else self._text(node)

    def _replaced(self, node: ast.expr, text: str) -> Edit:
        begin, end = self.page.begin(node), self.page.end(node)
        around = self.page.text[max(begin - 2, 0) : begin] + self.page.text[end : end + 1]
        is_loose = isinstance(ast.parse(text, mode="eval").body, ast.BoolOp | ast.IfExp | ast.Lambda)
        # brackets that hold nothing more that needs them
        if not is_loose and around[:1] in (b" ", b"(") and around[1:] == b"()":
            begin, end = begin - 1, end + 1
        return begin, end, text.encode()

    def _lines(self, first: int, last: int, kept: Sequence[str] = ()) -> Edit:
        """An edit of whole lines."""
        text = "".join(f"{line}\n" for line in kept)
        return self.page.starts[first - 1], self.page.starts[last], text.encode()

    def _branch(self, node: ast.If, value: bool) -> Edit:
        """In the place of an `if` the branch that runs."""
        last = node.end_lineno or 0
        branch = node.body if value else node.orelse
        is_elif = self._is_elif(node)
        if is_elif and value:
            body = self.lines[node.lineno : node.body[-1].end_lineno]
            return self._lines(node.lineno, last, [" " * node.col_offset + "else:", *body])
        if is_elif:
            return self._lines(node.lineno, node.body[-1].end_lineno or 0)
        first = first_line(branch[0])
        own = [*comments_above(self.lines, first), *self.lines[first - 1 : branch[-1].end_lineno]]
        own = [line[branch[0].col_offset - node.col_offset :] if line.strip() else line for line in own]
        if own[0].lstrip().startswith("elif "):
            own[0] = own[0].replace("elif ", "if ", 1)
        return self._lines(node.lineno, last, own)

    def _is_elif(self, node: ast.stmt) -> bool:
        return self.lines[node.lineno - 1].lstrip().startswith("elif ")

    def _dead(self, block: Sequence[ast.stmt]) -> Iterator[Edit]:
        """Statements behind one that leaves the block."""
        for node in block[:-1]:
            if isinstance(node, ENDS):
                yield self._lines((node.end_lineno or 0) + 1, block[-1].end_lineno or 0)
                return

    def _rows(self, node: ast.For) -> Iterator[Edit]:
        """Rows of a table that are false in the column `is_broken`."""
        target, table = node.target, node.iter
        if not isinstance(target, ast.Tuple) or not isinstance(table, ast.Tuple):
            return
        names = [part.id for part in target.elts if isinstance(part, ast.Name)]
        place = names.index("is_broken") if "is_broken" in names else len(names)
        for row in table.elts:
            if isinstance(row, ast.Tuple) and place < len(row.elts):
                cell = row.elts[place]
                if isinstance(cell, ast.Constant) and cell.value is False:
                    yield self._lines(row.lineno, row.end_lineno or 0)

    def _unused(self, function: ast.FunctionDef) -> Iterator[Edit]:
        """Assignments of local names that nothing uses."""
        inner = list(ast.walk(function))
        used = {node.id for node in inner if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)}
        used |= {name for node in inner if isinstance(node, ast.Nonlocal | ast.Global) for name in node.names}
        for node in inner:
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target, value = node.targets[0], node.value
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                target, value = node.target, node.value
            else:
                continue
            if isinstance(target, ast.Name) and target.id not in used and _is_pure(value):
                yield self._lines(node.lineno - len(comments_above(self.lines, node.lineno)), node.end_lineno or 0)
            elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=True))
                kept = [
                    (name, part)
                    for name, part in pairs
                    if not (isinstance(name, ast.Name) and name.id not in used and _is_pure(part))
                ]
                if kept and len(kept) < len(pairs):
                    sides = (", ".join(map(self._text, side)) for side in zip(*kept, strict=True))
                    yield self.page.begin(node), self.page.end(node), " = ".join(sides).encode()


def _vanishes(node: ast.stmt, facts: Facts) -> bool:
    """True for a statement that does nothing, whatever it is given."""
    if not isinstance(node, ast.For | ast.If):
        return False
    value = decided(node.test, facts) if isinstance(node, ast.If) else None
    branches = [node.body, node.orelse] if value is None else [node.body if value else node.orelse]
    return all(_vanishes(part, facts) for branch in branches for part in branch)


def decided(node: ast.expr, facts: Facts) -> bool | None:
    """The truth value of a test if facts alone decide it."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        value = decided(node.operand, facts)
        return None if value is None else not value
    if isinstance(node, ast.BoolOp):
        values = [decided(part, facts) for part in node.values]
        strong = isinstance(node.op, ast.Or)
        if strong in values:
            return strong
        return None if None in values else not strong
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return node.value
    if not isinstance(node, ast.Compare | ast.Name | ast.Subscript | ast.Attribute):
        return None
    known: dict[str, str] = {}
    test = _Placed(facts, known).visit(ast.parse(ast.unparse(node), mode="eval").body)
    names = {part.id for part in ast.walk(test) if isinstance(part, ast.Name)}
    if not known or names - set(known.values()) or any(isinstance(part, ast.Call) for part in ast.walk(test)):
        return None
    assert isinstance(test, ast.expr)
    code = compile(ast.fix_missing_locations(ast.Expression(test)), "test", "eval")
    found = {
        bool(eval(code, {"__builtins__": {}}, dict(zip(known.values(), values, strict=True))))  # noqa: S307
        for values in itertools.product(*(facts[name] for name in known))
    }
    return found.pop() if len(found) == 1 else None


def _is_truth(node: ast.expr, facts: Facts) -> bool:
    """True for an expression that is a truth value, not only a value that counts as one."""
    if isinstance(node, ast.BoolOp):
        return all(_is_truth(part, facts) for part in node.values)
    return isinstance(node, ast.Compare | ast.UnaryOp) or all(
        isinstance(value, bool) for value in facts.get(ast.unparse(node), (None,))
    )


class _Placed(ast.NodeTransformer):
    """Puts names in the places of expressions of which facts are known."""

    def __init__(self, facts: Facts, known: dict[str, str]) -> None:
        self.facts = facts
        self.known = known

    def visit(self, node: ast.AST) -> ast.AST:
        text = ast.unparse(node) if isinstance(node, ast.Name | ast.Subscript | ast.Attribute) else ""
        if text in self.facts:
            return ast.Name(self.known.setdefault(text, f"fact_{len(self.known)}"), ast.Load())
        return super().generic_visit(node)


def _constants(function: ast.FunctionDef) -> dict[str, tuple[object, ...]]:
    """Local names that are given a truth value once."""
    stored = [node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    found: dict[str, tuple[object, ...]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=True))
                for name, value in pairs:
                    is_once = isinstance(name, ast.Name) and stored.count(name.id) == 1
                    if is_once and isinstance(value, ast.Constant) and isinstance(value.value, bool):
                        found[ast.unparse(name)] = (value.value,)
    return found


def _is_pure(node: ast.expr) -> bool:
    """True for a value whose computing changes nothing: no function of the program is called."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and not hasattr(builtins, part.func.id):
            return False
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            text = ast.unparse(part.func)
            if text.startswith(("self.", "problems.", "units.")) or text.endswith((".pop", ".read", ".parse_args")):
                return False
    return True

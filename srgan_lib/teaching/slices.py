"""What of a notebook's code a piece of code needs: the top-level statements that lead to its names.

A check (``teaching.checks``) is run without its chapter, on no more of it than this.
"""

import ast
import builtins
import re
import symtable
from dataclasses import dataclass

MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)
SHOWS = {"print", "plt.show", "live", "display", "torch.set_num_threads"}  # change nothing that is used
SEEDS = {"torch.manual_seed"}
MODULES = {"np", "torch", "plt", "math"}  # a call of theirs changes its arguments, not the module
BUILTIN = frozenset(dir(builtins))
PARAMETERS = {"fast = False": "fast = True"}


@dataclass(frozen=True)
class Statement:
    """A top-level statement: its source, and its part in what the statements around it compute.

    ``changed`` are the names that it defines or may change, ``replaced`` those of them whose old value it
    does not need, ``used`` those that it reads, ``later`` those that its functions read when they are called.
    """

    source: str
    changed: frozenset
    replaced: frozenset
    used: frozenset
    later: frozenset
    seeds: bool


class _Names(ast.NodeVisitor):
    """The names of a piece of code at its top level, in the order in which they are read and written."""

    def __init__(self):
        self.defined, self.used, self.touched = set(), set(), set()

    def function(self, node):
        """What is inside has names of its own: ``symtable`` knows which of them are read from outside."""
        outside = [*getattr(node, "decorator_list", ()), *getattr(node, "bases", ())]
        arguments = getattr(node, "args", None)
        defaults = [*arguments.defaults, *filter(None, arguments.kw_defaults)] if arguments else []
        for each in (*outside, *defaults):
            self.visit(each)
        if hasattr(node, "name"):
            self.defined.add(node.name)

    visit_FunctionDef = visit_ClassDef = visit_Lambda = function

    def comprehension(self, node):
        """As in a function, but what the first loop runs over is computed outside."""
        self.visit(node.generators[0].iter)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = comprehension

    def visit_Assign(self, node):
        for each in (node.value, *node.targets):
            self.visit(each)

    def visit_AugAssign(self, node):
        self.visit(node.value)
        self.used |= {node.target.id} - self.defined if isinstance(node.target, ast.Name) else set()
        self.visit(node.target)

    def visit_For(self, node):
        for each in (node.iter, node.target, *node.body, *node.orelse):
            self.visit(each)

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Store):
            self.defined.add(node.id)
        elif node.id not in self.defined:
            self.used.add(node.id)

    def visit_alias(self, node):
        self.defined.add((node.asname or node.name).split(".")[0])

    def visit_Expr(self, node):
        """A call that stands alone is made for what it changes: it may be anything that it names."""
        if isinstance(node.value, ast.Call) and _called(node) not in SHOWS:
            self.touched |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        self.generic_visit(node)

    def store(self, node):
        """``x[i] = ...`` and ``x.a = ...`` change x."""
        if isinstance(node.ctx, ast.Store):
            self.touched |= {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)}
        self.generic_visit(node)

    visit_Subscript = visit_Attribute = store


def names_of(source):
    """(defined at the top level, read from outside) of a piece of code, as sets of names."""
    source = MAGIC.sub(r"\1pass", source)
    names = _Names()
    names.visit(ast.parse(source))
    return names.defined, (names.used | (_read_inside(source) - names.defined)) - BUILTIN


def _read_inside(source):
    """The global names that the functions, classes and comprehensions of a piece of code read."""
    tables, found = symtable.symtable(source, "statement", "exec").get_children(), set()
    while tables:
        table = tables.pop()
        found |= {each.get_name() for each in table.get_symbols() if each.is_global()}
        tables += table.get_children()
    return found


def statements_of(cells):
    """The statements of code cells (texts) in order, without those that only show something."""
    return [
        _statement(node, source)
        for source in (MAGIC.sub(r"\1pass", cell) for cell in cells)
        for node in ast.parse(source).body
        if not _only_shows(node)
    ]


def _statement(node, source):
    start = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    text = "\n".join(source.splitlines()[start - 1 : node.end_lineno])
    text = PARAMETERS.get(text.partition("  #")[0], text)
    names = _Names()
    names.visit(node)
    inside = _read_inside(text) - BUILTIN
    is_definition = isinstance(node, (ast.FunctionDef, ast.ClassDef))
    is_whole = is_definition or isinstance(node, (ast.Assign, ast.Import, ast.ImportFrom))
    return Statement(
        text,
        frozenset(names.defined | (names.touched - MODULES)),
        frozenset(names.defined if is_whole else ()),
        frozenset((names.used | (inside - names.defined)) - BUILTIN),
        frozenset(inside if is_definition else ()),
        isinstance(node, ast.Expr) and _called(node) in SEEDS,
    )


def _called(node):
    return ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""


def _only_shows(node):
    alone = isinstance(node, ast.Expr) and (not isinstance(node.value, ast.Call) or _called(node) in SHOWS)
    return alone or isinstance(node, (ast.Assert, ast.Pass))


def needed(statements, names):
    """The places in ``statements``, in order, of those that lead to ``names``.

    What a function reads when it is called counts as asked for at the end too, so the walk is repeated until
    nothing is added.
    """
    names = set(names)
    while True:
        taken = _leading_to(statements, names)
        later = set().union(*(statements[place].later for place in taken))
        if later <= names:
            return taken
        names |= later


def _leading_to(statements, names):
    """Walks from the last statement to the first, with the names that are still asked for."""
    wanted, taken = set(names), []
    for place in reversed(range(len(statements))):
        each = statements[place]
        if each.changed & wanted or (each.seeds and taken):
            taken.append(place)
            wanted = (wanted - each.replaced) | each.used
    return taken[::-1]

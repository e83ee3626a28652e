"""The appendix *A bug hunt*: each entry names a test that exists, and a chapter keeps one box of its own."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "bug-hunt.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(test_\w+)\.(test_\w+)`", PAGE)


def test_every_entry_names_a_test():
    _, *entries = PAGE.split("\n## ")
    assert len(entries) >= 13
    for entry in entries:
        assert re.search(r"`test_\w+\.test_\w+`", entry), entry[:60]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_named_test_exists(file, name):
    tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("path", sorted((ROOT / "book").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_has_at_most_one_box(path):
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    assert text.count("What others got wrong") <= 1

"""The map of the book leads to chapters, functions and tests that exist, and says what is missing."""

import ast
import importlib
from pathlib import Path

import nbformat
import write_map

ROOT = Path(__file__).resolve().parents[1]
KEPT = write_map.source()
FILES = [file for _, file, _, _ in KEPT["chapters"]]
APPENDICES = {
    "deviations",
    "reproduction",
    "measured",
    "glossary",
    "faq",
    "map",
    "bug-hunt",
    "ask-people-appendix",
    "exercises",
    "teaching",
    "api",
    "references",
}


def test_every_function_exists():
    for *_, function, _ in KEPT["rows"]:
        if function:
            module, _, name = function.rpartition(".")
            assert hasattr(importlib.import_module(f"srgan_lib.{module}"), name), function


def test_every_test_exists():
    for *_, test in KEPT["rows"]:
        if test:
            file, name = test.split(".")
            tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8"))
            assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test


def test_every_chapter_of_the_contents_is_on_the_map_and_has_its_title():
    present = write_map.written() - APPENDICES
    assert present <= set(FILES), "add the new chapter to book/_tools/map.json"
    titles = {file: title for _, file, title, _ in KEPT["chapters"]}
    for file in present:
        path = ROOT / "book" / f"{file}.ipynb"
        assert nbformat.read(path, as_version=4).cells[0].source.splitlines()[0] == f"# {titles[file]}"


def test_a_function_comes_with_a_test():
    assert all(bool(function) == bool(test) for *_, function, test in KEPT["rows"])


def test_each_row_belongs_to_a_chapter_and_each_chapter_but_the_frame_has_a_row():
    named = {file for _, _, file, _, _ in KEPT["rows"]}
    assert named <= set(FILES)
    assert set(FILES) - named == {
        "read-me-first",
        "perception-against-distortion",
        "beyond-srgan",
        "a-student-project",
        "exercise-sheet",
    }


def test_what_is_missing_is_called_to_come():
    text = write_map.map_text(KEPT, present={"the-generator"})
    assert "[The generator](the-generator.ipynb)" in text
    assert "Why MSE blurs (to come)" in text and "](why-mse-blurs" not in text
    unwritten = {**KEPT, "rows": [["Section 3.3", "the opinion test", "ask-people", None, None]]}
    text = write_map.map_text(unwritten, present={"the-generator"})
    assert "| Section 3.3: the opinion test | Ask people (to come) | to come |" in text


def test_the_pages_show_the_map_as_it_is_kept():
    notebook = nbformat.read(write_map.NOTEBOOK, as_version=4)
    (stored,) = [cell.source for cell in notebook.cells if cell.id == "chapters"]
    assert stored == write_map.chapters_text(KEPT, write_map.written()), (
        "run: python book/_tools/write_map.py"
    )
    assert write_map.PAGE.read_text(encoding="utf-8") == write_map.page(), (
        "run: python book/_tools/write_map.py"
    )

"""Write the table of chapters into *Read me first*, and the map of the book into the appendix ``map.md``.

    python book/_tools/write_map.py

``map.json`` beside this file is the one place where the map is kept. Which chapters exist is read from the
table of contents: all others are "to come". The table of chapters goes into the Markdown cell whose id is
``chapters``; the map leads from the paper to chapter, function and test.
"""

import json
import os
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "book" / "read-me-first.ipynb"
PAGE = ROOT / "book" / "map.md"
TO_COME = "to come"
HEAD = """\
# From the paper to the test

<!-- Written by book/_tools/write_map.py from map.json: do not edit. -->

Read a row from left to right. It begins with a place in the paper and ends with a function of the library and
what a test shows of it, in the words of the test's name. The test fails when the code no longer does that,
and `pytest` runs them all. Another test checks that everything named here exists.

"""


def source():
    """The map: ``chapters`` [part, file, title, subject], ``rows`` [place, what, file, function, test]."""
    return json.loads(Path(__file__).with_name("map.json").read_text(encoding="utf-8"))


def written():
    """The files, without suffix, of the chapters that the table of contents has."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return {chapter["file"] for part in contents["parts"] for chapter in part["chapters"]}


def chapter_cell(file, title, present):
    return f"[{title}]({file}.ipynb)" if file in present else f"{title} ({TO_COME})"


def chapters_text(kept, present):
    """The table of chapters."""
    lines = ["| part | chapter | what it is about |", "| --- | --- | --- |"]
    for part, file, title, subject in kept["chapters"]:
        lines.append(f"| {part} | {chapter_cell(file, title, present)} | {subject} |")
    return "\n".join(lines)


def map_text(kept, present):
    """The table that leads from the paper to chapter, function and test."""
    titles = {file: title for _, file, title, _ in kept["chapters"]}
    lines = ["| in the paper | chapter | in `srgan_lib`, and what a test shows |", "| --- | --- | --- |"]
    for place, what, file, function, test in kept["rows"]:
        code = f"`{function}`: {sentence(test)} (`{test.split('.')[0]}`)" if function else TO_COME
        lines.append(f"| {place}: {what} | {chapter_cell(file, titles[file], present)} | {code} |")
    return "\n".join(lines)


def sentence(test):
    """``test_metrics.test_bridge_is_grey`` as words: "bridge is grey"."""
    return test.split(".")[1].removeprefix("test_").replace("_", " ")


def page():
    """The text of the appendix."""
    return HEAD + map_text(source(), written()) + "\n"


def main():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.id == "chapters":
            cell.source = chapters_text(source(), written())
    partial = NOTEBOOK.with_suffix(".part")
    nbformat.write(notebook, partial)
    os.replace(partial, NOTEBOOK)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()

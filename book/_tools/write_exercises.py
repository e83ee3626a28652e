"""Write the index of exercises, book/exercises.md, from the notebooks.

    python book/_tools/write_exercises.py

It holds the chapters of the table of contents, in its order, with the title (or the first sentence) and the
level of each exercise as ``srgan_lib.teaching.coursework`` reads them.
"""

import re
from pathlib import Path

import write_map

from srgan_lib.support.files import whole_file
from srgan_lib.teaching import coursework

PAGE = Path(__file__).resolve().parents[1] / "exercises.md"
HEAD = """\
# Exercises

<!-- Written by book/_tools/write_exercises.py from the notebooks: do not edit. -->

{count} exercises stand at the ends of {chapters} chapters, {opened} of them open-ended. Each has a
solution, folded in the book, that was run with the chapter, and a check: a few lines of assertions that tell
a right solution from none. [For teachers](teaching.md) says how to make an edition without the solutions, in
which the checks stay.
"""
LITERAL = re.compile(r"`[^`]*`|\$[^$]*\$|\[[^\]]*\]\([^)]*\)")
SENTENCE_END = re.compile(r"[.?!:](?=\s|$)")


def first_sentence(text):
    """The first sentence of a Markdown text on one line; code, formulas and links are not cut."""
    line = " ".join(text.split("\n\n")[0].split())
    masked = LITERAL.sub(lambda found: "x" * len(found[0]), line)
    end = SENTENCE_END.search(masked)
    sentence = line[: end.start()] if end else line
    mark = end[0] if end and end[0] != ":" else "."
    return without_links(sentence) + mark


def without_links(text):
    """The text with each link replaced by its words: the links of a chapter lead from the chapter."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


def entry(exercise):
    """One line of the list."""
    title = f"**{exercise.title}{'' if exercise.title[-1:] in '?!' else '.'}** " if exercise.title else ""
    level = f" *({exercise.level})*" if exercise.level else ""
    return f"{exercise.number}. {title}{first_sentence(exercise.text)}{level}"


def chapters():
    """(file, title, exercises) of each chapter in the contents that has exercises, in order."""
    present = write_map.written()
    files = [(file, title) for _, file, title, _ in write_map.source()["chapters"] if file in present]
    read = [
        (file, title, coursework.exercises(coursework.read(PAGE.with_name(f"{file}.ipynb"))))
        for file, title in files
    ]
    return [(file, title, exercises) for file, title, exercises in read if exercises]


def page():
    """The text of the page."""
    found = chapters()
    every = [exercise for _, _, exercises in found for exercise in exercises]
    opened = sum("open" in exercise.level for exercise in every)
    parts = [HEAD.format(count=len(every), chapters=len(found), opened=opened)]
    for file, title, exercises in found:
        link = f"From [{title}]({file}.ipynb#{anchor(file)})."
        parts.append("\n".join([f"## {title}", "", link, "", *map(entry, exercises), ""]))
    return "\n".join(parts)


def anchor(file):
    """The anchor of the chapter's heading over its exercises."""
    notebook = coursework.read(PAGE.with_name(f"{file}.ipynb"))
    text = "\n".join(cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    return next(name.lower() for name in coursework.HEADING.findall(text) if name in coursework.EXERCISES)


def main():
    with whole_file(PAGE) as partial:
        partial.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The book's notebooks as coursework: a student edition without the solutions, and the solved one.

A chapter has its exercises in Markdown, ``**1. Title** (easy). What to do``, under ``## Exercises``, and for
each a code cell that begins with ``# @title Solution 1: ...``. In that cell a line ``# Check`` ends
the solution; what stands below it are assertions that tell a right solution from none. The student edition
is made from the same file by three rules:

- A solution becomes an empty exercise: its code and its outputs go, the lines from ``# Check`` on stay.
- Hidden answers (``<details>``) under ``## Questions`` and ``## Exercises`` go, so that both can be set as
  homework. Those elsewhere stay: they belong to the text, which goes on from them.
- All else stays as it is, stored outputs included.

Notebooks are JSON; they are read and written as such, so that this works without Jupyter.
"""

import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path

from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.support.files import made_folder, whole_file
from srgan_lib.teaching import checks

check = checks.check  # what a notebook calls: sr.coursework.check

EDITIONS = ("student", "solved")
TITLE = re.compile(r"# @title Solution (?P<number>\d+)(?:: (?P<title>.*))?")
CHECK = "\n# Check\n"
EXERCISE = re.compile(
    r"^\*\*(?P<number>\d+)\.(?: (?P<title>[^*]+?)\.?)?\*\*\s*(?:\((?P<level>[^)]*)\))?[.:]?\s*", re.MULTILINE
)
LEVEL = re.compile(r"(easy|medium|hard|open-ended): ", re.IGNORECASE)
HEADING = re.compile(r"^## +(.*?)[ \t]*$", re.MULTILINE)
ANSWER = re.compile(r"<details>.*?</details>\n*", re.DOTALL)
EXERCISES = ("Exercises", "Exercise")
HOMEWORK = ("Questions", *EXERCISES)
PAGE = re.compile(r"\]\((\w[\w-]*\.md)(?:#[^)]*)?\)")
BLANK = "# Exercise {number}{title}\n# Write your solution here.\n\n"
NOTHING_YET = "*Your answer:*\n\n"


@dataclass(frozen=True)
class Exercise:
    """One exercise as the Markdown states it; ``level`` is "" where none is given."""

    number: int
    title: str
    level: str
    text: str


@dataclass(frozen=True)
class Solution:
    """One solution cell: its code, and the check below the line ``# Check`` ("" where there is none)."""

    number: int
    title: str
    code: str
    check: str


def read(path):
    """The notebook at ``path`` as a dictionary, each cell's source as one text.

    Raises ``SrganError`` where there is no such file, or one that is no notebook.
    """
    try:
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"])
    except OSError as error:
        raise SrganError(f"{path}: cannot be read ({error.strerror}); name an existing notebook") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SrganError(f"{path}: no Jupyter notebook; get a fresh copy of the book") from error
    return notebook


def exercises(notebook):
    """The exercises of a notebook, in order: a list of ``Exercise``."""
    text = "\n\n".join(cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    found = []
    for section, part in sections(text):
        starts = [*EXERCISE.finditer(part)] if section in EXERCISES else []
        for place, start in enumerate(starts):
            end = starts[place + 1].start() if place + 1 < len(starts) else len(part)
            found.append(_exercise(start, part[start.end() : end]))
    return found


def _exercise(start, text):
    title, level = start["title"] or "", start["level"] or ""
    if found := LEVEL.match(title):  # "Easy: the title"
        title, level = title[found.end() :], found[1]
        title = title[:1].upper() + title[1:]
    if not level and re.search(r"\bopen[- ]ended\b", text, re.IGNORECASE):
        level = "open-ended"
    return Exercise(int(start["number"]), title, level.lower().strip(". "), ANSWER.sub("", text).strip())


def solutions(notebook):
    """The solutions of a notebook, in order: a list of ``Solution``."""
    return [found for cell in notebook["cells"] if (found := solution_of(cell))]


def solution_of(cell):
    """The ``Solution`` that a cell holds, or None."""
    return _solution(cell["source"]) if _is_solution(cell) else None


def chapter_cells(notebook):
    """The sources of a notebook's code cells, in order, but for the solutions."""
    return [
        cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code" and not _is_solution(cell)
    ]


def _is_solution(cell):
    return cell["cell_type"] == "code" and TITLE.match(cell["source"]) is not None


def _solution(source):
    head, _, rest = source.partition("\n")
    title = TITLE.match(head)
    code, _, tests = rest.partition(CHECK) if CHECK in rest else (rest, "", "")
    return Solution(int(title["number"]), title["title"] or "", code, tests)


def student(notebook, name="the notebook"):
    """The student edition of a notebook, as a new dictionary; ``name`` is for errors.

    Raises ``SrganError`` where a solution has no line ``# Check``: nothing would be left to test it with.
    """
    edition = copy.deepcopy(notebook)
    titles = {exercise.number: exercise.title for exercise in exercises(notebook)}
    section = ""
    for cell in edition["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"], section = _without_answers(cell["source"], section)
        elif _is_solution(cell):
            _empty(cell, titles, name)
    return edition


def _empty(cell, titles, name):
    """Take the solution out of a cell, in place."""
    solution = _solution(cell["source"])
    if not solution.check:
        raise SrganError(
            f"{name}: solution {solution.number} has no line '# Check'; write one and what to test"
        )
    title = titles.get(solution.number, "")
    cell["source"] = BLANK.format(number=solution.number, title=f": {title}" if title else "")
    cell["source"] += CHECK + solution.check
    tags = [tag for tag in cell["metadata"].get("tags", ()) if not tag.startswith(("hide", "remove"))]
    cell["metadata"] = {"tags": tags} if tags else {}
    cell["outputs"], cell["execution_count"] = [], None


def sections(text, section=""):
    """(heading, text) of each part of a Markdown text; before the first heading it is ``section``."""
    parts = HEADING.split(text)
    return [(section, parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]


def _without_answers(text, section):
    """The text without the answers of homework, and the section in which it ends."""
    kept = []
    for place, (heading, part) in enumerate(sections(text, section)):
        if heading in HOMEWORK:
            part = ANSWER.sub(NOTHING_YET, part)
        kept.append(f"## {heading}{part}" if place else part)
        section = heading
    return "".join(kept), section


def find_book(start="."):
    """The folder of the notebooks: ``book/`` here or in a folder above, or this folder itself.

    Raises ``SrganError`` where there is none.
    """
    for folder in [Path(start).resolve(), *Path(start).resolve().parents]:
        for book in (folder / "book", folder):
            if (book / "_toc.yml").is_file() and any(book.glob("*.ipynb")):
                return book
    raise SrganError("no book here; run this in a clone of its repository, or name the folder: --book book/")


def write(edition, out, book=None, chapters=()):
    """Write an ``edition``, "student" or "solved", of the notebooks in the folder ``book`` to ``out``.

    ``chapters`` are names without suffix; all of them by default. Markdown pages that the notebooks link to
    come along. Returns the paths of the notebooks written. Raises ``SrganError`` for names that do not exist,
    a folder that cannot be written, and an ``out`` that is the book itself.
    """
    if edition not in EDITIONS:
        raise unknown_name("edition", edition, EDITIONS)
    notebooks = chosen(out, book, chapters)
    out = Path(out)
    if edition == "student":
        texts = {path.name: as_json(student(notebook, path)) for path, notebook in notebooks.items()}
    else:
        texts = {path.name: path.read_text(encoding="utf-8") for path in notebooks}
    made_folder(out, "--out")
    for name, text in {**texts, **linked_pages(notebooks)}.items():
        with whole_file(out / name) as partial:
            partial.write_text(text, encoding="utf-8")
    return [out / name for name in texts]


def chosen(out, book=None, chapters=()):
    """{path: notebook} of the ``chapters`` of ``book``; takes and refuses what ``write`` does."""
    book = Path(book) if book else find_book()
    known = {path.stem: path for path in sorted(book.glob("*.ipynb"))}
    if not known:
        raise SrganError(f"{book}: no notebooks there; name the folder of the book's chapters: --book book/")
    for name in chapters:
        if name not in known:
            raise unknown_name("chapter", name, known)
    if Path(out).resolve() == book.resolve():
        raise SrganError(f"{out} is the book itself, which would be overwritten; choose another folder")
    return {path: read(path) for path in (known[name] for name in chapters or known)}


def as_json(notebook):
    """The text of a notebook's file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def linked_pages(notebooks):
    """Name and text of the Markdown pages that the notebooks, {path: notebook}, link to."""
    found = {}
    for path, notebook in notebooks.items():
        sources = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
        for page in sorted({name for source in sources for name in PAGE.findall(source)}):
            if path.with_name(page).is_file():
                found[page] = path.with_name(page).read_text(encoding="utf-8")
    return found

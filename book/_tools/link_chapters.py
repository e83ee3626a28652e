"""Make links of the titles of chapters that have come to exist.

    python book/_tools/link_chapters.py            # in every page and notebook
    python book/_tools/link_chapters.py --list     # only say where

A page may name a chapter before it exists, as its title in italics. Once the chapter is in the table of
contents, this writes ``[Title](file.ipynb)`` in its place. In a notebook only Markdown changes; outputs stay.
"""

import argparse
import json
import re
from pathlib import Path

import write_map

from srgan_lib.support.files import whole_file

BOOK = Path(__file__).resolve().parents[1]
HEADING = re.compile(r"(?=^#{1,6} )", re.MULTILINE)
CODE = re.compile(r"(```.*?```|`[^`]*`|\[[^\]]*\]\([^)]*\))", re.DOTALL)


def titles():
    """Title and file of each chapter that the table of contents has."""
    present = write_map.written()
    return {title: file for _, file, title, _ in write_map.source()["chapters"] if file in present}


def linked(text, chapters, page=""):
    """``text`` with links in place of titles in italics; the page's own title stays. Code is left alone.

    Under each heading a chapter is linked once: where there is a link to it already, titles stay as they are.
    """
    return "".join(_linked_once(part, chapters, page) for part in HEADING.split(text))


def _linked_once(text, chapters, page):
    for title, file in chapters.items():
        if file != page and f"]({file}.ipynb" not in text:
            words = r"\s+".join(map(re.escape, title.split()))
            pattern = re.compile(rf"(?<![*\w])\*({words})\*(?![*\w])")
            parts = CODE.split(text)
            for place in range(0, len(parts), 2):
                parts[place], found = pattern.subn(rf"[\1]({file}.ipynb)", parts[place], count=1)
                if found:
                    break
            text = "".join(parts)
    return text


def renewed(path, chapters):
    """The text of the file at ``path`` with its links; the same text where there is nothing to do."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return linked(text, chapters)
    notebook, changed = json.loads(text), False
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            before = "".join(cell["source"])
            after = linked(before, chapters, path.stem)
            if after != before:
                cell["source"], changed = after.splitlines(keepends=True), True
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n" if changed else text


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="change nothing, name the files")
    options = parser.parse_args()
    for path in sorted([*BOOK.glob("*.md"), *BOOK.glob("*.ipynb")]):
        text = renewed(path, titles())
        if text != path.read_text(encoding="utf-8"):
            print(path)
            if not options.list:
                with whole_file(path) as partial:
                    partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

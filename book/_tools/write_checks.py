"""Write the checks of all exercises, srgan_lib/teaching/checks.json, from the notebooks.

    python book/_tools/write_checks.py

``srgan_lib.teaching.checks`` reads it, so that ``sr.coursework.check`` works in an installed library.
"""

import json
from pathlib import Path

from srgan_lib.support.files import whole_file
from srgan_lib.teaching import checks, coursework

BOOK = Path(__file__).resolve().parents[1]


def text():
    """What the file must hold."""
    chapters = {}
    for path in sorted(BOOK.glob("*.ipynb")):
        notebook = coursework.read(path)
        solutions = coursework.solutions(notebook)
        if solutions:
            chapters[path.stem] = checks.of_chapter(coursework.chapter_cells(notebook), solutions)
    return json.dumps(chapters, indent=1, ensure_ascii=False) + "\n"


def main():
    with whole_file(checks.FILE) as partial:
        partial.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""``srgan coursework``: write the student edition of the book's notebooks, the solved one, or nbgrader's."""

from srgan_lib.cli.options import add_command

EXAMPLES = """
examples:
  srgan coursework --edition student --out students/             every chapter, solutions removed
  srgan coursework --edition student --out week1/ why-mse-blurs  one chapter
  srgan coursework --edition solved --out solved/
  srgan coursework --edition nbgrader --out course/              source/CHAPTER/CHAPTER.ipynb for nbgrader

Made from the book's notebooks, so run it in a clone of the book's repository, or name the folder with --book.
A solution goes, its check stays: the cell fails until the exercise is solved.
nbgrader takes its edition as it is: cd course; nbgrader generate_assignment CHAPTER
"""


def add(parts):
    """Add ``coursework`` to the subparsers ``parts``."""
    what = "write the chapters for students, or with solutions"
    parser = add_command(parts, "coursework", what, EXAMPLES, run)
    add = parser.add_argument
    add("chapters", nargs="*", metavar="CHAPTER", help="names such as why-mse-blurs (default: all)")
    add("--edition", required=True, choices=("student", "solved", "nbgrader"),
        help="without the solutions, with them, or with marks and points for nbgrader")  # fmt: skip
    add(
        "--out",
        required=True,
        metavar="FOLDER",
        help="where to write them; files of these names are replaced",
    )
    add("--book", metavar="FOLDER", help="the book's notebooks (default: book/ here or above)")


def run(options):
    """Write one of the three editions of the book's notebooks."""
    from srgan_lib.teaching import assignments
    from srgan_lib.teaching import coursework as editions

    is_for_nbgrader = options.edition == "nbgrader"
    if is_for_nbgrader:
        written = assignments.write(options.out, options.book, options.chapters)
    else:
        written = editions.write(options.edition, options.out, options.book, options.chapters)
    for path in written:
        notebook = editions.read(path)
        count = len(editions.exercises(notebook))
        line = f"{path}: {count} exercise{'' if count == 1 else 's'}"
        if is_for_nbgrader:
            by_test, by_reading = assignments.points(notebook)
            line += f", {by_test} points by tests, {by_reading} by reading"
        print(line)
    return 0

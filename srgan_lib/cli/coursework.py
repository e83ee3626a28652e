"""``srgan coursework``: write the student edition of the book's notebooks, or the solved one."""

from srgan_lib.cli.options import add_command

EXAMPLES = """
examples:
  srgan coursework --edition student --out students/             every chapter, solutions removed
  srgan coursework --edition student --out week1/ why-mse-blurs  one chapter
  srgan coursework --edition solved --out solved/

Made from the book's notebooks, so run it in a clone of the book's repository, or name the folder with --book.
A solution goes, its check stays: the cell fails until the exercise is solved.
"""


def add(parts):
    """Add ``coursework`` to the subparsers ``parts``."""
    what = "write the chapters for students, or with solutions"
    parser = add_command(parts, "coursework", what, EXAMPLES, run)
    add = parser.add_argument
    add("chapters", nargs="*", metavar="CHAPTER", help="names such as why-mse-blurs (default: all)")
    add("--edition", required=True, choices=("student", "solved"), help="without or with the solutions")
    add(
        "--out",
        required=True,
        metavar="FOLDER",
        help="where to write them; files of these names are replaced",
    )
    add("--book", metavar="FOLDER", help="the book's notebooks (default: book/ here or above)")


def run(options):
    """Write the student edition of the book's notebooks, or the solved one."""
    from srgan_lib.teaching import coursework as editions

    written = editions.write(options.edition, options.out, options.book, options.chapters)
    for path in written:
        count = len(editions.exercises(editions.read(path)))
        print(f"{path}: {count} exercise{'' if count == 1 else 's'}")
    return 0

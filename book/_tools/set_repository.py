"""Write the project's public address everywhere it is needed.

    python book/_tools/set_repository.py https://github.com/NAME/REPOSITORY

The address stands in one place, ``[project.urls] Repository`` of pyproject.toml. This command replaces it
there and in each copy: the book's settings, README, CITATION.cff, the first cell of every notebook and the
links that open them in Colab.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTING = re.compile(r'^Repository = "(?P<address>[^"]+)"$', re.MULTILINE)
ADDRESS = re.compile(r"https://[\w.-]+(/[\w.-]+)+")
COLAB = "https://colab.research.google.com"
PLACES = (
    "*.toml",
    "*.yml",
    "*.md",
    "*.cff",
    "book/*.md",
    "book/*.ipynb",
    "data/*.md",
    ".github/**/*.yml",
    ".github/**/*.md",
)


def current_address(root=ROOT):
    """The address in pyproject.toml."""
    return SETTING.search((root / "pyproject.toml").read_text(encoding="utf-8"))["address"]


def forms(address):
    """The ways in which an address is written: itself, and inside a link to Colab."""
    without_host = address.split("//", 1)[1].split("/", 1)[1]
    return [address, f"{COLAB}/github/{without_host}/"]


def files(root=ROOT):
    """The files that may hold the address."""
    return sorted({path for pattern in PLACES for path in root.glob(pattern) if path.is_file()})


def set_address(new, root=ROOT):
    """Replace the address by ``new`` under ``root``; return the files that changed."""
    new = new.removesuffix("/").removesuffix(".git")
    if not ADDRESS.fullmatch(new):
        raise ValueError(
            f"{new!r} is no repository address: it should look like https://github.com/NAME/REPOSITORY"
        )
    pairs = list(zip(forms(current_address(root)), forms(new), strict=True))
    changed = []
    for path in files(root):
        before = after = path.read_bytes().decode("utf-8")
        for old_form, new_form in pairs:
            after = re.sub(re.escape(old_form) + r"(?![\w-])", lambda _, text=new_form: text, after)
        if after != before:
            path.write_bytes(after.encode("utf-8"))
            changed.append(path)
    return changed


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address", help="the new address, such as https://github.com/NAME/REPOSITORY")
    options = parser.parse_args(arguments)
    try:
        changed = set_address(options.address)
    except ValueError as error:
        print(error)
        return 2
    print(f"{len(changed)} files changed" + "".join(f"\n  {path.relative_to(ROOT)}" for path in changed))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Write the repository's address and the library's version into all that repeats them.

    python book/_tools/set_repository.py [https://github.com/NAME/REPOSITORY]

The address stands in one place, ``repository: url`` of _config.yml, and the version in another,
``srgan_lib.__version__``. This command, which writes a new address into _config.yml first if one is given,
copies both into CITATION.cff and into the first code cell of every notebook: the cell installs the library on
Colab and says when the installed one is older than the notebook. The links that open a chapter in Colab are
made from _config.yml when the book is built. Run it after a change of either.
"""

import argparse
import ast
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTING = re.compile(r"(?<=^  url: )(?P<address>\S+)$", re.MULTILINE)
ADDRESS = re.compile(r"https://[\w.-]+(/[\w.-]+)+")
FIRST_CELL = """\
try:
    import srgan_lib as sr
except ModuleNotFoundError:  # on Colab: install the book's library beside the torch that is there
    %pip install --quiet "srgan_lib @ git+{address}"
    import srgan_lib as sr
if [int(part) for part in sr.__version__.split(".")] < {parts}:
    print(f"srgan_lib {{sr.__version__}} is older than this notebook, which is for {version}: update it")"""


def current_address(root=ROOT):
    """The address in _config.yml."""
    return SETTING.search((root / "_config.yml").read_text(encoding="utf-8"))["address"]


def current_version(root=ROOT):
    """The library's version, such as "0.2.0"; nothing is imported."""
    tree = ast.parse((root / "srgan_lib/__init__.py").read_text(encoding="utf-8"))
    values = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    return ast.literal_eval(values["__version__"])


def first_cell(root=ROOT):
    """The source of every notebook's first code cell."""
    version = current_version(root)
    parts = [int(part) for part in version.split(".")]
    return FIRST_CELL.format(address=current_address(root), version=version, parts=parts)


def set_address(new, root=ROOT):
    """Write ``new`` into _config.yml. Raises ``ValueError`` for what is no address."""
    new = new.removesuffix("/").removesuffix(".git")
    if not ADDRESS.fullmatch(new):
        raise ValueError(
            f"{new!r} is no repository address: it should look like https://github.com/NAME/REPOSITORY"
        )
    config = root / "_config.yml"
    _rewrite(config, SETTING.sub(new, config.read_text(encoding="utf-8")))


def write_copies(root=ROOT):
    """Write address and version where they are repeated; returns the files that changed."""
    source = first_cell(root)
    citation = root / "CITATION.cff"
    texts = {citation: _cited(citation.read_text(encoding="utf-8"), root)}
    for path in sorted((root / "book").glob("*.ipynb")):
        texts[path] = _with_first_cell(path.read_text(encoding="utf-8"), source)
    return [path for path, text in texts.items() if _rewrite(path, text)]


def _cited(text, root):
    for key, value in (("repository-code", current_address(root)), ("version", current_version(root))):
        text = re.sub(rf"(?<=^{key}: ).*$", value, text, flags=re.MULTILINE)
    return text


def _with_first_cell(text, source):
    notebook = json.loads(text)
    first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    first["source"] = source.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _rewrite(path, text):
    """Whether the file held another text before."""
    changed = path.read_bytes() != text.encode("utf-8")
    if changed:
        path.write_bytes(text.encode("utf-8"))
    return changed


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "address", nargs="?", help="a new address, such as https://github.com/NAME/REPOSITORY"
    )
    options = parser.parse_args(arguments)
    try:
        if options.address:
            set_address(options.address)
    except ValueError as error:
        print(error)
        return 2
    changed = write_copies()
    print(f"{len(changed)} files changed" + "".join(f"\n  {path.relative_to(ROOT)}" for path in changed))
    return 0


if __name__ == "__main__":
    sys.exit(main())

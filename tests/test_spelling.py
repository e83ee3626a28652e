"""The book's prose is British: "colour", "normalise", "neighbour". Code, formulas, links and the titles of
other people's works are left as they are.
"""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [
        *(ROOT / "book").glob("*.md"),
        *(ROOT / "book").glob("*.ipynb"),
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
    ]
)

# The American form, as the beginning of a word, and what the book writes.
STEMS = {
    "analyz": "analys",
    "artifact": "artefact",
    "behavior": "behaviour",
    "center": "centre",
    "color": "colour",
    "defense": "defence",
    "favor": "favour",
    "fiber": "fibre",
    "gray": "grey",
    "honor": "honour",
    "humor": "humour",
    "labeled": "labelled",
    "labeling": "labelling",
    "modeled": "modelled",
    "modeling": "modelling",
    "neighbor": "neighbour",
    "skeptic": "sceptic",
    "traveled": "travelled",
}
# Verbs in -ise: "size", "prize", "seize" and "capsize" are no such verbs, and are not caught.
IZE = re.compile(
    r"\b(apolog|author|categor|character|critic|discret|emphas|equal|final|general|initial|ideal|local|"
    r"material|maxim|memor|minim|normal|optim|organ|parallel|parametr|penal|priorit|quant|random|real|recogn|"
    r"regular|serial|special|standard|summar|symbol|synchron|token|util|vector|visual)iz(e[sdr]?|ing|ation)",
    re.IGNORECASE,
)
WORD = re.compile(rf"\b({'|'.join(STEMS)})\w*", re.IGNORECASE)
NOT_PROSE = [
    (r"^---\n.*?\n---\n", re.DOTALL),  # front matter
    (r"```.*?```", re.DOTALL),
    (r"^## References\b.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE),
    (r"`[^`]*`", 0),
    (r"\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL),
    (r"\]\([^)\s]*\)|https?://\S+|<[^>]*>", 0),
    (r"(?<![*\w])\*[^*]+\*(?!\*)", re.DOTALL),  # titles and other quoted words
    (r"\"[^\"\n]*\"|\u201c[^\u201d]*\u201d", 0),
]


def american(text):
    """(line number, word) of each American form in the prose of a Markdown text."""
    for pattern, flags in NOT_PROSE:
        text = re.sub(pattern, lambda found: re.sub(r"[^\n]", " ", found[0]), text, flags=flags)
    found = [*WORD.finditer(text), *IZE.finditer(text)]
    return [
        (text.count("\n", 0, match.start()) + 1, match[0]) for match in sorted(found, key=lambda m: m.start())
    ]


def texts(path):
    """(place, text) of the page, or of each Markdown cell of the notebook."""
    if path.suffix == ".md":
        return [(path.name, path.read_text(encoding="utf-8"))]
    cells = nbformat.read(path, as_version=4).cells
    return [(f"{path.name}, cell {cell.id}", cell.source) for cell in cells if cell.cell_type == "markdown"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_prose_is_british(path):
    wrong = [f"{place}, line {line}: {word}" for place, text in texts(path) for line, word in american(text)]
    assert not wrong, "American spelling in\n" + "\n".join(wrong)


def test_what_is_caught_and_what_is_not():
    assert american("A gray color, normalized.\n\nOptimizing the neighbors' center.") == [
        (1, "gray"),
        (1, "color"),
        (1, "normalized"),
        (3, "Optimizing"),
        (3, "neighbors"),
        (3, "center"),
    ]
    fine = (
        "The size of a prize; `color`, $normalize$, [a](gray.md), *Batch Normalization*, https://x.org/color"
    )
    assert american(fine) == []
    assert (
        american("```\ncolor\n```\n## References\n\n- Batch Normalization\n## Next\n\ncolour, grey, realise")
        == []
    )
    assert american("**Bold color** is caught") == [(1, "color")]

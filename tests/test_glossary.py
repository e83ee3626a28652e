"""The glossary: in order, complete by subject, and every link to it from a page leads to a term."""

import re
from pathlib import Path

import nbformat
import pytest

BOOK = Path(__file__).resolve().parents[1] / "book"
TEXT = (BOOK / "glossary.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)
PAGES = sorted([*BOOK.glob("*.ipynb"), *BOOK.glob("*.md")])


def slug(heading):
    """The anchor of a heading, as MyST and GitHub make it."""
    return heading.lower().replace(" ", "-")


TERMS = [slug(heading) for heading in HEADINGS]


def markdown(path):
    """The text of a page, or of the Markdown cells of a notebook."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_terms_stand_in_alphabetical_order_and_once():
    assert sorted(set(TERMS)) == TERMS


def test_every_term_stands_once_under_a_subject():
    subjects = TEXT.split("## Terms by subject")[1].split("\n## Terms\n")[0]
    assert sorted(re.findall(r"\]\(#([\w-]+)\)", subjects)) == TERMS


def test_every_term_is_explained_in_one_to_five_sentences():
    for entry in re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:]:
        _, _, explanation = entry.partition("\n")
        assert 60 < len(explanation.strip()) < 700, entry


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_to_the_glossary_lead_to_a_term(path):
    place = r"\]\((?:glossary\.md)?#([\w-]+)\)" if path.stem == "glossary" else r"\]\(glossary\.md#([^)]+)\)"
    wrong = set(re.findall(place, markdown(path))) - set(TERMS)
    assert not wrong, f"{path.name} links to {wrong}, which book/glossary.md does not have as ### headings"

"""Titles of chapters become links when the chapters exist."""

import json

import link_chapters

CHAPTERS = {"The VGG loss": "the-vgg-loss", "One metric, many numbers": "one-metric-many-numbers"}


def test_titles_in_italics_become_links():
    text = "See *The VGG loss* and *One\nmetric, many numbers*.\n"
    text += "\nNot *the VGG loss*, **The VGG loss** or `*The VGG loss*`."
    once = link_chapters.linked(text, CHAPTERS)
    assert once.startswith(
        "See [The VGG loss](the-vgg-loss.ipynb) and [One\nmetric, many numbers](one-metric"
    )
    assert once.endswith("Not *the VGG loss*, **The VGG loss** or `*The VGG loss*`.")
    assert link_chapters.linked(once, CHAPTERS) == once
    assert link_chapters.linked("*The VGG loss*", CHAPTERS, "the-vgg-loss") == "*The VGG loss*"


def test_a_chapter_is_linked_once_under_each_heading():
    text = "`*The VGG loss*`, *The VGG loss*, *The VGG loss*\n\n### B\n\n*The VGG loss*\n"
    link = "[The VGG loss](the-vgg-loss.ipynb)"
    assert link_chapters.linked(text, CHAPTERS) == (
        f"`*The VGG loss*`, {link}, *The VGG loss*\n\n### B\n\n{link}\n"
    )


def test_only_the_markdown_of_a_notebook_changes(tmp_path):
    code = {"cell_type": "code", "source": ["# *The VGG loss*\n", "1"], "outputs": [{"text": ["1"]}]}
    page = tmp_path / "page.ipynb"
    prose = {"cell_type": "markdown", "source": ["# A\n", "\n", "*The VGG loss*"]}
    page.write_text(json.dumps({"cells": [prose, code]}, indent=1) + "\n")
    cells = json.loads(link_chapters.renewed(page, CHAPTERS))["cells"]
    assert cells == [{**prose, "source": ["# A\n", "\n", "[The VGG loss](the-vgg-loss.ipynb)"]}, code]
    assert link_chapters.renewed(page, {}) == page.read_text()


def test_every_chapter_of_the_contents_is_linked_where_it_is_named():
    chapters = link_chapters.titles()
    pages = [*link_chapters.BOOK.glob("*.md"), *link_chapters.BOOK.glob("*.ipynb")]
    stale = [
        path.name
        for path in pages
        if link_chapters.renewed(path, chapters) != path.read_text(encoding="utf-8")
    ]
    assert not stale, f"{stale}: run python book/_tools/link_chapters.py"

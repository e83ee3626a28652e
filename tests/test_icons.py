"""The Sphinx extension that cuts the theme's icon fonts down to the icons in use."""

import io

import pytest

pytest.importorskip("pydata_sphinx_theme", reason="Jupyter Book is not installed: pip install -e '.[book]'")
import icons
from fontTools.ttLib import TTFont

SOLID = icons.FONTS / "fa-solid-900.ttf"


def test_a_cut_font_shows_the_named_icons_only_and_names_its_makers():
    data, characters = icons.cut(SOLID, {"rocket", "moon"})
    font = TTFont(io.BytesIO(data))
    assert sorted(font.getBestCmap()) == characters
    assert {0xF135, 0xF186} < set(characters) and len(font.getGlyphOrder()) == 3  # two icons and "missing"
    assert len(data) < 2000
    assert "Font Awesome" in font["name"].getDebugName(0)


def test_an_unknown_icon_is_named():
    with pytest.raises(ValueError, match="no icons moonrocket"):
        icons.cut(SOLID, {"moon", "moonrocket"})


def test_the_style_sheet_is_small_complete_and_asks_no_server():
    sheet = icons.style_sheet()
    assert len(sheet) < 12_000 and "http" not in sheet and sheet.count("@font-face") == len(icons.ICONS)

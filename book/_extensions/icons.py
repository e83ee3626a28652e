"""A Sphinx extension that gives the pages the icons they show, and not all of Font Awesome.

The theme loads every icon twice, as a script (1.5 MB) and as fonts (0.3 MB). The fonts are enough; this
extension cuts them down to ``ICONS`` and empties the script. An icon that is not listed is still shown: a
browser then loads the theme's whole font, and a test of the pages names it.
"""

import base64
import io
from pathlib import Path

import pydata_sphinx_theme
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FONTS = Path(pydata_sphinx_theme.__file__).parent.joinpath(
    "theme/pydata_sphinx_theme/static/vendor/fontawesome/webfonts"
)
SCRIPT = "_static/scripts/fontawesome.js"
SHEET = "icons.css"
# By file of the theme, CSS family and weight: the icons' names.
ICONS = {
    ("fa-solid-900.ttf", "Font Awesome 6 Free", 900): """
        angle-down angle-left angle-right angle-up arrow-up bars bell check chevron-down chevron-right
        chevron-up circle-check circle-exclamation circle-half-stroke circle-info circle-question
        circle-xmark download expand file file-pdf lightbulb list magnifying-glass minus moon pencil plus
        rocket share sun triangle-exclamation up-right-from-square xmark
    """,
    ("fa-brands-400.ttf", "Font Awesome 6 Brands", 400): "github",
}
FACE = """\
@font-face {{
  font-family: "{family}";
  font-weight: {weight};
  font-display: block;
  src: url(data:font/woff;base64,{font}) format("woff");
  unicode-range: {characters};
}}
"""


def cut(path, names):
    """The font at ``path`` with the icons of this set of names, as WOFF, and the characters that show them.

    Raises ``ValueError`` for a name that the font does not have.
    """
    font = TTFont(path)
    characters = sorted(code for code, name in font.getBestCmap().items() if name in names)
    absent = names - {font.getBestCmap()[code] for code in characters}
    if absent:
        raise ValueError(f"{path.name} has no icons {', '.join(sorted(absent))}")
    options = Options()
    options.name_IDs = ["*"]  # who made it, and its licence
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    font.flavor = "woff"
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue(), characters


def style_sheet():
    """CSS with the cut fonts in it; it takes precedence over the theme's for these characters."""
    faces = []
    for (file, family, weight), names in ICONS.items():
        font, characters = cut(FONTS / file, set(names.split()))
        faces.append(
            FACE.format(
                family=family,
                weight=weight,
                font=base64.b64encode(font).decode(),
                characters=", ".join(f"U+{character:X}" for character in characters),
            )
        )
    return "".join(faces)


def add_style_sheet(app, config):
    folder = Path(app.doctreedir) / "icons"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SHEET).write_text(style_sheet(), encoding="utf-8")
    config.html_static_path.append(str(folder))
    app.add_css_file(SHEET, priority=400)


def empty_script(app, error):
    script = Path(app.outdir) / SCRIPT
    if script.exists():
        script.write_text("// icons.css holds the icons\n", encoding="utf-8")


def setup(app):
    app.connect("config-inited", add_style_sheet)
    app.connect("build-finished", empty_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The panel with which a person rates: pictures one at a time, buttons or keys 1 to 5, saved at once."""

import time
from io import BytesIO
from pathlib import Path

from PIL import Image

from srgan_lib.errors import SrganError
from srgan_lib.opinion.plan import SCORES, WORDS
from srgan_lib.opinion.ratings import COLUMNS, append_rating, read_ratings

NOTE = "Buttons and keys work where a kernel runs: in JupyterLab, in VS Code or in Colab."


class Sitting:
    """One rater's way through a plan: which item comes next, and saving each score as it is given.

    ``path`` is the CSV file; if it exists already, the sitting goes on after what it holds of this rater.
    """

    def __init__(self, plan, rater, path):
        self.plan, self.rater, self.path = plan, rater, Path(path)
        known = self._known()
        session = plan.session(rater)
        started = any((rater, code) in known for code, _ in session)
        # Who goes on sees the anchors again only if nothing was rated yet.
        wanted = [(code, told) for code, told in session if (rater, code) not in known]
        self._waiting = [item for item in wanted if not (started and item[1])]
        self.total = len(session)
        self._since = time.monotonic()

    def _known(self):
        if not self.path.exists():
            return {}
        with open(self.path, encoding="utf-8", errors="replace") as file:
            if file.readline().strip() not in ("", ",".join(COLUMNS)):
                raise SrganError(f"{self.path}: is not the file of a sitting; choose another to write to")
        return read_ratings(self.path, self.plan).scores if self.path.stat().st_size else {}

    @property
    def code(self):
        """The code of the item that is shown, or None when all is done."""
        return self._waiting[0][0] if self._waiting else None

    @property
    def told(self):
        """The score that is told with an anchor; None for an item that is to be rated."""
        return self._waiting[0][1] if self._waiting else None

    @property
    def position(self):
        """Items that lie behind."""
        return self.total - len(self._waiting)

    def answer(self, score=None):
        """Save ``score`` (1 to 5) for the item that is shown, and go on; an anchor is passed without one."""
        if self.code is None:
            raise SrganError("every item is rated; start another rater's sitting")
        if self.told is None:
            if score not in SCORES:
                raise SrganError(f"score {score!r} is not one of 1, 2, 3, 4, 5; give one of them")
            append_rating(self.path, self.rater, self.code, score, time.monotonic() - self._since)
        self._waiting.pop(0)
        self._since = time.monotonic()


def panel(sitting, picture, width=512):
    """The ``sitting`` as an ipywidgets panel. ``picture(image, method)`` gives ``uint8`` (H, W, 3).

    Neither the image's nor the method's name is sent to the page. ``width`` is the picture's largest width in
    CSS pixels.
    """
    import ipywidgets as widgets

    shown = widgets.Image(format="png", layout=widgets.Layout(width="100%", max_width=f"{width}px"))
    line = widgets.HTML()
    buttons = [widgets.Button(description=f"{score} {WORDS[score]}") for score in SCORES]
    onward = widgets.Button(description="seen", button_style="info")
    keys = widgets.Text(placeholder="or type 1 to 5 here", continuous_update=True)
    for button in (*buttons, onward):
        button.layout = widgets.Layout(width="auto", min_width="56px", flex="1 1 auto")
    row = widgets.HBox(layout=widgets.Layout(flex_flow="row wrap", max_width=f"{width}px"))

    def show():
        row.children = [onward] if sitting.told else buttons
        keys.layout.display = "none" if sitting.told or sitting.code is None else ""
        if sitting.code is None:
            row.children, shown.layout.display = [], "none"
            line.value = f"Done: {sitting.total} items. Thank you. The scores are in {sitting.path.name}."
            return
        version = sitting.plan.key[sitting.code]
        shown.value = _png(picture(version.image, version.method))
        task = (
            f"An example of <b>{sitting.told}</b> ({WORDS[sitting.told]})." if sitting.told else "How good?"
        )
        line.value = f"{sitting.position + 1} of {sitting.total}: <code>{sitting.code}</code>. {task}"

    def answer(score):
        try:
            sitting.answer(score)
        except SrganError as error:
            line.value = str(error)
        else:
            show()

    def typed(change):
        text = change["new"].strip()
        if text:
            keys.value = ""
            if text in {str(score) for score in SCORES}:
                answer(int(text))

    for button, score in zip(buttons, SCORES, strict=True):
        button.on_click(lambda _, score=score: answer(score))
    onward.on_click(lambda _: answer(None))
    keys.observe(typed, "value")
    show()
    return widgets.VBox([line, shown, row, keys, widgets.HTML(f"<small>{NOTE}</small>")])


def _png(image):
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()

"""Draw the before/after picture of README and of the title page.

    python book/_tools/make_readme_picture.py --model srgan-vgg54     # writes book/images/before-after.jpg

The photograph is scikit-image's public-domain cat Chelsea, which no training of ours has seen. It is made
four times smaller in each direction and enlarged again, by pixel repetition, by bicubic interpolation and by
a shipped model.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import srgan_lib as sr
from srgan_lib.data.sources import held_out_photos
from srgan_lib.images import crop_to_multiple

TARGET = Path(__file__).resolve().parents[1] / "images" / "before-after.jpg"
TOP, LEFT, SIDE = 12, 96, 240  # the cat's face
ZOOM = 2  # each pixel of the result is shown as 2 x 2, so that a difference can be seen
GAP, LABEL = 12, 44
LABELS = {"srresnet-mse": "SRResNet", "srgan-vgg54": "SRGAN"}
INK, PAPER = "#23211f", "#fffdfa"


def versions(model):
    """(label, uint8 (H, W, 3)) of each panel, left to right."""
    original = crop_to_multiple(
        next(photo for photo in held_out_photos() if photo.name == "chelsea").load(), 4
    )
    small = sr.imresize(original, 1 / 4)
    return [
        ("input, enlarged", np.repeat(np.repeat(small, 4, axis=0), 4, axis=1)),
        ("bicubic", sr.imresize(small, 4)),
        (LABELS.get(model, model), sr.upscale(small, model=model)),
        ("original", original),
    ]


def picture(model):
    """The panels beside each other, with their labels below."""
    panels = versions(model)
    side = SIDE * ZOOM
    width = len(panels) * side + (len(panels) - 1) * GAP
    canvas = Image.new("RGB", (width, side + LABEL), PAPER)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), 24)
    for index, (label, image) in enumerate(panels):
        crop = Image.fromarray(image[TOP : TOP + SIDE, LEFT : LEFT + SIDE])
        x = index * (side + GAP)
        canvas.paste(crop.resize((side, side), Image.Resampling.NEAREST), (x, 0))
        draw.text((x + side / 2, side + LABEL / 2), label, fill=INK, font=font, anchor="mm")
    return canvas


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="srgan-vgg54", help="a shipped model (default: %(default)s)")
    options = parser.parse_args()
    TARGET.parent.mkdir(exist_ok=True)
    picture(options.model).save(TARGET, quality=90)
    print(f"{TARGET}: {TARGET.stat().st_size / 1e3:.0f} KB")


if __name__ == "__main__":
    main()

"""Three bundled photos through a generator, again and again, while it is trained: how its results change."""

from srgan_lib.data.sources import bundled_photos, held_out_photos
from srgan_lib.images import crop_to_multiple
from srgan_lib.training.validation import Example, results

SIDE = 192
# (top, left) of the part that is kept: eyes and fur; a spoon, its mirror image and wood; a face and hair.
CORNERS = {"chelsea": (40, 120), "coffee": (200, 288), "astronaut": (20, 128)}


def moments(updates, count):
    """After which updates of a stage to look: 0, then each time twice as many, ``updates`` being the last.

    At most ``count`` numbers, in rising order. Training changes a network fastest at its start, so equal
    distances would miss most of it.
    """
    return sorted({0, *(-(-updates // 2**halvings) for halvings in range(count - 1))}) if count else []


def pictured(data, degradation):
    """The whole photos to picture as a list of ``Example``: not the astronaut where ``data`` holds it."""
    photos = held_out_photos() + [photo for photo in bundled_photos() if photo.name in CORNERS]
    kept = photos if data != "bundled" else held_out_photos()
    whole = [(photo.name, crop_to_multiple(photo.load(), degradation.scale)) for photo in kept]
    return [Example(name, hr, degradation.whole(hr)) for name, hr in whole]


def pictures(generator, examples):
    """{name: the middle of the result, uint8 (192, 192, 3)} of each photo that ``pictured`` gave."""
    return {
        item.name: part(item.name, image)
        for item, image in zip(examples, results(generator, examples), strict=True)
    }


def part(name, image):
    """The part of a photo's result, or of the photo itself, that is pictured: uint8 (192, 192, 3)."""
    top, left = CORNERS[name]
    return image[top : top + SIDE, left : left + SIDE]

"""The versions of a photo that an opinion test shows: from interpolation, from models, from result images."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from srgan_lib import pretrained
from srgan_lib.data.sources import BUNDLED, photos_of
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError, unknown_name
from srgan_lib.evaluation import paper
from srgan_lib.evaluation.evaluate import INTERPOLATIONS, holds_images
from srgan_lib.evaluation.result_files import result_path
from srgan_lib.evaluation.results import SCALE
from srgan_lib.images import crop_to_multiple, read_rgb
from srgan_lib.inference.upscale import load_engine, upscale
from srgan_lib.opinion.plan import ANCHORS

TWELVE = paper.methods()  # the paper's versions, section 3.3


def make_version(hr, method):
    """``method``'s version of the photo ``hr``, ``uint8`` (H, W, 3): of the same size, from its quarter.

    "HR" is the photo itself; "nearest" and "bicubic" enlarge the bicubic quarter as the paper does; any other
    name is a model for ``upscale``. Sides that are no multiple of 4 lose the rest.
    """
    hr = crop_to_multiple(np.asarray(hr), SCALE)
    if method == "HR":
        return hr
    lr = imresize(hr, 1 / SCALE)
    if method in INTERPOLATIONS:
        return INTERPOLATIONS[method](lr)
    return upscale(lr, _engine(method), progress=False)


@lru_cache(maxsize=1)  # versions are made method by method
def _engine(model):
    return load_engine(model)


def methods_here():
    """Those of the paper's twelve versions that can be made here, in its order and spelling."""
    here = {*INTERPOLATIONS, "hr", *pretrained.names()}
    return [method for method in TWELVE if method.lower() in here]


def photos_to_rate(*sources):
    """{image: Photo} of "held-out", "bundled", folders of photos, or test sets such as "set5" (fetched).

    Images of test sets, and those of several sources, are named "Set5/baby", others by their file. A name
    that comes twice raises ``SrganError``, as does a source without photos.
    """
    found = {}
    for source in sources:
        photos = photos_of(source)
        originals = [photo for photo in photos if photo.path.parent.name == "HR"]
        root = originals[0].path.parent.parent.name if originals else Path(source).name
        for photo in originals or photos:
            name = f"{root}/{photo.name}" if originals or len(sources) > 1 else photo.name
            if name in found:
                raise SrganError(f"{photo.path} and {found[name].path}: both are {name!r}; rename one")
            found[name] = photo
    return found


@dataclass(frozen=True)
class Results:
    """Result images of another program: a folder, or a pattern such as ``published/{set}/SRGAN-VGG54``."""

    folder: str


@dataclass(frozen=True)
class Versions:
    """Makes the pictures of a test: ``versions(image, method)`` is ``uint8`` (H, W, 3).

    ``photos`` is {image: Photo}; ``methods`` is {name: None, a model's name or path, or ``Results``}, see
    ``read_methods``. With ``crop`` only the middle of each photo is shown, at most so many
    pixels a side: models see it without what is around, and result images are cut alike.
    """

    photos: dict
    methods: dict = field(default_factory=dict)
    crop: int | None = None

    def __call__(self, image, method):
        photo = self.photos[image]
        hr = photo.load()
        box = _middle(*hr.shape[:2], self.crop)
        source = self.methods.get(method)
        if isinstance(source, Results):
            return self._result(image, source, hr.shape)[box]
        return make_version(hr[box], source or method)

    def of(self, image):
        """The methods that ``image`` has: result images may be of some of the test sets only.

        Raises ``SrganError`` where there are results of some of a set's images, or of no set, and not of
        this image.
        """
        return [name for name, source in self.methods.items() if self._has(image, name, source)]

    def _has(self, image, method, source):
        if not isinstance(source, Results) or self._find(source, image):
            return True
        alike = [other for other in self.photos if _set_of(other) == _set_of(image)]
        if any(self._find(source, other) for other in alike) or not self._knows(source):
            name = image.rpartition("/")[2]
            raise SrganError(f"{source.folder}: no result of {method} for {image}; name it {name}.png")
        return False

    def _knows(self, source):
        return any(self._find(source, image) for image in self.photos)

    def _result(self, image, source, shape):
        path = self._find(source, image)
        result = read_rgb(path)
        sizes = [shape[:2], tuple(side - side % SCALE for side in shape[:2])]
        if result.shape[:2] not in sizes:
            found = f"{result.shape[1]}x{result.shape[0]}"
            raise SrganError(f"{path}: is {found}, its original {shape[1]}x{shape[0]}; give it that size")
        return crop_to_multiple(result, SCALE)

    def _find(self, source, image):
        """The result of ``image``, or None: ``Set5/baby.png``, ``baby.png``, ``baby_x4.png`` ..."""
        set_name, _, name = image.rpartition("/")
        others = [other.rpartition("/")[2] for other in self.photos]
        return result_path(source.folder, set_name, name, others)  # "cat_2" is no result of "cat"


def _set_of(image):
    return image.rpartition("/")[0]


def _middle(height, width, crop):
    """The slices of the middle, with sides and place in multiples of the scale."""
    slices = []
    for side in (height, width):
        wanted = min(side, crop or side) // SCALE * SCALE
        start = (side - wanted) // 2 // SCALE * SCALE
        slices.append(slice(start, start + wanted))
    return tuple(slices)


def read_methods(words):
    """{name: source} from words such as "bicubic", "SRGAN-VGG54", "mine=runs/tiny", "SelfExSR=results/".

    What stands behind "=" is a folder of result images, with ``{set}`` for the set's name if there are
    several, or a model (weights file, run's folder); without it the source is None or a shipped model's name.
    Names of the paper get its spelling. ``SrganError`` for what does not exist.
    """
    spelling = {name.lower(): name for name in TWELVE}
    methods = {}
    for word in words:
        label, has_source, place = word.partition("=")
        name = spelling.get(label.lower(), label)
        if name in methods:
            raise SrganError(f"method {name} comes twice; give the second another name: NAME=PATH")
        if has_source and name in ANCHORS:
            raise SrganError(f"{word}: {name} is made here, for the examples too; leave out ={place}")
        methods[name] = _source(place) if has_source else _shipped(name)
    return methods


def _source(place):
    path = Path(place).expanduser()
    if "{set}" in place or holds_images(path):
        return Results(str(path))
    if not path.exists():
        raise SrganError(f"{place}: no such folder or file; name a folder of result images or a model")
    _check_scale(place, _engine(path).scale)  # what is no model says so now
    return path


def _shipped(name):
    if name in (*INTERPOLATIONS, "HR"):
        return None
    if name.lower() not in pretrained.names():
        hint = " (of another program? give its result images: NAME=FOLDER)" if name in TWELVE else ""
        known = [*INTERPOLATIONS, *pretrained.names(), "HR"]
        raise SrganError(f"{unknown_name('method', name, known)}{hint}")
    _check_scale(name, pretrained.scale_of(name))
    return name.lower()


def _check_scale(name, scale):
    if scale != SCALE:
        raise SrganError(
            f"{name} enlarges {scale}x; versions are made from a quarter of the sides: use {SCALE}x"
        )


def calibration_for(photos, pairs):
    """{image: Photo}: ``pairs`` bundled photos that ``photos`` are not, spread over the list.

    Raises ``SrganError`` where fewer are left.
    """
    rated = {photo.path for photo in photos.values()}
    others = [photo for of in BUNDLED.values() for photo in of() if photo.path not in rated]
    if len(others) < pairs:
        raise SrganError(
            f"{len(others)} bundled photos are left for {pairs} examples; name others with --calibration"
        )
    chosen = others[:: max(1, len(others) // pairs)][:pairs] if pairs else []
    return {f"example/{photo.name}": photo for photo in chosen}

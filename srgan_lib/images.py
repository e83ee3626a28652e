"""Images: reading and writing, value ranges, the Y channel. ``degradations`` resizes and degrades.

Throughout the library a numpy image is ``uint8`` of shape ``(H, W, 3)``, RGB, channels last, and a torch
image is ``float32`` of shape ``(..., 3, H, W)``, channels first. The network reads [0, 1] and writes [-1, 1]
(paper, section 3.2); resizing and degrading work on levels, 0 to 255.
"""

import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from srgan_lib.errors import SrganError
from srgan_lib.formats import deep, metadata
from srgan_lib.support.files import shortened, whole_file

Y_OF_RGB = (65.481, 128.553, 24.966)  # ITU-R BT.601: Y from 16 to 235 for RGB in [0, 1]
Y_RANGE = sum(Y_OF_RGB)  # 219
Y_FLOOR = 16

# ---------------------------------------------------------------------------------------------- files

# Pillow warns from half the size that it refuses; such images are large, but can be read.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

# Read as photos, from one file and from a folder alike; Pillow may have been built without some.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "PSD", "QOI", "SGI")
FORMATS += ("TGA", "TIFF", "WEBP")
EXTENSIONS = {suffix for suffix, format in Image.registered_extensions().items() if format in FORMATS}
# Photos too, which nothing here can read
UNREADABLE = {".arw", ".cr2", ".cr3", ".dng", ".heic", ".heif", ".jxl", ".nef", ".orf", ".raf", ".rw2"}
WITH_QUALITY = ("JPEG", "WEBP", "AVIF")
SIXTEEN_BIT_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")
SAVE_OPTIONS = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}


def open_image(path: str | Path) -> Image.Image:
    """Read an image file as a ``PIL.Image`` of mode L, LA, RGB or RGBA: 8 bits a channel, upright.

    16-bit grey is scaled to 8 bits (65535 becomes 255); black-and-white becomes L; palette, CMYK and other
    colour spaces become RGB, or RGBA where they carry transparency; the rotation that a camera noted (EXIF)
    is applied. Of an animation the first frame is read. Raises ``SrganError``, in one line, for a file that
    is missing, a folder, empty, unreadable, damaged, too large or no image.
    """
    try:
        with _opened(path) as file:
            return standard(_decode(file))
    except SrganError as error:
        reason = str(error)
    except FileNotFoundError:
        reason = "there is no such file; check its name and folder"
    except IsADirectoryError:
        reason = "it is a folder; name an image file in it"
    except PermissionError:
        reason = "reading it is not permitted; change its permissions"
    except UnidentifiedImageError:
        reason = f"it is not an image of a known format{_kind(path)}; use PNG, JPEG, TIFF, BMP or WebP"
    except Image.DecompressionBombError:
        limit = 2 * Image.MAX_IMAGE_PIXELS // 10**6
        reason = f"it has more than {limit} megapixels; scale it down or cut it up first"
    except MemoryError:
        reason = "it does not fit into memory; scale it down or cut it up first"
    except Exception as error:  # on damaged files decoders raise whatever they like
        reason = f"it is damaged or incomplete ({_first_line(error)}); fetch or save it again"
    raise SrganError(f"cannot read {shortened(path, 200)}: {reason}")


def _opened(path):
    try:
        return open(path, "rb")
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or _first_line(error)
        raise SrganError(f"it cannot be opened ({reason}); check its name and folder") from error


def _kind(path):
    suffix = Path(path).suffix.lower()
    return f" ({suffix[1:].upper()} is not read here)" if suffix in UNREADABLE else ""


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0]


def _decode(file):
    if not file.read(1):
        raise SrganError("it is empty; fetch or save it again")
    file.seek(0)
    if deep.is_tiff(file) and (image := deep.tiff_instead_of_pillow(file)):
        return image
    file.seek(0)
    image = Image.open(file, formats=[format for format in FORMATS if format in Image.OPEN])
    image.load()
    metadata.note(image, file)
    return image


def standard(image):
    """A ``PIL.Image`` of any mode as ``open_image`` gives it: 8 bits, mode L, LA, RGB or RGBA, upright."""
    return _standard_mode(_upright(deep.black_is_zero(image)))


def _upright(image):
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a broken EXIF block is no reason to refuse the picture
        return image


def _standard_mode(image):
    if image.mode in SIXTEEN_BIT_MODES:
        return Image.fromarray(_eight_bits(np.asarray(image)))
    if image.mode == "F":
        raise SrganError("its numbers are floating-point, of unknown range; save it with 8 or 16 bits")
    image = image.convert("LA") if image.mode == "La" else image  # the only way on from there
    with_alpha = "LA" if image.mode in ("1", "L", "LA") else "RGBA"
    return image.convert(with_alpha if image.has_transparency_data else with_alpha[:-1])


def _eight_bits(levels):
    levels = levels.astype(np.int64)
    if levels.min() < 0 or levels.max() > 65535:
        raise SrganError("its numbers have 32 bits, of unknown range; save it with 8 or 16 bits")
    return ((levels + 128) // 257).astype(np.uint8)


def read_rgb(path):
    """Read an image file as ``uint8`` of shape ``(H, W, 3)``; grey is repeated, transparency dropped.

    Raises ``SrganError`` as ``open_image`` does.
    """
    return np.array(open_image(path).convert("RGB"))


def save_image(image, path, quality=None):
    """Write a ``PIL.Image`` or a ``uint8`` array, ``(H, W)`` or ``(H, W, C)``; the suffix names the format.

    Of a ``PIL.Image`` what its ``info`` says is written too, as far as the format can hold it: colour
    profile, EXIF, resolution and a PNG's colour chunks (see ``metadata``). ``quality``, from 1 to 100, is for
    JPEG (95 if not given), WebP (lossless if not given) and AVIF.

    The file appears whole or not at all. Raises ``SrganError``, in one line, for an unknown suffix, an image
    that the format cannot hold, a folder that is missing or may not be written to, and a full disk.
    """
    check_place(path)
    encoded = _encode(_as_pil(image), Path(path), quality)
    with whole_file(path) as temporary:
        temporary.write_bytes(encoded)


def check_place(path):
    """Raise ``SrganError``, as ``save_image`` would, for an unknown suffix and for a missing folder."""
    _format(Path(path))
    if not Path(path).parent.is_dir():
        raise SrganError(f"cannot write {path}: there is no folder {Path(path).parent}; make it first")


def check_quality(path, quality):
    """Raise ``SrganError`` unless ``quality`` is from 1 to 100 and the format of ``path`` has one."""
    if not isinstance(quality, int) or not 1 <= quality <= 100:
        raise SrganError(f"quality is {quality!r}; use a whole number from 1 to 100")
    if _format(Path(path)) not in WITH_QUALITY:
        raise SrganError(f"cannot write {path} with a quality: it is for .jpg, .webp and .avif; leave it out")


def _format(path):
    format = Image.registered_extensions().get(path.suffix.lower())
    if format not in Image.SAVE:
        raise SrganError(f"cannot write {path}: unknown suffix {path.suffix!r}; use .png, .jpg or .tif")
    return format


def _as_pil(image):
    if isinstance(image, Image.Image):
        return image
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in image.shape:
        found = f"{image.dtype} {image.shape}"
        raise SrganError(f"an image is a uint8 array (H, W) or (H, W, C), not {found}; see from_signed")
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.ndim == 3 and image.shape[2] > 4:
        raise SrganError(f"an image has 1 to 4 channels, last in its shape, not {image.shape}; move them")
    return Image.fromarray(image)


def _encode(image, path, quality):
    format = _format(path)
    buffer = BytesIO()  # encoded in memory first: Pillow hides the system's reason when a disk is full
    options = {**SAVE_OPTIONS.get(format, {}), **metadata.save_options(image.info, format)}
    if quality is not None:
        check_quality(path, quality)
        options |= {"quality": quality, "lossless": False} if format == "WEBP" else {"quality": quality}
    try:
        image.save(buffer, format=format, **options)
    except Exception as error:  # each format has its own limits and its own exceptions for them
        raise SrganError(f"cannot write {path}: {_first_line(error)}; try .png") from error
    return buffer.getvalue()


# -------------------------------------------------------------------------------------- value ranges


def to_unit(levels):
    """Levels 0..255 as ``float32`` in [0, 1], shape ``(..., 3, H, W)``: what the generator reads.

    A numpy array is channels last, ``(..., H, W, 3)``; a tensor is channels first and keeps its device.
    """
    if not isinstance(levels, torch.Tensor):
        levels = torch.from_numpy(np.array(np.moveaxis(np.asarray(levels), -1, -3), order="C"))
    return levels.to(torch.float32) / 255


def to_signed(levels):
    """As ``to_unit``, in [-1, 1]: the range of HR images and the generator's output (section 3.2)."""
    return to_unit(levels) * 2 - 1


def from_signed(images):
    """Tensor ``(..., 3, H, W)`` in [-1, 1] as a ``uint8`` array ``(..., H, W, 3)``: clipped and rounded."""
    levels = (images.detach().float().clamp(-1, 1) + 1) * 127.5
    return levels.round().to(torch.uint8).movedim(-3, -1).cpu().contiguous().numpy()


def luma(image):
    """The Y of YCbCr (ITU-R BT.601): ``float64`` ``(H, W)`` from 16 to 235, not rounded.

    ``image`` is an array ``(H, W, 3)`` of levels 0..255, ``uint8`` or float. A grey image, ``(H, W)``, is its
    own Y and comes back as ``float64``.
    """
    image = np.asarray(image, dtype=np.float64)
    if image.ndim == 2:
        return image
    if image.ndim != 3 or image.shape[2] != 3:
        raise SrganError(f"luma needs an array (H, W, 3) or (H, W), not {image.shape}; convert it to RGB")
    return Y_FLOOR + image @ (np.array(Y_OF_RGB) / 255)


def crop_to_multiple(image, scale):
    """The top left part of an array ``(H, W[, C])`` whose sides are multiples of ``scale``."""
    height, width = (side - side % scale for side in image.shape[:2])
    if not (height and width):
        found = f"{image.shape[1]}x{image.shape[0]}"
        raise SrganError(f"an image of {found} pixels is smaller than the scale, {scale}; use a larger one")
    return image[:height, :width]

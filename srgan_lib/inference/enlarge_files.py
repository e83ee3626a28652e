"""A photo from its file to the file of its enlargement: what the target can hold, and what it cannot."""

from pathlib import Path

from PIL import Image

from srgan_lib.errors import SrganError
from srgan_lib.formats import deep, metadata
from srgan_lib.images import check_quality, save_image
from srgan_lib.inference.photo_files import open_photo
from srgan_lib.inference.upscale import upscale
from srgan_lib.support.notices import say

OPAQUE_FORMATS = ("JPEG", "MPO", "BMP", "DIB", "PPM", "PCX", "EPS", "PDF")
LONGEST_SIDE = {"WEBP": 16383, "JPEG": 65500, "MPO": 65500, "GIF": 65535, "ICO": 256, "AVIF": 65535}
LONGEST_SIDE |= {"TGA": 65535, "SGI": 65535, "PCX": 65535}
LARGEST_TIFF = (1 << 32) - (1 << 20)  # bytes: places in a TIFF are numbers of 32 bits


def upscale_file(source, target, engine, quality=None, **settings):
    """Enlarge the photo at ``source`` with an engine of ``upscaling.load_engine`` and write ``target``.

    16 bits a channel stay so where ``target`` is PNG or TIFF, and are reduced with a word elsewhere. What
    ``target`` cannot hold is refused before the work: transparency, a side that is too long. ``quality`` is
    that of ``save_image``, ``settings`` are those of ``upscale``. Raises ``SrganError`` as ``open_image``,
    ``upscale`` and ``save_image`` do.
    """
    target = Path(target)
    format = Image.registered_extensions().get(target.suffix.lower())
    if quality is not None:
        check_quality(target, quality)
    photo = open_photo(source)
    _check_size(photo, target, format, engine.scale)
    if photo.deep is not None and format in deep.FORMATS:
        levels = upscale(photo.deep.levels, engine, **settings)
        info = metadata.resized(photo.deep.info, (levels.shape[1], levels.shape[0]))
        _say_what_is_lost(info, source, target, format)
        deep.save_deep(deep.Deep(levels, info), target, format)
        return
    if photo.bits > 8:
        say(f"{source} has {photo.bits} bits a channel; {target} has 8{_hint(photo, format)}")
    result = upscale(_for_format(photo, target, format), engine, **settings)
    _say_what_is_lost(result.info, source, target, format)
    save_image(result, target, quality)


def _hint(photo, format):
    if format not in deep.FORMATS:
        return ", as this format holds; write a .png or .tif to keep them"
    return ": files of this kind are read so; save it as 16-bit PNG, or as TIFF without compression"


def _for_format(photo, target, format):
    """The photo in 8 bits, without an alpha that hides nothing where the format can hold none."""
    image = photo.image if photo.deep is None else photo.deep.eight_bits()
    if image.mode not in ("LA", "RGBA") or format not in OPAQUE_FORMATS:
        return image
    if image.getchannel("A").getextrema()[0] < 255:
        raise SrganError(f"{photo.path} has transparency, which {target.suffix} cannot hold; write a .png")
    opaque = image.convert(image.mode[:-1])
    opaque.info.pop("transparency", None)
    return opaque


def _check_size(photo, target, format, scale):
    width, height = (scale * side for side in photo.image.size)
    longest = LONGEST_SIDE.get(format)
    if longest and max(width, height) > longest:
        raise SrganError(
            f"{target}: {width}x{height} pixels are more than {target.suffix} can hold ({longest} a side);"
            " write a .png or .tif"
        )
    if format == "TIFF" and width * height * len(photo.image.mode) * (photo.bits // 8) > LARGEST_TIFF:
        raise SrganError(f"{target}: {width}x{height} pixels are more than a TIFF can hold; write a .png")


def _say_what_is_lost(info, source, target, format):
    lost = metadata.lost_colour(info, format)
    if lost:
        say(f"{source}: {target.suffix} cannot hold its {lost}, so colours may look different; write a .png")

"""Photos of more than 8 bits a channel, and the TIFFs that Pillow misreads: reading and writing.

Pillow reads and writes 16-bit grey only. ``tifffile`` reads TIFFs of any depth and writes them. For PNG
nothing serves: pypng works pixel by pixel, a minute for a large photo; OpenCV weighs more than the whole
library; imageio hands PNGs to Pillow; torchvision has given up its readers. So PNG's five filters, its
interlacing and its chunks stand here: they have not changed since 1996.
"""

import logging
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageOps
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from srgan_lib.errors import SrganError
from srgan_lib.formats import metadata
from srgan_lib.support.files import whole_file

FORMATS = ("PNG", "TIFF")  # that hold 16 bits a channel in colour
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
GREY_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
MIN_IS_WHITE, MIN_IS_BLACK, RGB = 0, 1, 2
SEPARATE = 2  # the colours' planes, one after the other
UNSIGNED = 1
ASSOCIATED, UNASSOCIATED = 1, 2  # alpha with which the colours are multiplied already, and usual alpha
PNG_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
ROWS_AT_ONCE = 64
WHOLE = ((0, 0, 1, 1),)  # (first row, first column, steps down and across) of each pass
INTERLACED = (
    *((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)),
    *((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)),
)
TEXTS = {271: "make", 272: "model", 315: "artist", 33432: "copyright"}


@dataclass
class Deep:
    """A photo of 16 bits a channel: ``levels`` is ``uint16`` (H, W, 1 to 4), ``info`` as Pillow's."""

    levels: np.ndarray
    info: dict = field(default_factory=dict)

    @property
    def mode(self):
        """The mode of the same picture in 8 bits."""
        return MODES[self.levels.shape[2]]

    @property
    def size(self):
        """(width, height), as of a ``PIL.Image``."""
        return self.levels.shape[1], self.levels.shape[0]

    def eight_bits(self):
        """The picture as a ``PIL.Image`` of 8 bits a channel: 65535 becomes 255."""
        levels = ((self.levels.astype(np.uint32) + 128) // 257).astype(np.uint8)
        image = Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)
        image.info.update(self.info)
        return image

    def grey_image(self):
        """A grey picture as a ``PIL.Image`` of mode I;16."""
        image = Image.fromarray(np.ascontiguousarray(self.levels[..., 0]))
        image.info.update(self.info)
        return image


def is_tiff(file):
    """Whether an open file begins as a TIFF does; it is at its start again."""
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    return start in TIFF_STARTS


# --------------------------------------------------------------------------------------------- reading


def read_deep(path):
    """The photo at ``path`` as ``Deep``, upright, if it has 9 to 16 bits a channel and is read in full.

    None for every other file: those of 8 bits, and those that only ``open_image`` reads, in 8 bits. The file
    must be one that ``open_image`` has read, so that what is wrong with it has been said.
    """
    with open(path, "rb") as file:
        start = file.read(33)
        found = None
        if start[:8] == metadata.PNG_START and start[24:25] == b"\x10":
            found = _deep_png(file)
        elif start[:4] in TIFF_STARTS:
            found = _deep_tiff(file)
        return found or _deep_grey(file)


def bits_of(path):
    """Bits a channel of a PNG, TIFF or PPM; 8 where that is not known."""
    with open(path, "rb") as file:
        start = file.read(64)
        if start[:8] == metadata.PNG_START and len(start) > 24:
            return start[24]
        if start[:2] in (b"P5", b"P6"):
            words = [word for line in start.split(b"\n") for word in line.split(b"#")[0].split()]
            return 16 if words[3:] and words[3].isdigit() and int(words[3]) > 255 else 8
        page = _page(file) if start[:4] in TIFF_STARTS else None
        return page.bitspersample if page else 8


def _deep_grey(file):
    """What Pillow itself reads with 16 bits: grey, of every format and compression."""
    image = _header(file)
    levels = None if image is None else grey_levels(image)
    return None if levels is None else Deep(levels[..., None], metadata.travelling(image, "L"))


def grey_levels(image):
    """A ``PIL.Image`` of 16-bit grey as ``uint16`` (H, W), upright, 0 being black; None for other modes.

    Raises ``SrganError`` for levels beyond 16 bits.
    """
    if image.mode not in GREY_MODES:
        return None
    image = black_is_zero(image)
    with suppress(Exception):  # a broken EXIF block is no reason to refuse the picture
        image = ImageOps.exif_transpose(image)
    levels = np.asarray(image).astype(np.int64)
    if levels.min() < 0 or levels.max() > 65535:
        raise SrganError("its numbers have 32 bits, of unknown range; save it with 8 or 16 bits")
    return levels.astype(np.uint16)


def black_is_zero(image):
    """16-bit grey of a TIFF that Pillow opened, its levels as they are meant; every other image as it is.

    Pillow leaves levels as they are stored where 0 is white, and those of 12 bits too.
    """
    tags = getattr(image, "tag_v2", {})
    bits, white_first = tags.get(258, (16,))[0], tags.get(262) == MIN_IS_WHITE
    if image.mode not in GREY_MODES or not (white_first or 8 < bits < 16):
        return image
    most = (1 << bits) - 1
    levels = (np.asarray(image).astype(np.int64) * 65535 + most // 2) // most
    meant = Image.fromarray((65535 - levels if white_first else levels).clip(0, 65535).astype(np.uint16))
    meant.info.update(image.info)
    return meant


def _deep_png(file):
    try:
        levels = _png_levels(file)
    except Exception:  # beyond what Pillow found in order
        return None
    return _upright(levels, _header(file))


def _png_levels(file):
    """``uint16`` (H, W, 1 to 4) of an open 16-bit PNG."""
    file.seek(0)
    chunks = list(_chunks(file.read()))
    width, height, _, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    channels = {kind: count for count, kind in PNG_COLOUR_TYPES.items()}[colour_type]
    body = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    levels = np.empty((height, width, channels), np.uint16)
    place = 0
    for top, left, down, across in INTERLACED if interlaced else WHOLE:
        rows, columns = len(range(top, height, down)), len(range(left, width, across))
        if not (rows and columns):
            continue
        count = rows * (1 + 2 * channels * columns)
        part = np.frombuffer(body, np.uint8, count, place).reshape(rows, -1)
        place += count
        pixels = _unfiltered(part[:, 0], part[:, 1:].reshape(rows, columns, 2 * channels))
        levels[top::down, left::across] = np.ascontiguousarray(pixels).view(">u2")
    return levels


def _unfiltered(filters, differences):
    """The bytes (rows, columns, bytes a pixel) from what each row's filter left of them (PNG, section 9).

    A pixel needs those to the left, above, and above to the left. So all pixels of a diagonal, from the lower
    left to the upper right, are worked out at once: in memory they lie one row less one pixel apart.
    """
    height, width, _ = differences.shape
    padded = np.pad(differences, ((1, 0), (1, 0), (0, 0)))  # beyond the image all bytes are 0
    pixels = padded.reshape(-1, differences.shape[2])
    for diagonal in range(2, height + width + 1):
        first, last = max(1, diagonal - width), min(height, diagonal - 1)
        here = np.arange(first, last + 1) * width + diagonal
        kind = filters[first - 1 : last, None]
        left, above, corner = (pixels[here - back].astype(np.int16) for back in (1, width + 1, width + 2))
        guess = np.select(
            [kind == 1, kind == 2, kind == 3, kind == 4],
            [left, above, (left + above) >> 1, _paeth(left, above, corner)],
            0,
        )
        pixels[here] += guess.astype(np.uint8)
    return padded[1:, 1:]


def _paeth(left, above, corner):
    """Of the three neighbours the one that is nearest to left + above - corner; ties in this order."""
    to_left, to_above = abs(above - corner), abs(left - corner)
    to_corner = abs(left + above - 2 * corner)
    nearest = np.where(to_above <= to_corner, above, corner)
    return np.where((to_left <= to_above) & (to_left <= to_corner), left, nearest)


def _deep_tiff(file):
    page = _page(file)
    if page is None or not 8 < page.bitspersample <= 16:
        return None
    try:
        levels = _tiff_levels(page)
    except Exception:  # tifffile raises what it likes, for compressions that it has no decoder for too
        return None
    return None if levels is None else _upright(levels, _header(file), page)


def tiff_instead_of_pillow(file):
    """The ``PIL.Image``, 8 bits, of a TIFF that Pillow would misread or refuse; None for every other.

    Pillow 12 and 13 give wrong levels for colours of 16 bits that are stored plane after plane, and for grey
    with alpha stored so; they refuse grey with alpha of 16 bits. Raises ``SrganError`` where ``tifffile``
    cannot read them either.
    """
    page = _page(file)
    if page is None or not _is_misread(page):
        return None
    if page.imagewidth * page.imagelength > 2 * Image.MAX_IMAGE_PIXELS:
        raise Image.DecompressionBombError
    try:
        levels = _tiff_levels(page)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        said = f"this kind of TIFF is not read ({reason}); save it uncompressed or as PNG"
        raise SrganError(said) from error
    if levels is None:
        raise SrganError("colours of this kind in 16-bit planes are not read; save it as RGB or as PNG")
    return _upright(levels, _header(file), page).eight_bits()


def _is_misread(page):
    planes = page.planarconfig == SEPARATE and page.samplesperpixel > 1
    deep = page.bitspersample > 8
    return (page.samplesperpixel == 2 and (planes or deep)) or (planes and deep and page.compression == 1)


def _page(file):
    """The first page of an open TIFF for ``tifffile``, or None."""
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)  # it writes of damage to stderr
    file.seek(0)
    try:
        return tifffile.TiffFile(file).pages.first
    except Exception:
        return None


def _tiff_levels(page):
    """``uint16`` (H, W, 1 to 4) with 0 as black; None where the numbers are no grey or RGB levels."""
    fits = page.sampleformat == UNSIGNED and 1 <= page.bitspersample <= 16 and page.imagedepth == 1
    if not fits or page.photometric not in (MIN_IS_WHITE, MIN_IS_BLACK, RGB):
        return None
    levels = np.asarray(page.asarray()).reshape(page.shape)
    if page.planarconfig == SEPARATE and levels.ndim == 3:
        levels = np.moveaxis(levels, 0, -1)
    levels = levels if levels.ndim == 3 else levels[..., None]
    colours = 3 if page.photometric == RGB else 1
    if levels.ndim != 3 or levels.shape[2] < colours:
        return None
    extra = int(page.extrasamples[0]) if page.extrasamples else 0
    levels = levels[..., : colours + (extra in (ASSOCIATED, UNASSOCIATED))].astype(np.uint32)
    most = (1 << page.bitspersample) - 1
    levels = (levels * 65535 + most // 2) // most
    if page.photometric == MIN_IS_WHITE:
        levels[..., 0] = 65535 - levels[..., 0]
    return _divided(levels) if extra == ASSOCIATED else levels.astype(np.uint16)


def _divided(levels):
    """Colours that are multiplied with their alpha, as they are without."""
    alpha = levels[..., -1:].astype(np.float64)
    colours = (levels[..., :-1] * 65535.0 / np.maximum(alpha, 1)).round().clip(0, 65535)
    return np.concatenate([colours, alpha], axis=2).astype(np.uint16)


def _header(file):
    """The file as Pillow opens it, with all that it tells beside the pixels; None where it refuses."""
    file.seek(0)
    try:
        image = Image.open(file)
        metadata.note(image, file)
        return image
    except Exception:
        return None


TURNS = {
    2: np.fliplr,
    3: lambda levels: np.rot90(levels, 2),
    4: np.flipud,
    5: lambda levels: levels.swapaxes(0, 1),
    6: lambda levels: np.rot90(levels, -1),
    7: lambda levels: np.rot90(levels, 2).swapaxes(0, 1),
    8: np.rot90,
}


def _upright(levels, header, page=None):
    """``Deep``, turned as EXIF says, with what the header tells, or else the TIFF's own tags."""
    orientation, info = 1, {}
    if page is not None:
        orientation = page.tags.valueof(ExifTags.Base.Orientation, default=1)
        profile = page.tags.valueof(ExifTags.Base.InterColorProfile)
        info = {"icc_profile": bytes(profile)} if profile else {}
    if header is not None:
        levels = _with_transparent_colour(levels, header.info.get("transparency"))
        info = metadata.travelling(header, MODES[levels.shape[2]])
        with suppress(Exception):  # a broken EXIF block is no reason to refuse the picture
            orientation = header.getexif().get(ExifTags.Base.Orientation, orientation)
    return Deep(np.ascontiguousarray(TURNS.get(orientation, np.asarray)(levels)), info)


def _with_transparent_colour(levels, colour):
    """Levels with an alpha of 0 where they are ``colour``, as a PNG's tRNS means it."""
    if colour is None or levels.shape[2] != np.size(colour):
        return levels
    alpha = np.where((levels == np.array(colour)).all(axis=2), 0, 65535).astype(np.uint16)
    return np.dstack([levels, alpha])


# --------------------------------------------------------------------------------------------- writing


def save_deep(photo, path, format):
    """Write a ``Deep``; ``format`` is "PNG" or "TIFF". The file appears whole or not at all."""
    write = {"PNG": _write_png, "TIFF": _write_tiff}[format]
    with whole_file(path) as temporary:
        write(photo, temporary)


def _write_png(photo, path):
    with open(path, "wb") as file:
        file.write(metadata.PNG_START)
        for name, body in _png_chunks(photo):
            file.write(struct.pack(">I", len(body)) + name + body)
            file.write(struct.pack(">I", zlib.crc32(body, zlib.crc32(name))))


def _png_chunks(photo):
    """(name, content) of a PNG's chunks: those beside the pixels as Pillow writes them for one pixel."""
    height, width, channels = photo.levels.shape
    file = BytesIO()
    Image.new(photo.mode, (1, 1)).save(file, "PNG", **metadata.save_options(photo.info, "PNG"))
    head = struct.pack(">IIBBBBB", width, height, 16, PNG_COLOUR_TYPES[channels], 0, 0, 0)
    for name, body in _chunks(file.getvalue()):
        if name == b"IHDR":
            yield name, head
        elif name == b"IDAT":
            yield from ((name, part) for part in _compressed(photo.levels) if part)
        else:
            yield name, body


def _chunks(png):
    place = len(metadata.PNG_START)
    while place < len(png):
        length, name = struct.unpack_from(">I4s", png, place)
        yield name, png[place + 8 : place + 8 + length]
        place += 12 + length


def _compressed(levels):
    """The rows, each as its difference from the one above (PNG's filter 2), deflated some at a time."""
    deflate = zlib.compressobj(6)
    above = np.zeros((1, levels.shape[1] * levels.shape[2] * 2), np.uint8)
    for first in range(0, len(levels), ROWS_AT_ONCE):
        part = levels[first : first + ROWS_AT_ONCE].astype(">u2")
        rows = part.reshape(len(part), -1).view(np.uint8)
        differences = rows - np.concatenate([above, rows[:-1]])
        filtered = np.concatenate([np.full((len(rows), 1), 2, np.uint8), differences], axis=1)
        yield deflate.compress(filtered.tobytes())
        above = rows[-1:]
    yield deflate.flush()


def _write_tiff(photo, path):
    import tifffile

    channels = photo.levels.shape[2]
    options = metadata.save_options(photo.info, "TIFF")
    exif = Image.Exif()
    exif.load(options.get("exif") or b"")
    texts = [(tag, "s", 0, str(exif[tag]), True) for tag in TEXTS if tag in exif]
    inner = [tag for tag in (metadata.EXIF_DIRECTORY, metadata.GPS_DIRECTORY) if exif.get_ifd(tag)]
    tifffile.imwrite(
        path,
        photo.levels[..., 0] if channels == 1 else photo.levels,
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        compression="zlib",
        predictor=True,
        metadata=None,
        software=str(exif.get(ExifTags.Base.Software, "")) or False,
        description=str(exif.get(ExifTags.Base.ImageDescription, "")) or None,
        datetime=exif.get(ExifTags.Base.DateTime),
        resolution=options.get("dpi"),
        resolutionunit="inch" if "dpi" in options else None,
        iccprofile=options.get("icc_profile"),
        extratags=[*texts, *((tag - 1, "I", 1, 0, True) for tag in inner)],
    )
    for tag in inner:
        _append_directory(path, tag, exif.get_ifd(tag))


def _append_directory(path, tag, values):
    """Put EXIF's or GPS's directory at the file's end, and let its tag point there.

    ``tifffile`` writes neither, and takes no tag of these numbers: the number below kept the place for it.
    """
    import tifffile

    directory = ImageFileDirectory_v2()
    directory.update(values)
    with open(path, "r+b") as file:
        tiff = tifffile.TiffFile(file)
        if tiff.is_bigtiff:  # its directories are laid out in another way
            return
        entry = tiff.pages.first.tags[tag - 1].offset
        place = file.seek(0, 2)
        place += file.write(b"\0" * (place % 2))
        file.write(directory.tobytes(place))
        file.seek(entry)
        file.write(struct.pack("=HHII", tag, 4, 1, place))

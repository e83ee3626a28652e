"""What a photo's file says beside its pixels, and how it travels to the file of its enlargement.

Colour profile (ICC), colour chunks of a PNG (gAMA, cHRM, sRGB, cICP and two for HDR), EXIF and resolution
(DPI) lie in ``info`` of a ``PIL.Image``, under Pillow's names and ``"png_colour"``. EXIF's orientation does
not travel: ``open_image`` has turned the picture. Nor do its thumbnail, the camera's own notes and the tags
that tell how a file is laid out: they hold places in the old file.
"""

import struct

from PIL import Image
from PIL.PngImagePlugin import PngInfo

ICC_SPACES = {"L": b"GRAY", "LA": b"GRAY", "I;16": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB "}
COLOUR_CHUNKS = (b"cHRM", b"gAMA", b"sRGB", b"cICP", b"mDCV", b"cLLI")
PNG_START = b"\x89PNG\r\n\x1a\n"

# The tags of EXIF's first directory that tell of the photo (Exif 2.32, 4.6.4), and its two inner ones
DESCRIPTIVE = (270, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, 40091, 40092, 40093, 40094, 40095)
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
EXIF_DIRECTORY, GPS_DIRECTORY = 34665, 34853
WIDTH, HEIGHT = 40962, 40963
LEFT_OUT = (37500, 40965)  # a camera's own notes, and a directory within EXIF's
LONGEST_IN_JPEG = 65_000

RGB_ONLY = ("WEBP", "AVIF")  # a grey picture becomes RGB there, and its profile would not fit
CAN_HOLD = {
    "PNG": {"icc_profile", "exif", "dpi", "png_colour"},
    "JPEG": {"icc_profile", "exif", "dpi"},
    "TIFF": {"icc_profile", "exif", "dpi"},
    "WEBP": {"icc_profile", "exif"},
    "AVIF": {"icc_profile", "exif"},
    "BMP": {"dpi"},
}


def note(image, file=None):
    """Put into ``image.info`` what Pillow leaves elsewhere: a TIFF's EXIF and a PNG's colour chunks.

    ``image`` is as Pillow opened it, ``file`` the open file. Never raises: a file that is broken beside its
    pixels is still a picture.
    """
    try:
        if image.format == "TIFF" and "exif" not in image.info:
            image.info["exif"] = _described(image).tobytes()
        if image.format == "PNG" and file is not None:
            image.info["png_colour"] = _colour_chunks(file)
    except Exception:
        image.info.pop("exif", None)


def travelling(image, mode):
    """What ``image`` tells that goes with a picture of ``mode`` made from it: a new ``info``."""
    info = {}
    profile = image.info.get("icc_profile")
    if profile and profile[16:20] == ICC_SPACES.get(mode):  # it says what the colours mean
        info["icc_profile"] = profile
    if colour := image.info.get("png_colour") or _colour_as_pillow_tells(image):
        info["png_colour"] = colour
    try:
        exif = _described(image)
        dpi = _dpi(image, exif)
        info |= {"exif": exif.tobytes()} if _says_something(exif) else {}
    except Exception:  # a broken EXIF block is no reason to refuse the picture
        dpi = _dpi(image, {})
    return info | ({"dpi": dpi} if dpi else {})


def resized(info, size):
    """``info`` for a picture of ``size``, (width, height): EXIF names the sides too."""
    if "exif" not in info:
        return dict(info)
    exif = Image.Exif()
    exif.load(info["exif"])
    exif = _described(exif)  # only what is built from parts can be changed
    inner = exif.get_ifd(EXIF_DIRECTORY)
    inner.update({tag: side for tag, side in zip((WIDTH, HEIGHT), size, strict=True) if tag in inner})
    return {**info, "exif": exif.tobytes()}


def unfitting_profile(image):
    """The colour space ("CMYK") of a profile that goes with no picture made here, or None."""
    space = (image.info.get("icc_profile") or b"")[16:20]
    return space.decode("ascii", "replace").strip() if space and space not in ICC_SPACES.values() else None


def save_options(info, format):
    """The options of Pillow's ``save`` that write ``info`` into a file of ``format`` ("PNG", "JPEG" ...)."""
    holds = _held(info, format)
    options = {name: info[name] for name in ("icc_profile", "dpi") if name in holds and info.get(name)}
    if "exif" in holds and (exif := _exif_for(info, format)):
        options["exif"] = exif
    if "png_colour" in holds and info.get("png_colour"):
        chunks = PngInfo()
        for name, body in info["png_colour"].items():
            chunks.add(name, body)
        options["pnginfo"] = chunks
    return options


def _held(info, format):
    holds = CAN_HOLD.get(format, set())
    grey_profile = (info.get("icc_profile") or b"")[16:20] == ICC_SPACES["L"]
    return holds - {"icc_profile"} if grey_profile and format in RGB_ONLY else holds


def lost_colour(info, format):
    """What says how the colours are meant and ``format`` cannot hold: a word for the user, or None."""
    holds = _held(info, format)
    if info.get("icc_profile") and "icc_profile" not in holds:
        return "colour profile"
    if "png_colour" in holds or info.get("icc_profile"):
        return None
    chunks = info.get("png_colour") or {}
    unusual = [name.decode() for name, body in chunks.items() if not _is_srgb(name, body)]
    return f"colour description ({', '.join(unusual)})" if unusual else None


def _is_srgb(name, body):
    """Whether a chunk says no more than what a file without it means: sRGB."""
    if name == b"cICP":
        return body[:2] == b"\x01\x0d"
    if name == b"gAMA":
        return len(body) == 4 and abs(struct.unpack(">I", body)[0] - 45455) < 1000
    if name == b"cHRM":
        usual = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
        return len(body) == 32 and all(
            abs(found - meant) < 200 for found, meant in zip(struct.unpack(">8I", body), usual, strict=True)
        )
    return True


# ------------------------------------------------------------------------------------------------ EXIF


def _described(image):
    """A new ``Exif`` with the tags of an image, or of its ``Exif``, that tell of the photo."""
    old, new = image if isinstance(image, Image.Exif) else image.getexif(), Image.Exif()
    for tag in (*DESCRIPTIVE, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT):
        if tag in old:
            new[tag] = old[tag]
    for directory in (EXIF_DIRECTORY, GPS_DIRECTORY):
        inner = {tag: value for tag, value in old.get_ifd(directory).items() if tag not in LEFT_OUT}
        if inner:
            new.get_ifd(directory).update(inner)
    return new


def _dpi(image, exif):
    found = image.info.get("dpi")
    if not found and exif.get(RESOLUTION_UNIT, 2) in (2, 3) and X_RESOLUTION in exif and Y_RESOLUTION in exif:
        per_inch = 2.54 if exif.get(RESOLUTION_UNIT) == 3 else 1
        found = [per_inch * float(exif[tag]) for tag in (X_RESOLUTION, Y_RESOLUTION)]
    try:
        dpi = tuple(float(value) for value in found or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return dpi if len(dpi) == 2 and all(0 < value < 1e6 for value in dpi) else None


def _exif_for(info, format):
    """The EXIF block for one format: WebP's holds the resolution, JPEG's is short."""
    exif = Image.Exif()
    exif.load(info.get("exif") or b"")
    if info.get("dpi") and "dpi" not in CAN_HOLD[format]:
        exif[X_RESOLUTION], exif[Y_RESOLUTION] = info["dpi"]
        exif[RESOLUTION_UNIT] = 2
    elif info.get("dpi"):  # said once: by the format itself
        for tag in (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT):
            exif.pop(tag, None)
    if not _says_something(exif):
        return None
    block = exif.tobytes()
    return None if format == "JPEG" and len(block) > LONGEST_IN_JPEG else block


def _says_something(exif):
    return len(exif) > 0 or any(exif.get_ifd(directory) for directory in (EXIF_DIRECTORY, GPS_DIRECTORY))


# ------------------------------------------------------------------------------------------ PNG's chunks


def _colour_chunks(file):
    """{name: content} of the chunks before the pixels that say what the colours mean."""
    file.seek(0)
    if file.read(8) != PNG_START:
        return {}
    found = {}
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if name in (b"IDAT", b"IEND"):
            break
        if name in COLOUR_CHUNKS:
            found[name] = file.read(length)
            file.seek(4, 1)
        else:
            file.seek(length + 4, 1)
    return found


def _colour_as_pillow_tells(image):
    """The same from ``info`` alone, for an image that Pillow opened; it does not tell of cICP."""
    chunks = {}
    if "gamma" in image.info:
        chunks[b"gAMA"] = struct.pack(">I", round(100_000 * image.info["gamma"]))
    if "chromaticity" in image.info:
        numbers = [round(100_000 * value) for value in image.info["chromaticity"]]
        chunks[b"cHRM"] = struct.pack(">8I", *numbers)
    if "srgb" in image.info:
        chunks[b"sRGB"] = bytes([image.info["srgb"]])
    return chunks

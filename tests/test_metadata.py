"""What a photo says beside its pixels reaches its enlargement: from every format that holds it, to each."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from srgan_lib.formats import metadata
from srgan_lib.images import open_image, save_image
from srgan_lib.inference.enlarge_files import upscale_file
from srgan_lib.inference.upscale import load_engine, upscale
from srgan_lib.networks.generator import Generator

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
GREY = SRGB[:16] + b"GRAY" + SRGB[20:]
PHOTO = np.random.default_rng(0).integers(0, 256, (12, 8, 3), dtype=np.uint8)
FORMATS = (".png", ".jpg", ".tif", ".webp")
ORIENTATION, EXIF, GPS = 0x0112, 0x8769, 0x8825


@pytest.fixture(scope="module")
def engine():
    torch.manual_seed(0)
    return load_engine(Generator(blocks=1, channels=4).eval())


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def camera(orientation=1, sides=(12, 8)):
    """The EXIF block of a camera."""
    exif = Image.Exif()
    exif[271], exif[272], exif[306], exif[315] = "Maker", "Model 7", "2024:05:06 07:08:09", "Ann Artist"
    exif[33432], exif[ORIENTATION] = "(c) Ann", orientation
    inner = {36867: "2024:05:06 07:08:09", 34855: 200, 33434: IFDRational(1, 250), 40961: 1}
    inner |= {40962: sides[1], 40963: sides[0], 37500: b"Maker's own\0\1\2"}
    exif.get_ifd(EXIF).update(inner)
    exif.get_ifd(GPS).update({1: "N", 2: (IFDRational(51), IFDRational(30), IFDRational(0))})
    return exif


def enlarged(engine, source, target):
    upscale_file(source, target, engine)
    with Image.open(target) as image:
        image.load()
        return image


def chunks(path):
    content = Path(path).read_bytes()
    place, found = 8, {}
    while place < len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        found[name] = content[place + 8 : place + 8 + length]
        place += 12 + length
    return found


def with_chunks(path, extra):
    """Put chunks behind a PNG's header."""
    content = Path(path).read_bytes()
    made = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in extra.items()
    )
    Path(path).write_bytes(content[:33] + made + content[33:])


# --------------------------------------------------------------------------------------- colour profiles


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_a_colour_profile_reaches_every_format(engine, source, target, capsys):
    Image.fromarray(PHOTO).save(f"in{source}", icc_profile=SRGB)
    assert enlarged(engine, f"in{source}", f"out{target}").info["icc_profile"] == SRGB
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("target", FORMATS)
def test_a_profile_reaches_grey_and_transparent_pictures(engine, target):
    Image.fromarray(PHOTO[..., 0]).save("grey.png", icc_profile=GREY)
    found = enlarged(engine, "grey.png", f"grey{target}" if target != ".png" else "grey_x4.png")
    assert (found.info.get("icc_profile") == GREY) == (found.mode == "L")
    if target != ".jpg":
        clear = np.dstack([PHOTO, PHOTO[..., :1]])
        Image.fromarray(clear).save("clear.png", icc_profile=SRGB)
        found = enlarged(engine, "clear.png", f"out{target}")
        assert found.info["icc_profile"] == SRGB and found.mode == "RGBA"


@pytest.mark.parametrize("suffix", [".bmp", ".ppm", ".gif"])
def test_a_format_without_profiles_is_named_in_one_line(engine, suffix, capsys):
    Image.fromarray(PHOTO).save("in.png", icc_profile=SRGB)
    enlarged(engine, "in.png", f"out{suffix}")
    said = capsys.readouterr().err
    assert (
        said
        == f"srgan: in.png: {suffix} cannot hold its colour profile, so colours may look different;"
        + (" write a .png\n")
    )


@pytest.mark.parametrize("profile", [LAB, GREY, b"", b"short"])
def test_a_profile_of_other_colours_stays_behind(engine, profile):
    Image.fromarray(PHOTO).save("in.tif", icc_profile=profile)
    assert "icc_profile" not in enlarged(engine, "in.tif", "out.tif").info


# -------------------------------------------------------------------------------------------------- EXIF


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_exif_reaches_every_format(engine, source, target):
    Image.fromarray(PHOTO).save(f"in{source}", exif=camera().tobytes())
    found = enlarged(engine, f"in{source}", f"out{target}").getexif()
    assert (found[271], found[272], found[306], found[315]) == (
        "Maker",
        "Model 7",
        "2024:05:06 07:08:09",
        "Ann Artist",
    )
    assert found[33432] == "(c) Ann" and found.get(ORIENTATION, 1) == 1
    inner, place = found.get_ifd(EXIF), found.get_ifd(GPS)
    assert (inner[36867], inner[34855], inner[40961]) == ("2024:05:06 07:08:09", 200, 1)
    assert float(inner[33434]) == pytest.approx(1 / 250)
    assert (inner[40962], inner[40963]) == (32, 48), "the sides of the enlargement"
    assert place[1] == "N" and float(place[2][0]) == 51


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_a_photo_is_turned_once(engine, source, target, orientation):
    """What is written, opened by any program that follows EXIF, looks as the photo did in it."""
    marked = np.zeros((16, 24, 3), np.uint8)
    marked[:8, :12] = 255
    Image.fromarray(marked).save(f"in{source}", exif=camera(orientation))
    shown = open_image(f"in{source}")
    enlarged(engine, f"in{source}", f"out{target}")
    again = open_image(f"out{target}")
    assert again.size == (4 * shown.width, 4 * shown.height)
    direct = np.asarray(upscale(np.array(shown), engine)).astype(int)
    assert np.abs(np.asarray(again).astype(int) - direct).mean() < 6
    with Image.open(f"out{target}") as stored:
        assert stored.getexif().get(ORIENTATION, 1) == 1 and stored.size == again.size


def test_a_pil_image_keeps_what_it_says(engine):
    exif = camera(6)
    Image.fromarray(PHOTO).save("in.jpg", exif=exif, icc_profile=SRGB, dpi=(240, 240))
    with Image.open("in.jpg") as image:
        found = upscale(image, engine)
    assert found.size == (48, 32) and found.info["icc_profile"] == SRGB
    assert found.info["dpi"] == pytest.approx((240, 240))
    assert found.getexif()[272] == "Model 7" and ORIENTATION not in found.getexif()
    save_image(found, "out.jpg")
    with Image.open("out.jpg") as image:
        assert image.getexif()[272] == "Model 7" and image.info["icc_profile"] == SRGB


def test_a_tiffs_layout_does_not_travel(engine):
    """A TIFF's EXIF is its whole directory: places of strips and such must not reach the next file."""
    save_image(Image.fromarray(PHOTO), "in.tif")
    with Image.open("in.tif") as image:
        note = upscale(image, engine).info.get("exif")
    assert note is None
    tifffile.imwrite(
        "tiles.tif", np.tile(PHOTO, (4, 4, 1)), tile=(16, 16), photometric="rgb", software="Scanner"
    )
    with Image.open("tiles.tif") as image:
        exif = upscale(image, engine).getexif()
    assert exif[305] == "Scanner" and not {256, 257, 273, 279, 322, 324, 325} & set(exif)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize(
    "block", [b"Exif\0\0II*\0\xff\xff\xff\xff broken", b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_a_broken_exif_block_is_left_behind(engine, block, target):
    Image.fromarray(PHOTO).save("in.jpg", exif=block)
    assert enlarged(engine, "in.jpg", f"out{target}").size == (32, 48)


def test_an_exif_block_too_long_for_jpeg_is_left_out(engine):
    exif = camera()
    exif.get_ifd(EXIF)[37510] = b"ASCII\0\0\0" + b"x" * 70_000
    Image.fromarray(PHOTO).save("in.png", exif=exif, icc_profile=SRGB)
    assert enlarged(engine, "in.png", "out.jpg").info["icc_profile"] == SRGB
    assert enlarged(engine, "in.png", "out.tif").getexif()[272] == "Model 7"


# --------------------------------------------------------------------------------------------------- DPI


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", [".png", ".jpg", ".tif", ".bmp"])
def test_resolution_reaches_every_format(engine, source, target):
    Image.fromarray(PHOTO).save(f"in{source}", dpi=(300, 150))
    found = enlarged(engine, f"in{source}", f"out{target}")
    exif = found.getexif()
    dpi = found.info.get("dpi") or (exif[282], exif[283])
    assert [float(value) for value in dpi] == pytest.approx([300, 150], abs=0.02)


def test_resolution_from_webps_exif_and_in_centimetres(engine):
    exif = Image.Exif()
    exif[282], exif[283], exif[296] = IFDRational(100), IFDRational(50), 3
    Image.fromarray(PHOTO).save("in.webp", exif=exif, lossless=True)
    for suffix in (".png", ".jpg", ".tif"):
        found = enlarged(engine, "in.webp", f"out{suffix}").info["dpi"]
        assert found == pytest.approx((254, 127), abs=0.51)


# ------------------------------------------------------------------------------------- PNG's own chunks

DESCRIPTIONS = {
    "linear light": {b"gAMA": struct.pack(">I", 100_000)},
    "Adobe RGB": {
        b"gAMA": struct.pack(">I", 45455),
        b"cHRM": struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000),
    },
    "HDR (PQ)": {b"cICP": bytes([9, 16, 0, 1])},
    "Display P3": {b"cICP": bytes([12, 13, 0, 1])},
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
@pytest.mark.parametrize("deep", [False, True])
def test_gamma_and_cicp_travel_from_png_to_png(engine, name, deep, capsys):
    if deep:
        Image.fromarray(PHOTO[..., 0].astype(np.uint16) * 257).save("in.png")
    else:
        Image.fromarray(PHOTO).save("in.png")
    with_chunks("in.png", DESCRIPTIONS[name])
    enlarged(engine, "in.png", "out.png")
    found = chunks("out.png")
    assert {key: found[key] for key in DESCRIPTIONS[name]} == DESCRIPTIONS[name]
    assert capsys.readouterr().err == ""
    enlarged(engine, "in.png", "out.jpg")
    assert "cannot hold its colour description" in capsys.readouterr().err


def test_what_is_srgb_anyway_needs_no_word(engine, capsys):
    Image.fromarray(PHOTO).save("in.png")
    usual = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    with_chunks("in.png", {b"gAMA": struct.pack(">I", 45455), b"cHRM": usual, b"sRGB": b"\0"})
    enlarged(engine, "in.png", "out.jpg")
    assert capsys.readouterr().err == ""
    enlarged(engine, "in.png", "out.png")
    assert chunks("out.png")[b"sRGB"] == b"\0"


def test_a_pil_image_of_the_user_keeps_gamma(engine):
    Image.fromarray(PHOTO).save("in.png")
    with_chunks("in.png", {b"gAMA": struct.pack(">I", 55556)})
    with Image.open("in.png") as image:
        save_image(upscale(image, engine), "out.png")
    assert chunks("out.png")[b"gAMA"] == struct.pack(">I", 55556)


def test_a_png_cut_within_its_chunks_is_read_as_far_as_it_goes(tmp_path):
    with open("cut.png", "wb") as file:
        file.write(metadata.PNG_START + b"\0\0\0\x04gAMA\0\0")
    with open("cut.png", "rb") as file:
        assert metadata._colour_chunks(file) == {b"gAMA": b"\0\0"}


def test_arrays_have_nothing_to_say(engine):
    save_image(upscale(PHOTO, engine), "out.png")
    assert set(chunks("out.png")) == {b"IHDR", b"IDAT", b"IEND"}

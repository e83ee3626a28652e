"""16 bits a channel, read in full and written in full; TIFFs of every layout, against tifffile and Pillow."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srgan_lib.cli import main
from srgan_lib.errors import SrganError
from srgan_lib.formats import deep
from srgan_lib.formats.deep import Deep, bits_of, read_deep, save_deep
from srgan_lib.images import open_image
from srgan_lib.inference.enlarge_files import upscale_file
from srgan_lib.inference.photo_files import open_photo
from srgan_lib.inference.upscale import load_engine, upscale
from srgan_lib.networks.generator import Generator

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
EXTRA = {2: ["unassalpha"], 4: ["unassalpha"]}


def levels_of(height=11, width=7, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 65536, (height, width, channels), dtype=np.uint16)


def smooth(height=16, width=12, channels=3):
    """A slope of less than one level of 8 bits from pixel to pixel."""
    y, x, c = np.mgrid[:height, :width, :channels]
    return (30000 + 37 * y + 23 * x + 500 * c).astype(np.uint16)


def png(levels, filters, interlaced=False):
    """The bytes of a 16-bit PNG, each row with one of the five filters, written as the standard says."""
    height, width, channels = levels.shape
    passes = deep.INTERLACED if interlaced else deep.WHOLE
    body = b""
    for top, left, down, across in passes:
        part = levels[top::down, left::across]
        if part.size:
            body += filtered_rows(part, filters)
    head = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, interlaced)

    def chunk(name, content):
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    packed = zlib.compress(body)
    half = len(packed) // 2  # in two chunks, as large files are
    data = chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + data + chunk(b"IEND", b"")


def filtered_rows(levels, filters):
    step = 2 * levels.shape[2]
    above, written = bytes(step * levels.shape[1]), b""
    for number, row in enumerate(levels):
        row = row.astype(">u2").tobytes()
        kind, line = filters[number % len(filters)], bytearray()
        for place, value in enumerate(row):
            a = row[place - step] if place >= step else 0
            b, c = above[place], above[place - step] if place >= step else 0
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            line.append((value - (0, a, b, (a + b) // 2, nearest)[kind]) % 256)
        written, above = written + bytes([kind]) + bytes(line), row
    return written


@pytest.fixture(scope="module")
def engine():
    torch.manual_seed(0)
    return load_engine(Generator(blocks=1, channels=4).eval())


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def as_float(levels):
    return levels.astype(np.float64) / 257


# ----------------------------------------------------------------------------------------------- PNG


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 2, 3, 4]), st.booleans(), st.data())
def test_every_filter_and_interlacing_of_a_png(tmp_path_factory, height, width, channels, interlaced, data):
    levels = levels_of(height, width, channels, seed=height)
    filters = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=6))
    path = tmp_path_factory.mktemp("png") / "a.png"
    path.write_bytes(png(levels, filters, interlaced))
    np.testing.assert_array_equal(read_deep(path).levels, levels)
    of_pillow = np.asarray(open_image(path).convert(deep.MODES[channels])).reshape(levels.shape)
    assert np.abs(of_pillow - as_float(levels)).max() <= 1, "Pillow reads the same file, in 8 bits"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("sides", [(1, 1), (3, 200), (130, 5)])
def test_a_written_png_is_read_by_pillow_and_read_back(channels, sides):
    levels = levels_of(*sides, channels)
    save_deep(Deep(levels), "a.png", "PNG")
    np.testing.assert_array_equal(read_deep("a.png").levels, levels)
    assert bits_of("a.png") == 16
    with Image.open("a.png") as image:
        image.load()  # Pillow checks every chunk's sum
        found = np.asarray(image if image.mode != "I;16" else image.convert("I")).astype(float)
        found = found[..., [0, 3]] if channels == 2 and found.ndim == 3 and found.shape[2] == 4 else found
        scale = 257 if channels == 1 else 1
        assert np.abs(found.reshape(levels.shape) / scale - as_float(levels)).max() <= 1


def test_a_png_of_16_bit_grey_is_pillows_to_the_last_bit():
    levels = levels_of(9, 8, 1)
    save_deep(Deep(levels), "a.png", "PNG")
    np.testing.assert_array_equal(np.asarray(Image.open("a.png")), levels[..., 0])
    Image.fromarray(levels[..., 0]).save("b.png")
    np.testing.assert_array_equal(read_deep("b.png").levels, levels)


def test_a_transparent_colour_of_a_16_bit_png(engine):
    levels = smooth()
    levels[:8, :6] = (1, 2, 3)
    levels[0, 0] = (1, 2, 4)  # the same in 8 bits
    content = png(levels, [0])
    transparency = struct.pack(">3H", 1, 2, 3)
    chunk = (
        struct.pack(">I", 6) + b"tRNS" + transparency + struct.pack(">I", zlib.crc32(b"tRNS" + transparency))
    )
    with open("a.png", "wb") as file:
        file.write(content[:33] + chunk + content[33:])
    found = read_deep("a.png").levels
    expected = np.full((16, 12), 65535)
    expected[:8, :6] = 0
    expected[0, 0] = 65535
    np.testing.assert_array_equal(found[..., 3], expected)
    np.testing.assert_array_equal(found[..., :3], levels)


# ---------------------------------------------------------------------------------------------- TIFF


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_tiffs_of_every_layout(planes, compression, order, channels, bits):
    levels = levels_of(10, 14, channels)
    levels = levels if bits == 16 else (levels >> 8).astype(np.uint8)
    if channels == 1 and planes == "separate":
        return
    stored = np.moveaxis(levels, -1, 0) if planes == "separate" else levels
    settings = {"extrasamples": EXTRA[channels]} if channels in EXTRA else {}
    tifffile.imwrite(
        "a.tif",
        stored[..., 0] if channels == 1 else stored,
        byteorder=order,
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig=None if channels == 1 else planes,
        compression=compression,
        metadata=None,
        **settings,
    )
    found = np.asarray(open_image("a.tif")).reshape(levels.shape)
    if bits == 8:
        np.testing.assert_array_equal(found, levels)
        assert read_deep("a.tif") is None and bits_of("a.tif") == 8
        return
    assert np.abs(found - as_float(levels)).max() <= 1
    np.testing.assert_array_equal(read_deep("a.tif").levels, levels)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_min_is_white_is_turned_over(dtype, compression, engine):
    most = np.iinfo(dtype).max
    levels = levels_of(10, 14, 1)[..., 0] // (1 if dtype == "uint16" else 257)
    tifffile.imwrite(
        "a.tif", levels.astype(dtype), photometric="miniswhite", compression=compression, metadata=None
    )
    meant = (most - levels.astype(int)) * (255 / most)
    assert np.abs(np.asarray(open_image("a.tif")) - meant).max() <= 0.51
    with Image.open("a.tif") as image:
        same = upscale(image, engine)
    found = upscale("a.tif", engine)
    np.testing.assert_array_equal(np.asarray(found), np.asarray(same))
    direct = upscale((most - levels).astype(dtype), engine)
    np.testing.assert_array_equal(np.asarray(found), direct)


def test_black_and_white_of_a_fax():
    Image.fromarray(np.eye(9) > 0).save("a.tif", compression="group4")
    np.testing.assert_array_equal(np.asarray(open_image("a.tif")), 255 * np.eye(9, dtype=int))


def twelve_bits(levels, photometric=1):
    """A TIFF of 12-bit grey, two pixels in three bytes: few programs write such, scanners do."""
    first, second = levels.reshape(-1, 2).astype(int).T
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1).astype(np.uint8)
    height, width = levels.shape
    start = 8 + 2 + 9 * 12 + 4
    tags = [(256, 3, width), (257, 3, height), (258, 3, 12), (259, 3, 1), (262, 3, photometric)]
    tags += [(273, 4, start), (277, 3, 1), (278, 3, height), (279, 4, packed.size)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0" * 4 + packed.tobytes()


def test_12_bits_are_scaled_to_16(engine):
    levels = np.random.default_rng(0).integers(0, 4096, (8, 6))
    with open("a.tif", "wb") as file:
        file.write(twelve_bits(levels))
    assert np.abs(np.asarray(open_image("a.tif")) - levels * (255 / 4095)).max() <= 0.51
    assert np.abs(read_deep("a.tif").levels[..., 0] - levels * (65535 / 4095)).max() <= 0.51


def lzw(data):
    """Bytes as TIFF's LZW stores them, without ever using its table: 9 bits each, the table cleared often."""
    codes = []
    for start in range(0, len(data), 200):
        codes += [256, *data[start : start + 200]]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    return int(bits + "0" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8, "big")


def lzw_tiff(levels, photometric):
    """A TIFF as photo editors write it: 16 bits, LZW, which tifffile leaves to imagecodecs."""
    height, width, channels = levels.shape
    body = lzw(levels.astype("<u2").tobytes())
    start = 8 + 2 + 10 * 12 + 4
    body_at = start + 2 * channels
    bits = struct.pack(f"<{channels}H", *[16] * channels)
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, start if channels > 2 else 16)]
    tags += [(259, 3, 1, 5), (262, 3, 1, photometric), (273, 4, 1, body_at), (277, 3, 1, channels)]
    tags += [(278, 3, 1, height), (279, 4, 1, len(body)), (284, 3, 1, 1)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0" * 4 + bits + body


@pytest.mark.parametrize("photometric", [0, 1])
def test_grey_of_an_editors_tiff_keeps_16_bits(photometric, engine, capsys):
    levels = smooth(channels=1)
    with open("a.tif", "wb") as file:
        file.write(lzw_tiff(levels, photometric))
    upscale_file("a.tif", "out.png", engine)
    meant = levels if photometric else 65535 - levels
    np.testing.assert_array_equal(read_deep("out.png").levels, upscale(meant, engine))
    assert capsys.readouterr().err == ""


def test_colour_of_an_editors_tiff_keeps_16_bits_or_says_so(engine, capsys):
    levels = smooth()
    with open("a.tif", "wb") as file:
        file.write(lzw_tiff(levels, 2))
    upscale_file("a.tif", "out.png", engine)
    said = capsys.readouterr().err
    if read_deep("a.tif") is not None:  # imagecodecs is installed
        assert said == "" and read_deep("out.png") is not None
        return
    assert said.startswith("srgan: a.tif has 16 bits a channel; out.png has 8: ") and said.count("\n") == 1
    assert Image.open("out.png").mode == "RGB"


def test_colours_multiplied_with_their_alpha_are_divided():
    straight = smooth(8, 8, 4)
    alpha = np.where(np.arange(8) < 2, 0, np.arange(8) * 9000).astype(np.uint16)
    straight[..., 3] = alpha
    stored = straight.copy()
    stored[..., :3] = np.round(straight[..., :3] * (alpha / 65535)[:, None])
    tifffile.imwrite("a.tif", stored, photometric="rgb", extrasamples=["assocalpha"], metadata=None)
    found = read_deep("a.tif").levels
    visible = alpha > 0
    assert np.abs(found.astype(int) - straight)[:, visible].max() <= 4
    assert (found[..., 3] == alpha).all()


@pytest.mark.parametrize("photometric", ["separated", "palette"])
def test_other_colours_are_reduced_with_a_word_or_refused(photometric, engine, capsys):
    if photometric == "separated":
        tifffile.imwrite("a.tif", levels_of(9, 8, 4), photometric="separated", metadata=None)
    else:
        Image.fromarray(levels_of(9, 8, 3).astype(np.uint8)).quantize(20).save("a.tif")
    found = upscale("a.tif", engine)
    said = capsys.readouterr().err
    assert found.mode == "RGB" and ("reduced to 8" in said) == (photometric == "separated")


@pytest.mark.parametrize("change", ["signed", "float", "planes of CMYK", "32 bits"])
def test_tiffs_that_cannot_be_meant_are_one_line(change):
    levels = levels_of(9, 8, 4)
    if change == "signed":
        tifffile.imwrite(
            "a.tif", levels[..., 0].astype(np.int16) - 1, photometric="minisblack", metadata=None
        )
    if change == "float":
        tifffile.imwrite("a.tif", levels[..., :3].astype(np.float32), photometric="rgb", metadata=None)
    if change == "planes of CMYK":
        tifffile.imwrite(
            "a.tif",
            np.moveaxis(levels, -1, 0),
            photometric="separated",
            planarconfig="separate",
            metadata=None,
        )
    if change == "32 bits":
        tifffile.imwrite(
            "a.tif", levels[..., 0].astype(np.uint32) * 65537, photometric="minisblack", metadata=None
        )
    with pytest.raises(SrganError) as caught:
        open_image("a.tif")
    assert "\n" not in str(caught.value) and "a.tif" in str(caught.value)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=60, deadline=None)
@given(st.sampled_from([1, 2, 3]), st.sampled_from(["contig", "separate"]), st.data())
def test_damaged_16_bit_tiffs_give_an_image_or_one_line(tmp_path_factory, channels, planes, data):
    path = tmp_path_factory.mktemp("damaged") / "a.tif"
    levels = levels_of(8, 9, channels)
    levels = levels[..., 0] if channels == 1 else levels
    stored = np.moveaxis(levels, -1, 0) if planes == "separate" and channels > 1 else levels
    tifffile.imwrite(
        path,
        stored,
        photometric="rgb" if channels == 3 else "minisblack",
        planarconfig=planes if channels > 1 else None,
        extrasamples=["unassalpha"] if channels == 2 else None,
        metadata=None,
    )
    body = bytearray(path.read_bytes())
    places = st.lists(
        st.tuples(st.integers(0, min(300, len(body) - 1)), st.integers(0, 255)), min_size=1, max_size=4
    )
    for place, value in data.draw(places):
        body[place] = value
    path.write_bytes(bytes(body))
    try:
        photo = open_photo(path)
    except SrganError as error:
        assert "\n" not in str(error)
        return
    assert photo.deep is None or photo.deep.levels.dtype == np.uint16


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_written_tiff_is_read_by_tifffile_and_pillow(channels):
    levels = levels_of(13, 9, channels)
    save_deep(Deep(levels), "a.tif", "TIFF")
    np.testing.assert_array_equal(tifffile.imread("a.tif").reshape(levels.shape), levels)
    np.testing.assert_array_equal(read_deep("a.tif").levels, levels)
    assert np.abs(np.asarray(open_image("a.tif")).reshape(levels.shape) - as_float(levels)).max() <= 1


# ----------------------------------------------------------------------------------- from file to file


def stored(path, levels):
    if path.endswith(".png"):
        with open(path, "wb") as file:
            file.write(png(levels, [4, 1, 2, 3, 0]))
    else:
        settings = {"extrasamples": EXTRA[levels.shape[2]]} if levels.shape[2] in EXTRA else {}
        photometric = "rgb" if levels.shape[2] > 2 else "minisblack"
        pixels = levels[..., 0] if levels.shape[2] == 1 else levels
        tifffile.imwrite(path, pixels, photometric=photometric, metadata=None, **settings)
    return path


@pytest.mark.parametrize("target", ["out.png", "out.tif", "out.tiff", "OUT.PNG"])
@pytest.mark.parametrize("source", ["in.png", "in.tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_go_in_and_come_out(engine, channels, source, target, capsys):
    levels = smooth(channels=channels)
    upscale_file(stored(source, levels), target, engine)
    assert capsys.readouterr().err == ""
    found = read_deep(target).levels
    np.testing.assert_array_equal(found, upscale(levels, engine))
    assert found.dtype == np.uint16 and found.shape == (64, 48, channels)
    assert len(np.unique(found[..., 0] % 257)) > 100, "more than 8 bits of the network's output"


def test_16_bits_are_the_networks_output_to_the_last(engine):
    levels = smooth()
    exact = upscale(levels / 65535, engine)
    found = upscale(levels, engine)
    assert np.abs(found - 65535 * exact).max() <= 0.51
    eight = upscale((levels >> 8).astype(np.uint8), engine)
    assert len(np.unique(found)) > 5 * len(np.unique(eight))


def test_a_tensor_of_16_bits_comes_back_as_one(engine):
    levels = smooth()
    found = upscale(torch.from_numpy(levels).movedim(-1, 0), engine)
    assert found.dtype == torch.uint16
    np.testing.assert_array_equal(np.moveaxis(found.numpy(), 0, -1), upscale(levels, engine))


@pytest.mark.parametrize(("target", "mode"), [("out.jpg", "RGB"), ("out.webp", "RGB"), ("out.bmp", "RGB")])
def test_a_format_of_8_bits_is_named_in_one_line(engine, target, mode, capsys):
    upscale_file(stored("in.tif", smooth()), target, engine)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"srgan: in.tif has 16 bits a channel; {target} has 8, as this format holds;"
        " write a .png or .tif to keep them"
    ]
    assert Image.open(target).mode == mode


def test_python_gets_16_bit_grey_and_8_bit_colour_with_a_word(engine, capsys):
    grey = upscale(stored("grey.tif", smooth(channels=1)), engine)
    assert grey.mode == "I;16" and capsys.readouterr().err == ""
    np.testing.assert_array_equal(np.asarray(grey), upscale(smooth(channels=1)[..., 0], engine))
    colour = upscale(stored("colour.png", smooth()), engine)
    assert colour.mode == "RGB"
    assert capsys.readouterr().err == "srgan: colour.png has 16 bits a channel, which are reduced to 8 here\n"
    np.testing.assert_array_equal(
        np.asarray(colour), upscale(np.round(smooth() / 257).astype(np.uint8), engine)
    )


def test_pnm_of_16_bits(engine, capsys):
    levels = smooth()
    with open("grey.pgm", "wb") as file:
        file.write(b"P5\n# made by hand\n12 16\n65535\n" + levels[..., 0].astype(">u2").tobytes())
    upscale_file("grey.pgm", "grey.png", engine)
    np.testing.assert_array_equal(read_deep("grey.png").levels, upscale(levels[..., :1], engine))
    assert capsys.readouterr().err == ""
    with open("colour.ppm", "wb") as file:
        file.write(b"P6 12 16 65535\n" + levels.astype(">u2").tobytes())
    upscale_file("colour.ppm", "colour.png", engine)
    assert "colour.ppm has 16 bits a channel; colour.png has 8" in capsys.readouterr().err
    assert Image.open("colour.png").mode == "RGB"


def test_exif_profile_and_resolution_reach_16_bit_colour(engine):
    exif = Image.Exif()
    exif[272], exif[0x0112], exif[33432], exif[306] = "Model 7", 6, "Ann", "2024:05:06 07:08:09"
    exif.get_ifd(0x8769).update({34855: 200, 36867: "2024:05:06 07:08:09"})
    info = {"exif": exif.tobytes(), "icc_profile": bytes(16) + b"RGB " + bytes(108), "dpi": (240.0, 240.0)}
    save_deep(Deep(smooth(), info), "in.png", "PNG")
    assert read_deep("in.png").size == (16, 12), "turned, as EXIF says"
    for target in ("out.png", "out.tif"):
        upscale_file("in.png", target, engine)
        with Image.open(target) as image:
            assert image.size == (64, 48) and image.info["icc_profile"] == info["icc_profile"]
            assert image.info["dpi"] == pytest.approx((240, 240), abs=0.01)
            found = image.getexif()
            assert (found[272], found[33432], found[306]) == ("Model 7", "Ann", "2024:05:06 07:08:09")
            assert found.get(0x0112, 1) == 1 and found.get_ifd(0x8769)[34855] == 200


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_colour_is_turned_as_8_bit_is(orientation, suffix):
    levels = smooth()
    exif = Image.Exif()
    exif[0x0112] = orientation
    if suffix == ".png":
        save_deep(Deep(levels, {"exif": exif.tobytes()}), "a.png", "PNG")
        with open("a.png", "rb") as file:
            content = file.read()
        block = exif.tobytes()[6:]
        body = b"eXIf" + block
        chunk = struct.pack(">I", len(block)) + body + struct.pack(">I", zlib.crc32(body))
        with open("a.png", "wb") as file:
            file.write(content[:33] + chunk + content[33:])
    else:
        extra = [(274, "H", 1, orientation, True)]
        tifffile.imwrite("a.tif", levels, photometric="rgb", metadata=None, extratags=extra)
    found, shown = read_deep(f"a{suffix}"), open_image(f"a{suffix}")
    assert found.size == shown.size
    assert np.abs(as_float(found.levels) - np.asarray(shown)).max() <= 1


# -------------------------------------------------------------------------------- frames and formats


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".png", ".webp"])
def test_several_frames_are_named_in_one_line(engine, suffix, capsys):
    frames = [Image.fromarray(levels_of(9, 8, seed=seed).astype(np.uint8)) for seed in range(3)]
    options = {"lossless": True} if suffix == ".webp" else {}
    frames[0].save(f"a{suffix}", save_all=True, append_images=frames[1:], **options)
    upscale_file(f"a{suffix}", "out.png", engine)
    assert capsys.readouterr().err == f"srgan: a{suffix} holds 3 frames or pages; the first is used\n"
    if suffix != ".gif":
        np.testing.assert_array_equal(np.asarray(Image.open("out.png")), upscale(np.array(frames[0]), engine))
    assert upscale(f"a{suffix}", engine).size == (32, 36)
    assert "3 frames or pages" in capsys.readouterr().err


def test_pages_of_a_16_bit_tiff_are_named(engine, capsys):
    tifffile.imwrite("a.tif", np.stack([smooth(), smooth() // 2]), photometric="rgb", metadata=None)
    upscale_file("a.tif", "out.tif", engine)
    assert capsys.readouterr().err == "srgan: a.tif holds 2 frames or pages; the first is used\n"
    np.testing.assert_array_equal(tifffile.imread("out.tif"), upscale(smooth(), engine))


def test_one_page_is_no_news(engine, capsys):
    upscale_file(stored("a.tif", smooth()), "out.tif", engine)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".jpg", ".jfif", ".jpe", ".bmp", ".ppm"])
@pytest.mark.parametrize("grey", [False, True])
def test_transparency_is_refused_and_an_opaque_alpha_left_out(engine, suffix, grey):
    image = Image.fromarray(levels_of(9, 8, 3).astype(np.uint8)).convert("LA" if grey else "RGBA")
    image.save("opaque.png")
    upscale_file("opaque.png", f"out{suffix}", engine)
    assert Image.open(f"out{suffix}").size == (32, 36)
    image.putalpha(128)
    image.save("half.png")
    with pytest.raises(
        SrganError, match=f"half.png has transparency, which {suffix} cannot hold; write a .png"
    ):
        upscale_file("half.png", f"half{suffix}", engine)


@pytest.mark.parametrize(
    ("sides", "target"), [((1, 4200), "out.webp"), ((1, 16400), "out.jpg"), ((70, 70), "out.ico")]
)
def test_a_size_that_the_format_cannot_hold_is_refused_before_the_work(sides, target, monkeypatch, engine):
    from srgan_lib.inference import enlarge_files

    Image.fromarray(np.zeros((*sides, 3), np.uint8)).save("in.png")
    monkeypatch.setattr(enlarge_files, "upscale", None)
    with pytest.raises(SrganError, match=r"can hold .*; write a .png or .tif") as caught:
        upscale_file("in.png", target, engine)
    assert "\n" not in str(caught.value)


def test_the_command_keeps_16_bits(capsys):
    stored("in.tif", smooth(6, 5))
    assert main(["upscale", "in.tif", "--model", "espcn"]) == 0
    assert capsys.readouterr() == ("in_x4.png\n", "")
    assert read_deep("in_x4.png").levels.shape == (24, 20, 3)

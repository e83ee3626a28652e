"""``srgan upscale`` as people call it: names, formats, quality, what is there already, progress, pipes."""

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srgan_lib.cli import main
from srgan_lib.inference.upscale import upscale

pytestmark = pytest.mark.usefixtures("work_with_a_small_model")


def photo(seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8))


def photos(*paths):
    for seed, path in enumerate(paths):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        photo(seed).save(path)


def fails(capsys, *arguments):
    """The one line with which a command fails; nothing is written."""
    before = sorted(Path().rglob("*"))
    assert main(["upscale", *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert sorted(Path().rglob("*")) == before
    return line


# ------------------------------------------------------------------------------------ names and formats


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["a.png", "--format", "jpg"], ["a_x4.jpg"]),
        (["a.png", "--suffix", "_large"], ["a_large.png"]),
        (["a.png", "--suffix", "", "--format", "webp"], ["a.webp"]),
        (["a.png", "p/b.jpg", "--format", "tif"], ["a_x4.tif", "p/b_x4.tif"]),
        (["p", "-o", "out", "--suffix=-4x", "--format", "bmp"], ["out/b-4x.bmp"]),
        (["p", "a.png", "-o", "out", "--format", "avif"], ["out/b.avif", "out/a.avif"]),
    ],
)
def test_format_and_suffix(arguments, written, capsys):
    photos("a.png", "p/b.jpg")
    assert main(["upscale", *arguments]) == 0
    assert capsys.readouterr().out.split() == written
    formats = {".jpg": "JPEG", ".tif": "TIFF"}
    for path in map(Path, written):
        with Image.open(path) as image:
            assert image.size == (28, 36)
            assert image.format == formats.get(path.suffix, path.suffix[1:].upper())


def test_results_with_the_suffix_of_this_call_are_not_photos():
    photos("p/a.jpg")
    assert main(["upscale", "p/a.jpg", "--suffix", "_big"]) == 0
    assert main(["upscale", "p", "-o", "out", "--suffix", "_big"]) == 0
    assert os.listdir("out") == ["a_big.png"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.png", "--suffix", ""], "overwritten by its own"),
        (["a.png", "--suffix", "/x"], "name a folder"),
        (["a.png", "-o", "b.jpg", "--format", "png"], "leave out --suffix and --format"),
        (["a.png", "-o", "b.jpg", "--suffix", "_x"], "leave out --suffix and --format"),
        (["a.png", "--quality", "90"], "is for .jpg, .webp and .avif"),
        (["a.png", "-o", "b.tif", "--quality", "90"], "is for .jpg, .webp and .avif"),
        (["a.png", "-o", "out/", "--quality", "90"], "is for .jpg, .webp and .avif"),
    ],
)
def test_what_contradicts_is_one_line_before_the_work(arguments, said, capsys):
    photos("a.png")
    assert said in fails(capsys, *arguments)


@pytest.mark.parametrize("wrong", [["--quality", "0"], ["--quality", "101"], ["--quality", "high"],
                                   ["--format", "docx"], ["--overwrite", "--skip-existing"]])  # fmt: skip
def test_wrong_options_are_usage(wrong, capsys):
    with pytest.raises(SystemExit) as left:
        main(["upscale", "a.png", *wrong])
    assert left.value.code == 2


@pytest.mark.parametrize("format", ["jpg", "webp", "avif"])
def test_a_lower_quality_is_a_smaller_file(format):
    photos("a.png")
    sizes = []
    for quality in ("100", "20"):
        assert main(["upscale", "a.png", "--format", format, "--quality", quality, "--overwrite"]) == 0
        sizes.append(Path(f"a_x4.{format}").stat().st_size)
    assert sizes[1] < sizes[0] / 2


# ------------------------------------------------------------------------------- what is there, progress


def test_skip_existing_makes_what_is_missing(capsys):
    photos("p/a.png", "p/b.png", "p/c.png", "out/b.png")
    before = Path("out/b.png").read_bytes()
    assert main(["upscale", "p", "-o", "out", "--skip-existing"]) == 0
    said = capsys.readouterr()
    assert said.out.split() == ["out/a.png", "out/c.png"] and Path("out/b.png").read_bytes() == before
    assert "1 of 3 results are there already" in said.err
    assert main(["upscale", "p", "-o", "out", "--skip-existing"]) == 0
    assert capsys.readouterr().out == ""


def test_skip_existing_never_takes_a_photo_for_a_result(capsys):
    photos("p/a.png")
    assert "overwritten by its own" in fails(capsys, "p", "-o", "p", "--skip-existing")


def test_progress_over_a_batch_without_carriage_returns(capsys):
    photos(*(f"p/{number}.png" for number in range(3)))
    assert main(["upscale", "p", "-o", "out"]) == 0
    said = capsys.readouterr().err
    assert said.splitlines() == ["1 of 3: p/0.png", "2 of 3: p/1.png", "3 of 3: p/2.png"]
    assert main(["upscale", "p/0.png"]) == 0
    assert capsys.readouterr().err == "", "one photo needs no count"


# ------------------------------------------------------------------------------------------------- pipes


class Pipe(io.TextIOWrapper):
    """A standard stream that is no terminal."""

    def __init__(self, content=b""):
        super().__init__(io.BytesIO(content), encoding="utf-8")


def piped(monkeypatch, content, *arguments):
    """(exit code, what was written to standard output) of ``srgan upscale`` with ``content`` piped in."""
    out = Pipe()
    monkeypatch.setattr(sys, "stdin", Pipe(content))
    monkeypatch.setattr(sys, "stdout", out)
    code = main(["upscale", *arguments])
    out.flush()
    return code, out.buffer.getvalue()


def content_of(image, format="PNG"):
    held = io.BytesIO()
    image.save(held, format)
    return held.getvalue()


@pytest.mark.parametrize("out", [["-o", "-"], []])
def test_from_a_pipe_to_a_pipe(out, monkeypatch):
    code, written = piped(monkeypatch, content_of(photo()), "-", *out)
    assert code == 0
    expected = np.asarray(upscale(photo()))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(written))), expected)
    assert os.listdir() == []


def test_from_a_pipe_to_a_file_and_the_reverse(monkeypatch):
    code, written = piped(monkeypatch, content_of(photo()), "-", "-o", "big.png")
    assert (code, written) == (0, b"big.png\n") and Image.open("big.png").size == (28, 36)
    code, written = piped(monkeypatch, b"", "big.png", "-o", "-", "--format", "jpg", "--quality", "50")
    assert code == 0 and Image.open(io.BytesIO(written)).format == "JPEG"
    assert os.listdir() == ["big.png"]


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        (b"", ["-"], "cannot read standard input: it is empty"),
        (b"words", ["-"], "cannot read standard input: it is not an image"),
        (content_of(photo())[:90], ["-"], "cannot read standard input: it is damaged"),
        (b"", ["-", "a.png", "-o", "-"], "a pipe holds one photo"),
        (b"", [".", "-o", "-"], "a pipe holds one photo"),
        (b"", ["-", "--suffix", "_x"], "leave it out where - stands"),
        (content_of(photo()), ["-", "-o", "none/big.png"], "there is no folder none"),
        (content_of(photo()), ["-", "--quality", "9"], "quality"),
    ],
)
def test_pipes_that_cannot_be(content, arguments, said, monkeypatch, capsys):
    code, written = piped(monkeypatch, content, *arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert code == 1 and said in line and "/tmp" not in line and written == b"" and os.listdir() == []


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
@pytest.mark.parametrize("closed", [False, True])
def test_closed_streams(stream, closed, monkeypatch, capsys):
    pipe = Pipe(content_of(photo()))
    if closed:
        pipe.close()
    monkeypatch.setattr(sys, "stdin", Pipe(content_of(photo())))
    monkeypatch.setattr(sys, "stdout", Pipe())
    monkeypatch.setattr(sys, stream, pipe if closed else None)
    assert main(["upscale", "-", "-o", "-"]) == 1
    assert "srgan: standard " in capsys.readouterr().err


def test_a_named_pipe_is_read_as_a_file(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes on this system")
    os.mkfifo("pipe")
    child = os.fork()
    if child == 0:
        Path("pipe").write_bytes(content_of(photo()))
        os._exit(0)
    assert main(["upscale", "pipe", "-o", "big.png"]) == 0
    os.waitpid(child, 0)
    np.testing.assert_array_equal(np.asarray(Image.open("big.png")), np.asarray(upscale(photo())))

"""Downloads against a local server that truncates, corrupts, falls silent and answers 404."""

import hashlib
import io
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from srgan_lib.data import downloads
from srgan_lib.data.downloads import Dataset
from srgan_lib.errors import SrganError

CONTENT = {f"{kind}{index}": f"{kind} {index} ".encode() * 400 for kind in ("HR", "LR") for index in (1, 2)}


class Server(ThreadingHTTPServer):
    """Serves ``content`` under its keys; ``ways`` maps a key to the ways in which the next requests fail."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.ways, self.requests = dict(CONTENT), {}, []
        self.closing = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        key = self.path.lstrip("/")
        self.server.requests.append(key)
        ways = self.server.ways.get(key, [])
        way = ways.pop(0) if ways else "well"
        body = self.server.content.get(key)
        if way == "missing" or body is None:
            return self.send_error(404)
        if way == "busy":
            return self.send_error(503)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if way == "truncated":
            body = body[: len(body) // 2]
        if way == "corrupt":
            body = body[:-1] + b"?"
        if way == "silent":
            self.wfile.write(body[:100])
            self.wfile.flush()
            self.server.closing.wait(5)
            return None
        return self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.closing.set()
        running.shutdown()


@pytest.fixture
def tiny(server, monkeypatch, tmp_path):
    """A catalogue of one set of two images, on the local server; no other data is seen."""
    digests = {key: hashlib.sha256(body).hexdigest() for key, body in CONTENT.items()}
    files = [
        [name, len(CONTENT[f"HR{i}"]), digests[f"HR{i}"], len(CONTENT[f"LR{i}"]), digests[f"LR{i}"]]
        for i, name in enumerate(("apple", "pear"), start=1)
    ]
    row = Dataset(
        "Tiny", "files", "w", "o", "l", 2, 9999, "benchmarks/Tiny", server.url + "/{kind}{index}", files=files
    )
    monkeypatch.setattr(downloads, "catalogue", lambda: {"Tiny": row})
    monkeypatch.setattr(downloads, "roots", lambda: [tmp_path / "nothing-here"])
    monkeypatch.setattr(downloads, "PAUSE", 0.01)
    monkeypatch.setattr(downloads, "TIMEOUT", 0.3)
    return row


def files_below(root):
    return sorted(str(path.relative_to(root)) for path in Path(root).rglob("*") if path.is_file())


def test_a_set_arrives_whole(tiny, tmp_path, server):
    folder = downloads.get("tiny", tmp_path)
    assert folder == tmp_path / "benchmarks" / "Tiny"
    assert files_below(folder) == ["HR/apple.png", "HR/pear.png", "LRx4/apple.png", "LRx4/pear.png"]
    assert (folder / "LRx4/pear.png").read_bytes() == CONTENT["LR2"]
    before = len(server.requests)
    assert downloads.get("Tiny", tmp_path) == folder
    assert len(server.requests) == before, "nothing is downloaded twice"


@pytest.mark.parametrize("way", ["truncated", "corrupt", "silent", "busy"])
def test_a_passing_failure_is_tried_again(tiny, tmp_path, server, way):
    server.ways["HR2"] = [way]
    folder = downloads.get("Tiny", tmp_path)
    assert (folder / "HR/pear.png").read_bytes() == CONTENT["HR2"]
    assert server.requests.count("HR2") == 2


@pytest.mark.parametrize(
    ("way", "said", "tries"),
    [
        ("truncated", "broke off|damaged", 3),
        ("corrupt", "hash is wrong", 3),
        ("silent", "silent for 0.3 seconds|broke off", 3),
        ("busy", "answered 503", 3),
        ("missing", "answered 404", 1),
    ],
)
def test_a_lasting_failure_is_one_line_and_leaves_no_half_file(tiny, tmp_path, server, way, said, tries):
    server.ways["HR2"] = [way] * 9
    start = time.monotonic()
    with pytest.raises(SrganError, match=said) as caught:
        downloads.get("Tiny", tmp_path)
    assert time.monotonic() - start < 5
    assert "\n" not in str(caught.value) and "HR2" in str(caught.value)
    assert server.requests.count("HR2") == tries
    written = files_below(tmp_path)
    assert "benchmarks/Tiny/HR/pear.png" not in written
    assert all(path.endswith(".png") for path in written), f"left behind: {written}"
    assert not downloads.is_complete(tiny, tmp_path / tiny.folder)
    server.ways.clear()
    downloads.get("Tiny", tmp_path)
    assert server.requests.count("HR1") == 1, "what had arrived is not fetched again"


def test_a_damaged_file_of_the_right_size_is_replaced(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "roots", lambda: [tmp_path])
    folder = downloads.get("Tiny", tmp_path)
    damaged = folder / "HR/apple.png"
    damaged.write_bytes(b"x" * len(CONTENT["HR1"]))
    assert downloads.find("tiny") == folder, "find looks at sizes only"
    downloads.get("Tiny", tmp_path)
    assert damaged.read_bytes() == CONTENT["HR1"]
    damaged.write_bytes(b"short")
    assert downloads.find("tiny") is None


def test_no_server_is_one_line(tiny, tmp_path, server, monkeypatch):
    away = Dataset(**{**tiny.__dict__, "url": "http://127.0.0.1:9/{kind}{index}"})
    monkeypatch.setattr(downloads, "catalogue", lambda: {"Tiny": away})
    with pytest.raises(SrganError, match="connection failed"):
        downloads.get("Tiny", tmp_path)


def zip_of(names):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(f"Photos/{name}.png", name * 50)
    return held.getvalue()


def archive_row(server, body, images=2):
    server.content["photos.zip"] = body
    digest = hashlib.sha256(body).hexdigest()
    return Dataset(
        "Zip", "archive", "w", "o", "l", images, len(body), "Z/Photos", server.url + "/photos.zip", digest
    )


def test_an_archive_is_unpacked_in_one_step(tiny, server, tmp_path, monkeypatch):
    row = archive_row(server, zip_of(["a", "b"]))
    monkeypatch.setattr(downloads, "catalogue", lambda: {"Zip": row})
    (tmp_path / "Z/Photos").mkdir(parents=True)
    (tmp_path / "Z/Photos/a.png").write_text("of an older, unfinished unpacking")
    assert downloads.get("zip", tmp_path) == tmp_path / "Z/Photos"
    assert files_below(tmp_path) == ["Z/Photos/a.png", "Z/Photos/b.png"], "the archive itself is deleted"
    assert (tmp_path / "Z/Photos/a.png").read_text() == "a" * 50


def test_an_unpacking_that_breaks_off_leaves_nothing_that_looks_whole(tiny, server, tmp_path, monkeypatch):
    row = archive_row(server, zip_of(["a", "b"]))
    monkeypatch.setattr(downloads, "catalogue", lambda: {"Zip": row})

    def disk_full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "extract", disk_full)
        with pytest.raises(SrganError, match="No space left on device"):
            downloads.get("Zip", tmp_path)
    assert files_below(tmp_path) == ["Z/Photos.zip"]
    downloads.get("Zip", tmp_path)
    assert server.requests.count("photos.zip") == 1, "the archive that had arrived is used"


def test_an_archive_with_too_few_images_is_refused(tiny, server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "catalogue", lambda: {"Zip": archive_row(server, zip_of(["a"]), images=2)})
    with pytest.raises(SrganError, match="fewer than the 2 images"):
        downloads.get("Zip", tmp_path)


def test_imagenette_comes_through_torchvision(tmp_path, monkeypatch):
    def imagenette(root, split, size, download):
        assert (split, size, download) == ("train", "full", True)
        made = Path(root, "imagenette2", "train", "n01440764")
        made.mkdir(parents=True)
        for index in range(3):
            (made / f"{index}.JPEG").write_bytes(b"x")

    row = Dataset(**{**downloads.catalogue()["Imagenette"].__dict__, "images": 3})
    monkeypatch.setattr("torchvision.datasets.Imagenette", imagenette)
    monkeypatch.setattr(downloads, "catalogue", lambda: {"Imagenette": row})
    assert downloads.get("imagenette", tmp_path) == tmp_path / "imagenette2/train"
    assert len(files_below(tmp_path)) == 3


def test_imagenette_that_does_not_arrive_is_one_line(tmp_path, monkeypatch):
    def imagenette(*_, **__):
        raise RuntimeError("File not found or corrupted.")

    monkeypatch.setattr("torchvision.datasets.Imagenette", imagenette)
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    with pytest.raises(SrganError, match="hash is wrong"):
        downloads.get("imagenette", tmp_path)
    assert files_below(tmp_path) == []


def test_torchvision_has_the_catalogues_imagenette():
    from torchvision.datasets import Imagenette

    row = downloads.catalogue()["Imagenette"]
    assert Imagenette._ARCHIVES["full"] == (row.url, row.md5)


def test_the_catalogue_is_sound():
    rows = downloads.catalogue()
    assert list(rows) == ["Set5", "Set14", "BSD100", "DIV2K", "DIV2K-valid", "Imagenette"]
    parts = [part for row in rows.values() for part in row.parts()]
    assert len(parts) == 238 and len({part[1] for part in parts}) == 238
    assert all(len(digest) == 64 and size > 0 for _, _, size, digest in parts)
    for row in rows.values():
        assert row.kind != "files" or row.bytes == sum(size for _, _, size, _ in row.parts())
        assert row.what and row.licence and row.origin


def test_unknown_names_get_the_nearest():
    with pytest.raises(SrganError, match="did you mean 'BSD100'"):
        downloads.get("bds100")
    with pytest.raises(SrganError, match="did you mean 'Set14'"):
        downloads.find("set-14")


def test_an_unwritable_place_is_one_line(tiny, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SrganError, match="cannot write Tiny to"):
        downloads.get("Tiny", tmp_path / "file")


def test_where_data_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SRGAN_DATA", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere/published/Set5").mkdir(parents=True)
    assert downloads.roots()[:2] == [Path("data"), tmp_path / "elsewhere"]
    assert downloads.download_root() == tmp_path / "elsewhere"
    assert downloads.find("published/Set5") == tmp_path / "elsewhere/published/Set5"
    (tmp_path / "data/published/Set5").mkdir(parents=True)
    assert downloads.find("published/Set5") == Path("data/published/Set5")
    assert downloads.find("vgg19") is None or downloads.find("vgg19").exists()
    monkeypatch.delenv("SRGAN_DATA")
    assert downloads.download_root() == Path("data")

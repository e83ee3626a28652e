"""The Sphinx extension that fetches the book's scripts and fonts, against a registry of our own."""

import base64
import dataclasses
import hashlib
import http.server
import io
import tarfile
import threading
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install -e '.[book]'")
import vendored


def tarball(files):
    """An npm package as bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


GOOD = tarball({"dist/small.js": b"1;", "dist/other.js": b"2;", "LICENSE": b"free"})


def package(content=GOOD, files=("dist/small.js", "LICENSE")):
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    return vendored.Package("@scope/thing", "1.2.3", integrity, files, "nothing moves")


@pytest.fixture
def registry():
    """A registry on this machine: ``pages`` maps a path to bytes, ``asked`` lists the requests."""
    pages, asked = {"/@scope/thing/-/thing-1.2.3.tgz": GOOD}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = pages.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.pages, server.asked = pages, asked
    server.address = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


def test_good_package_is_copied_in_part_and_cached(registry, tmp_path):
    for target in (tmp_path / "first", tmp_path / "second"):
        assert vendored.collect(target, registry.address, tmp_path / "cache", [package()]) == {}
        written = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
        assert written == {"@scope/thing/dist/small.js", "@scope/thing/LICENSE"}
    assert len(registry.asked) == 1


def test_corrupt_package_is_refused(registry, tmp_path):
    registry.pages["/@scope/thing/-/thing-1.2.3.tgz"] = tarball({"dist/small.js": b"evil"})
    missing = vendored.collect(tmp_path / "site", registry.address, tmp_path / "cache", [package()])
    assert list(missing) == [package()] and "hash" in missing[package()]
    assert not (tmp_path / "site").exists()


def test_damaged_cache_is_fetched_again(registry, tmp_path):
    vendored.collect(tmp_path / "first", registry.address, tmp_path / "cache", [package()])
    (tmp_path / "cache/npm/thing-1.2.3.tgz").write_bytes(GOOD[: len(GOOD) // 2])
    assert vendored.collect(tmp_path / "second", registry.address, tmp_path / "cache", [package()]) == {}
    assert (tmp_path / "second/@scope/thing/dist/small.js").read_bytes() == b"1;"


def test_absent_package_is_named(registry, tmp_path):
    registry.pages.clear()
    missing = vendored.collect(tmp_path / "site", registry.address, tmp_path / "cache", [package()])
    assert "404" in missing[package()] and "\n" not in missing[package()]


def test_silent_registry_is_asked_once(registry, tmp_path):
    registry.shutdown()
    registry.server_close()
    other = dataclasses.replace(package(), version="2.0.0")
    missing = vendored.collect(tmp_path / "site", registry.address, tmp_path / "cache", [package(), other])
    assert set(missing.values()) == {"the registry does not answer"} and len(missing) == 2


def test_registry_address_as_npm_would_find_it(monkeypatch, tmp_path):
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    monkeypatch.delenv("npm_config_registry", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert vendored.registry_address() == "https://registry.npmjs.org"
    (tmp_path / ".npmrc").write_text(
        "; a comment\nfund=false\nregistry=https://mirror.example/npm/\n//mirror.example/:_authToken=x\n"
    )
    assert vendored.registry_address() == "https://mirror.example/npm"
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://localhost:4873/")
    assert vendored.registry_address() == "http://localhost:4873"


@pytest.mark.parametrize("each", vendored.PACKAGES, ids=lambda each: each.name)
def test_pins_are_complete(each):
    algorithm, digest = each.known_hash.split(":")
    assert algorithm == "sha512" and len(digest) == 128
    assert each.version.count(".") == 2 and each.without_it

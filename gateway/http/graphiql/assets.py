"""The built page, read once from its archive and kept compressed."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import PurePosixPath
from types import MappingProxyType
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".ttf": "font/ttf",
}

# RFC 1952 §2.3: magic, deflate, no flags, no time, slowest compression, unknown system.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page. The build puts a hash of its content into the names in `assets/`."""

    content_type: str
    gzipped: bytes
    hashed_name: bool

    def plain(self) -> bytes:
        return zlib.decompress(self.gzipped, wbits=zlib.MAX_WBITS | 16)


@cache
def page_assets() -> Mapping[str, Asset]:
    """The files of `page.zip` by their path in it; the page itself is `index.html`."""
    return read_assets(files(__package__).joinpath("page.zip").read_bytes())


def read_assets(archive: bytes) -> Mapping[str, Asset]:
    with ZipFile(BytesIO(archive)) as entries:
        return MappingProxyType({e.filename: _asset(archive, e) for e in entries.infolist()})


def _asset(archive: bytes, entry: ZipInfo) -> Asset:
    return Asset(
        content_type=CONTENT_TYPES[PurePosixPath(entry.filename).suffix],
        gzipped=_gzipped(archive, entry),
        hashed_name=entry.filename.startswith("assets/"),
    )


def _gzipped(archive: bytes, entry: ZipInfo) -> bytes:
    """Zip and gzip hold the same deflate stream: only the header and the trailer change.

    The stream starts after the entry's local header, 30 bytes and two fields whose lengths it
    tells: APPNOTE.TXT §4.3.7.
    """
    if entry.compress_type != ZIP_DEFLATED:
        raise AssertionError(f"{entry.filename} is not deflated; pack.py deflates every file")
    name_length, extra_length = struct.unpack_from("<HH", archive, entry.header_offset + 26)
    start = entry.header_offset + 30 + name_length + extra_length
    deflated = archive[start : start + entry.compress_size]
    return _GZIP_HEADER + deflated + struct.pack("<LL", entry.CRC, entry.file_size)

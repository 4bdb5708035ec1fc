"""Packs the built page: `python pack.py DIST ARCHIVE`.

The archive depends on the files alone: their order, times and modes are fixed.
"""

import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo


def pack(folder: Path, archive: Path) -> None:
    """Write every file under `folder` into `archive`, deflated."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    with ZipFile(archive, "w") as entries:
        for path in paths:
            entry = ZipInfo(path.relative_to(folder).as_posix())
            entry.compress_type = ZIP_DEFLATED
            entries.writestr(entry, path.read_bytes(), compresslevel=9)


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]))

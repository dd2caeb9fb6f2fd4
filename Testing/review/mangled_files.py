"""Files of other programs that are damaged at random: each is read, or is a sentence."""

from __future__ import annotations

import random

from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.review.verdicts import verdict_folder
from SoftCordSegLib.workflows.review.review_exchange import (
    FORMATS,
    ExportOptions,
    ImportOptions,
    export_verdicts,
    import_verdicts,
)

_PIECES = (
    *(b"null", b"[]", b"{}", b"1e999", b"NaN", b"-1", b'"\\ud800"', b"\0", b"\xff\xfe", b"true"),
    *(b"*", b"&a", b"*a", b"sub-*", b"..", b"{'a'}", b'"', b"'", b",", b"\t", b"\n", b"\r", b":"),
    *(b"9" * 400, b"[" * 200, b"=cmd|x", "日本".encode(), b"sub-01_T2w", b"\x1b[31m"),
)


def exported_files(root, folder):
    """One file of each format: (format, name, bytes)."""
    found = []
    for name in FORMATS:
        paths = export_verdicts(root, folder / name, ExportOptions(name)).paths
        found += [(name, one.name, one.read_bytes()) for one in paths if one.name != "mapping.csv"]
    return found


def read_mangled(root, folder, files, seed, count):
    """Read so many damaged files, and write into them where their format is updated.

    Returns:
        How many were read, and how many refused by a sentence; anything else is raised.
    """
    rng = random.Random(seed)
    read = refused = 0
    for _ in range(count):
        kind, name, data = rng.choice(files)
        mangled = bytearray(data)
        for _ in range(rng.randint(1, 6)):
            start = rng.randrange(len(mangled) + 1)
            end = min(len(mangled), start + rng.choice([0, 0, 1, 3, 20, 80]))
            mangled[start:end] = rng.choice(_PIECES)
        path = folder / name
        path.write_bytes(bytes(mangled))
        try:
            import_verdicts(root, path, ImportOptions(rng.choice(["", kind]), "Rater of these"))
            if FORMATS[kind].is_updated:
                export_verdicts(root, folder / "out", ExportOptions(kind, "Anna", base=path))
            read += 1
        except SoftCordSegError as error:
            refused += bool(error.sentence)
        for lines in verdict_folder(root).glob("rater-of-these*"):
            lines.unlink()
    return read, refused

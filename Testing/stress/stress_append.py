"""Six processes add to one table, for twenty rounds each: no row is lost."""

from __future__ import annotations

import os
import subprocess
import sys

from cli.fakes import a_neck, rows_of
from SoftCordSegLib.volume import write_nifti
from stress.tally import LEFT, LOST, TRACEBACK, tally

PROCESSES, ROUNDS = 6, 20
PROGRAM = (
    "import sys; from SoftCordSegLib.cli.app import main\n"
    "name = sys.argv.pop()\n"
    f"for turn in range({ROUNDS}):\n"
    "    sys.argv[2] = f'{name}_{turn}.nii.gz'\n"
    "    try: main()\n"
    "    except SystemExit as end: assert not end.code, end.code\n"
)


def test_processes_that_add_to_one_table_lose_no_row(tmp_path, repository):
    counted = tally("six processes, one table")
    neck = a_neck(slices=8)
    mask = tmp_path / "mask.nii.gz"
    write_nifti(neck.with_data(neck.data / 1000), mask)
    names = [str(tmp_path / f"{letter}_{turn}.nii.gz") for letter in "abcdef" for turn in range(20)]
    for name in names:
        os.link(mask, name)
    table = tmp_path / "csa.csv"
    command = [sys.executable, "-c", PROGRAM, "csa", "", "--append", "-z", "2:5", "-o", str(table)]
    environment = {**os.environ, "PYTHONPATH": str(repository / "SoftCordSeg")}
    running = [
        subprocess.Popen(
            [*command, str(tmp_path / letter)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        for letter in "abcdef"[:PROCESSES]
    ]
    for process in running:
        said = process.communicate()[1]
        if process.returncode:
            counted.add(TRACEBACK, "append", said)

    found = [row["Filename"] for row in rows_of(table)]
    for name in names:
        if found.count(name) == 1:
            counted.add("accepted")
        else:
            counted.add(LOST, name, f"{found.count(name)} rows")
    for path in tmp_path.iterdir():
        if path != table and not path.name.endswith(".nii.gz"):
            counted.add(LEFT, path.name)
    counted.check()

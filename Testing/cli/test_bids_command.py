"""``softcord bids``: the words of a BIDS App, exit codes, JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cli.fakes import names_in
from SoftCordSegLib.cli.app import app
from SoftCordSegLib.cli.bids_app_words import our_words
from workflows.data_sets import stand_in, write_neck


def softcord(*words):
    with stand_in():
        return CliRunner().invoke(app, ["bids", *map(str, words)])


@pytest.fixture
def data(tmp_path):
    root = tmp_path / "data"
    for name in ("sub-01_T2w", "sub-02_T2w", "sub-02_ses-1_PDw"):
        write_neck(root, name)
    return root


def test_several_words_after_one_option():
    words = "IN OUT participant --participant-label 01 02 -w W --session_label=1,2 --n_cpus 3"
    assert (
        our_words(words.split())
        == (
            "IN OUT participant --participant-label 01 --participant-label 02 -w W"
            " --session-label 1 --session-label 2 --nprocs 3"
        ).split()
    )


def test_as_babs_and_nipoppy_call_it(data, tmp_path):
    out = tmp_path / "out"
    done = softcord(
        *(data, out, "participant", "--participant-label", "01", "02", "-w", tmp_path / "w"),
        *("--skip-bids-validation", "--nprocs", 1, "--no-csa", "--json"),
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["done"] == 2
    assert "sub-02_T2w_label-SC_softseg.nii.gz" in names_in(out / "sub-02/anat")
    assert not (tmp_path / "w").exists()
    description = json.loads((out / "dataset_description.json").read_text(encoding="utf-8"))
    assert description["DatasetType"] == "derivative"
    assert description["DatasetLinks"] == {"raw": "../data"}
    more = softcord(data, out, "participant", "--suffixes", "PDw", "--no-csa", "--json")
    assert json.loads(more.stdout)["done"] == 1


def test_exit_codes(data, tmp_path):
    out = tmp_path / "out"
    (data / "sub-02/anat/sub-02_T1w.nii.gz").write_bytes(b"no image")
    words = (data, out, "participant", "--participant-label", "02", "--no-csa")
    first = softcord(*words)
    assert first.exit_code == 1
    assert "sub-02/anat/sub-02_T1w: " in first.stderr
    assert softcord(*words, "--keep-going").exit_code == 0
    assert softcord(data, data, "participant").exit_code == 2
    assert softcord(data, out, "participant", "--participant-label", "77").exit_code == 2
    assert softcord(data, out, "participant", "--shard", "5/3").exit_code == 2
    assert softcord(data, tmp_path / "nothing", "group").exit_code == 1


def test_a_data_set_with_a_name_in_it_is_refused_where_that_is_checked(data, tmp_path):
    words = (data, tmp_path / "out", "participant", "--no-csa", "--deidentify-check")
    assert softcord(*words).exit_code == 0
    (data / "sub-01/anat/sub-01_T2w.json").write_text(
        '{"PatientName": "Canary^Carla"}', encoding="utf-8"
    )
    refused = softcord(*words)
    assert refused.exit_code == 1
    assert "sub-01_T2w.json" in refused.stderr
    assert "Canary" not in refused.output


def test_shards_share_the_work_and_leave_nothing(data, tmp_path):
    out = tmp_path / "out"
    found = [
        json.loads(
            softcord(
                data, out, "participant", "--suffixes", "all", "--no-csa", "--json", "--shard", one
            ).stdout
        )["done"]
        for one in ("1/2", "2/2")
    ]
    assert sum(found) == 3


def test_group_says_what_it_made(data, tmp_path):
    out = tmp_path / "out"
    softcord(data, out, "participant")
    done = softcord(data, out, "group", "--no-qc", "--json")
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert content["images"] == {"measured": 2}
    assert names_in(out)[:3] == ["csa_group.tsv", "dataset_description.json", "derivatives"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_run_that_is_stopped_goes_on_where_it_was(data, tmp_path, name, repository):
    program = (
        "import os, signal, sys\nfrom cli.fakes import engine, soft_from_brightness\n"
        "from SoftCordSegLib.cli.app import main\n"
        "seen = []\n"
        "def interrupted(image, bundle, **options):\n"
        "    seen.append(1)\n"
        f"    if len(seen) == 2: os.kill(os.getpid(), signal.{name})\n"
        "    return soft_from_brightness(image, bundle, **options)\n"
        "with engine(interrupted): main()\n"
    )
    paths = os.pathsep.join(str(repository / part) for part in ("SoftCordSeg", "Testing"))
    words = ["bids", str(data), str(tmp_path / "out"), "participant", "--suffixes", "all"]
    answer = subprocess.run(
        [sys.executable, "-c", program, *words, "--json"],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        encoding="utf-8",
    )
    assert answer.returncode == 130, answer.stderr
    assert (tmp_path / "out/sub-01/anat/sub-01_T2w_csa.csv").is_file()
    log = next((tmp_path / "out/logs").glob("*.tsv")).read_text(encoding="utf-8").splitlines()
    assert log[-1].endswith("1 done, 0 done before or by another run, 0 failed, 2 left")
    assert [p for p in (tmp_path / "out").rglob("*") if ".softcord" in p.name] == []
    done = softcord(*words[1:], "--json")
    assert json.loads(done.stdout)["done"] == 2

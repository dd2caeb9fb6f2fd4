"""The script for a GPU that is at hand for minutes: on the CPU, small, with nothing but PyTorch and
NumPy, SciPy, safetensors.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from SoftCordSegLib.training.packed import write_packed
from SoftCordSegLib.training.trainer.run_state import load_state
from training.generator.made_packed import made_packed
from training.trainer.bright_tubes import packed_tubes, plan

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def run(*command: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        encoding="utf-8",
    )


@pytest.fixture
def plan_file(tmp_path):
    training = {"plan": plan(learning_rate=1e-3).to_json(), "recipe": {"kind": "plain"}}
    path = tmp_path / "plan.json"
    path.write_text(
        json.dumps(
            {"name": "tubes", "trainings": {"segmenter": training}, "order": [["segmenter", None]]}
        ),
        encoding="utf-8",
    )
    return path


def test_two_sessions_with_the_generator_go_on_and_leave_little(tmp_path):
    packed = tmp_path / "training.npz"
    write_packed(packed, made_packed())

    answer = run(
        str(RECIPES / "rehearse.py"), "--packed", str(packed), "--minutes", "0.1", "--threads", "1"
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "The rehearsal passed." in answer.stdout
    assert "goes on from step" in answer.stdout
    assert "to travel: tree" in answer.stdout


def test_nothing_else_can_be_imported_there(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import importlib, torch, numpy, scipy.ndimage, safetensors.torch\nprint('so far')\nfor"
        " name in ('nibabel', 'monai', 'lightning', 'matplotlib', 'rich'):\n    try:\n       "
        " importlib.import_module(name)\n    except ModuleNotFoundError:\n        print('no',"
        " name)\n",
        encoding="utf-8",
    )

    answer = run(str(RECIPES / "rehearse.py"), "--alone", str(script))

    assert answer.stdout.split("\n")[:6] == [
        "so far",
        "no nibabel",
        "no monai",
        "no lightning",
        "no matplotlib",
        "no rich",
    ]


def test_the_state_that_is_left_is_that_of_the_training(tmp_path, plan_file):
    packed = packed_tubes(tmp_path / "training.npz")
    content = json.loads(plan_file.read_text(encoding="utf-8"))
    content["trainings"]["segmenter"]["recipe"] = {"kind": "plain", "patch": [16, 16, 16]}
    plan_file.write_text(json.dumps(content), encoding="utf-8")
    files = [
        "--packed",
        str(packed),
        "--plan",
        str(plan_file),
        "--out",
        str(tmp_path / "out"),
        "--batch",
        "8",
    ]

    answer = run(
        str(RECIPES / "gpu_minutes.py"),
        *files,
        "--minutes",
        "0.05",
        "--threads",
        "1",
        "--device",
        "cpu",
    )

    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout.rstrip().rpartition("\n")[2])
    state = load_state(tmp_path / "out")
    assert (state.step, state.patches) == (said["steps"], said["patches"])
    assert state.patches == 8 * state.step > 0
    # Four times the batch: twice the rate; and the average forgets as much a patch as before.
    assert state.plan["learning_rate"] == pytest.approx(2e-3)
    assert state.plan["averaging"] == pytest.approx(0.9**4)
    assert said["patches_a_second"] > 0
    assert len(said["files"]) <= 8


def test_what_is_missing_is_said(tmp_path):
    answer = run(str(RECIPES / "rehearse.py"), "--packed", str(tmp_path / "none.npz"))

    assert answer.returncode == 1
    assert "make -C recipes pack" in answer.stderr

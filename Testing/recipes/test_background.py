"""The training in the background starts once, waits for quiet, stops, survives a kill, and needs
nothing of the checkout.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.processes import is_locked, kill, shared_lock
from SoftCordSegLib.training.trainer.run_description import LongRun
from SoftCordSegLib.training.trainer.run_state import HalfStates, last_step, load_state
from SoftCordSegLib.training.trainer.trainer import Pace, Trainer
from training.trainer.bright_tubes import BrightTubes, packed_tubes, plan

REPOSITORY = Path(__file__).resolve().parents[2]
# Generous, as the training has the lowest priority and the machine may be busy.
LIMIT_S = 600


def wait_for(what: Callable[[], object], folder: Path) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not what():
        output = folder / "output.txt"
        assert time.monotonic() < deadline, (
            output.read_text(encoding="utf-8") if output.is_file() else "nothing was started"
        )
        time.sleep(0.05)


class Background:
    """A plan of tubes, in a state folder of its own."""

    def __init__(self, folder: Path, steps: int | None = None):
        self.folder, self.run = folder, folder / "runs" / "tubes"
        self.packed = packed_tubes(folder / "training.npz")
        self.plan = folder / "plan.json"
        self.write_plan(steps)

    def write_plan(self, steps: int | None = None, **changes: object) -> None:
        training = {
            "plan": plan(**changes).to_json(),
            "recipe": {"kind": "plain", "patch": [16, 16, 16]},
        }
        content = {
            "name": "tubes",
            "trainings": {"segmenter": training},
            "order": [["segmenter", steps]],
        }
        self.plan.write_text(
            json.dumps({**content, "validate_steps": 20, "log_minutes": 0.005}), encoding="utf-8"
        )

    def environment(self) -> dict[str, str]:
        paths = str(REPOSITORY / "SoftCordSeg")
        return {
            **os.environ,
            "PYTHONPATH": paths,
            "SOFTCORDSEG_RUNS": str(self.folder / "runs"),
            "OMP_NUM_THREADS": "1",
        }

    def __call__(
        self, *arguments: str, recipes: Path = REPOSITORY / "recipes"
    ) -> subprocess.CompletedProcess:
        files = [
            "--plan",
            str(self.plan),
            "--packed",
            str(self.packed),
            "--development",
            str(self.packed),
            "--threads",
            "1",
        ]
        command = [sys.executable, str(recipes / "background.py"), *arguments, *files]
        return subprocess.run(
            command,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            encoding="utf-8",
        )

    def step(self) -> int:
        found = re.findall(r"step (\d+), \d+ patches", self.log())
        return int(found[-1]) if found else -1

    def log(self) -> str:
        path = self.run / "log.txt"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def process(self) -> int:
        return int(re.findall(r"started, process (\d+)", self.log())[-1])


@pytest.fixture
def background(tmp_path):
    one = Background(tmp_path)
    yield one
    if is_locked(one.run / "run.lock"):
        kill(one.process())


def test_it_trains_is_one_run_and_stops_and_keeps_its_plan_until_another_is_asked_for(background):
    answer = background("on")
    assert answer.returncode == 0, answer.stderr
    wait_for(lambda: background.step() > 25, background.run)
    process = background.process()

    again = background("on")
    assert again.returncode == 0
    assert "is going" in again.stdout
    assert background.process() == process
    assert background("status").stdout.count("is going") == 1

    assert background("off").returncode == 0
    assert not is_locked(background.run / "run.lock")
    state = load_state(background.run / "trainings" / "segmenter")
    assert state.step >= background.step() > 25
    assert "not going" in background("status").stdout
    page = (background.run / "page.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert "http:" not in page
    assert "https:" not in page
    assert "src=" not in page

    background.write_plan(learning_rate=1e-4)
    answer = background("on")
    assert "the plan has changed" in answer.stdout
    background("off")
    assert load_state(background.run / "trainings" / "segmenter").plan["learning_rate"] == 5e-3
    background("on", "--renew")
    wait_for(lambda: background.step() > state.step + 5, background.run)
    background("off")
    state = load_state(background.run / "trainings" / "segmenter")
    assert state.plan["learning_rate"] == 1e-4
    assert state.history["changes"][0]["settings"] == ["learning_rate"]
    assert len(list(background.run.glob("snapshot-*"))) == 1


def test_it_waits_while_somebody_wants_quiet_and_uses_no_processor(background):
    background("on")
    wait_for(lambda: background.step() > 5, background.run)
    with shared_lock(background.folder / "runs" / "quiet.lock"):
        wait_for(lambda: background.log().rstrip().endswith("paused"), background.run)
        step = background.step()
        before = used(background.process())
        time.sleep(1)
        assert used(background.process()) - before < 0.1
        assert background.step() == step
    wait_for(lambda: background.step() > step + 5, background.run)
    with shared_lock(background.folder / "runs" / "quiet.lock"):
        wait_for(lambda: background.log().rstrip().endswith("paused"), background.run)
        # It also stops while it waits.
        assert background("off").returncode == 0
    assert last_step(background.run / "trainings" / "segmenter") > step


def test_after_a_kill_it_goes_on_from_another_checkout_and_needs_nothing_of_the_first(
    background, tmp_path
):
    checkout = tmp_path / "checkout"
    without = shutil.ignore_patterns("__pycache__", "work")
    shutil.copytree(REPOSITORY / "SoftCordSeg", checkout / "SoftCordSeg", ignore=without)
    shutil.copytree(REPOSITORY / "recipes", checkout / "recipes", ignore=without)
    background("on", recipes=checkout / "recipes")
    wait_for(lambda: background.step() > 5, background.run)
    shutil.rmtree(checkout)
    background.packed.unlink()
    step = background.step()
    wait_for(lambda: background.step() > step + 20, background.run)
    # A first state, which otherwise comes after some minutes.
    background("off")
    background("on")
    saved = last_step(background.run / "trainings" / "segmenter")
    wait_for(lambda: background.step() > saved + 5, background.run)

    kill(background.process())
    wait_for(lambda: not is_locked(background.run / "run.lock"), background.run)
    assert background("on").returncode == 0

    wait_for(
        lambda: (
            background.log().count("started") == 3 and f"from step {saved}," in background.log()
        ),
        background.run,
    )
    wait_for(lambda: background.step() > saved + 5, background.run)
    assert background("off").returncode == 0


def test_a_run_of_so_many_steps_ends(tmp_path):
    background = Background(tmp_path, steps=30)
    background("on")
    wait_for(lambda: "finished" in background.log(), background.run)

    assert last_step(background.run / "trainings" / "segmenter") == 30


@pytest.mark.parametrize("place", ["base", "training"])
def test_what_it_begins_with_lies_beside_its_plan(tmp_path, place):
    """Said of one training or of all, by a path that holds wherever the training runs."""
    background = Background(tmp_path, steps=5)
    Trainer(tmp_path / "elsewhere", plan(), BrightTubes()).run(steps=3, pace=Pace())
    content = json.loads(background.plan.read_text(encoding="utf-8"))
    holder = content if place == "base" else content["trainings"]
    holder.setdefault("base" if place == "base" else "segmenter", {})["start"] = {
        "run": "elsewhere"
    }
    background.plan.write_text(json.dumps(content), encoding="utf-8")
    background("on")
    wait_for(lambda: re.search("finished|error", background.log()), background.run)

    assert "error" not in background.log()
    assert load_state(background.run / "trainings" / "segmenter").origin["run"]["step"] == 3


def test_a_bundle_beside_the_plan_is_found_from_any_folder(tmp_path):
    """As where a GPU is at hand for minutes, and there is no snapshot."""
    background = Background(tmp_path)
    content = json.loads(background.plan.read_text(encoding="utf-8"))
    content["base"] = {"start": {"bundle": "kept"}}
    background.plan.write_text(json.dumps(content), encoding="utf-8")
    (by_name,) = LongRun.read(background.plan).trainings.values()
    (tmp_path / "kept").mkdir()
    (beside,) = LongRun.read(background.plan).trainings.values()

    assert by_name.start.bundle == "kept"
    assert beside.start.bundle == str(tmp_path / "kept")


def test_a_state_from_elsewhere_is_taken_if_it_has_seen_more(background, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    state = Trainer(HalfStates(elsewhere), plan(), BrightTubes()).run(
        steps=3, pace=Pace(validate_steps=None)
    )

    assert background("take", str(elsewhere)).returncode == 0
    assert load_state(background.run / "trainings" / "segmenter").patches == state.patches
    again = background("take", str(elsewhere))
    assert again.returncode == 1
    assert "Keep the one here" in again.stderr


def test_the_bundle_is_measured_by_a_process_of_its_own(background, tmp_path):
    checkout = tmp_path / "checkout"
    without = shutil.ignore_patterns("__pycache__", "work")
    shutil.copytree(REPOSITORY / "SoftCordSeg", checkout / "SoftCordSeg", ignore=without)
    shutil.copytree(REPOSITORY / "recipes", checkout / "recipes", ignore=without)
    (checkout / "recipes" / "development.csv").write_text("image\n", encoding="utf-8")
    # As measure_bundles.py: list, bundles, --root, --json, --cache.
    (checkout / "recipes" / "measure_bundles.py").write_text(
        "import argparse, pathlib, os\nparser ="
        " argparse.ArgumentParser()\nparser.add_argument('cases'); parser.add_argument('bundles',"
        " nargs='*')\nparser.add_argument('--root'); parser.add_argument('--json',"
        " type=pathlib.Path); parser.add_argument('--cache')\noptions ="
        " parser.parse_intermixed_args()\nfrom SoftCordSegLib.network import"
        " load_bundle\noptions.json.write_text('{}')\nprint('measured',"
        " load_bundle(options.bundles[1]).name)\n",
        encoding="utf-8",
    )
    # As soft_edge.py: bundle, new bundle, --data.
    (checkout / "recipes" / "soft_edge.py").write_text(
        "import pathlib, shutil, sys\nshutil.copytree(sys.argv[1], sys.argv[2])\n"
        "pathlib.Path(sys.argv[2], 'spread').touch()\n",
        encoding="utf-8",
    )
    content = json.loads(background.plan.read_text(encoding="utf-8"))
    background.plan.write_text(json.dumps({**content, "measure_minutes": 0.01}), encoding="utf-8")

    background("on", "--data", str(tmp_path), recipes=checkout / "recipes")
    wait_for(lambda: (background.run / "measures" / "last.txt").is_file(), background.run)
    step = background.step()
    wait_for(lambda: background.step() > step, background.run)
    background("off", recipes=checkout / "recipes")

    text = (background.run / "measures" / "last.txt").read_text(encoding="utf-8")
    # The first is the parent, which it has to be better than.
    assert re.search(r"measured SoftCordSeg tubes step \d+", text)
    assert load_bundle(background.run / "bundle").segmenter.features == (4, 8)
    assert (background.run / "bundle" / "spread").is_file()
    assert list((background.run / "measures").glob("segmenter-*.json"))


def quiet(*command: str, runs: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "SOFTCORDSEG_RUNS": str(runs)}
    script = [sys.executable, str(REPOSITORY / "recipes" / "quiet.py")]
    return subprocess.run(
        [*script, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )


def test_quiet_holds_the_lock_while_a_command_runs_and_passes_its_code_on(tmp_path):
    program = (
        f"import sys; sys.path.insert(0, {str(REPOSITORY / 'SoftCordSeg')!r}); from"
        " SoftCordSegLib.processes import is_locked;"
        f" print(is_locked({str(tmp_path / 'runs' / 'quiet.lock')!r})); sys.exit(7)"
    )

    answer = quiet(sys.executable, "-c", program, runs=tmp_path / "runs")

    assert answer.stdout.strip() == "True"
    assert answer.returncode == 7
    assert not is_locked(tmp_path / "runs" / "quiet.lock")


def test_quiet_runs_the_command_where_no_lock_can_be(tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")

    answer = quiet(sys.executable, "-c", "print('done')", runs=tmp_path / "file" / "runs")

    assert (answer.returncode, answer.stdout.strip()) == (0, "done")


def test_quiet_says_what_cannot_be_run(tmp_path):
    assert quiet("no-such-command-here", runs=tmp_path).returncode == 127
    assert quiet(runs=tmp_path).returncode == 2


def used(process: int) -> float:
    """Seconds of the processor that a process has used."""
    path = Path(f"/proc/{process}/stat")
    if not path.is_file():
        pytest.skip("this system does not say how much processor time another process used")
    fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

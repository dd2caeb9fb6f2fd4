"""The process that trains in the background; started by background.py, from the snapshot of a run.

python background_run.py FOLDER
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from background_page import write_page
from quiet import LOCK

from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.files import write_text_atomically
from SoftCordSegLib.processes import cores, is_locked, lowest_priority, take_lock
from SoftCordSegLib.training.trainer.run_description import LongRun, read_json
from SoftCordSegLib.training.trainer.run_state import RunState, last_step

if TYPE_CHECKING:
    from SoftCordSegLib.training.trainer.trainer import Trainer

HERE = Path(__file__).resolve().parent
# How often the lock is looked at while it is held.
_POLL_S = 0.5


class Log:
    """A file of one line a minute."""

    def __init__(self, path: Path):
        self._path = path

    def __call__(self, text: str) -> None:
        """Add a line with the time."""
        # A full disk must not end the training for a line.
        with contextlib.suppress(OSError), open(self._path, "a", encoding="utf-8") as stream:
            stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}\n")


class Watch:
    """Looks, before each step, whether to stop, to wait or to measure; writes the log and the page.

    Args:
        folder: of the run.
        log: of the run.
        measure: called when it is time to; returns False where it was interrupted and is to be
            tried again.
        measure_minutes: between measurements; 0 for none.
        minute: seconds between lines of the log.
    """

    def __init__(
        self,
        folder: Path,
        log: Log,
        measure: Callable[[], bool],
        measure_minutes: float,
        minute: float = 60.0,
    ):
        self._folder, self._log, self._measure, self._minute = folder, log, measure, minute
        self._every = measure_minutes * 60
        self._told = self._measured = time.monotonic()
        self._paused = 0.0
        self.trainer: Trainer | None = None

    def stopping(self) -> bool:
        """Whether somebody asked to stop."""
        return (self._folder / "stop").exists()

    def quiet(self) -> bool:
        """Whether somebody holds the lock."""
        return is_locked(self._folder.parent / LOCK)

    def before_step(self) -> bool:
        """Wait while the lock is held; False to stop."""
        while not self.stopping():
            if not self.quiet():
                if (
                    self._every
                    and time.monotonic() - self._measured >= self._every
                    and self.trainer is not None
                ):
                    if self._measure():
                        self._measured = time.monotonic()
                    continue
                return True
            time.sleep(_POLL_S)
            self._paused += _POLL_S
            if time.monotonic() - self._told >= self._minute:
                self._tell("paused")
        return False

    def after_step(self, trainer: Trainer) -> None:
        """A line, where a minute has passed."""
        if time.monotonic() - self._told >= self._minute:
            self._tell(f"paused {self._paused:.0f} s" if self._paused else "")
            self._paused = 0.0

    def _tell(self, more: str) -> None:
        self._told = time.monotonic()
        if self.trainer is None:
            self._log(more)
            return
        self._log(", ".join(part for part in (line(self.trainer), more) if part))
        with contextlib.suppress(SoftCordSegError):
            write_page(self._folder, self.trainer.plan.stage, self.trainer.state_head())


def line(trainer: Trainer) -> str:
    """What a training is at, in one line."""
    loss = trainer.curve.recent(100)
    parts = [f"{trainer.plan.stage} step {trainer.step}", f"{trainer.patches} patches"]
    if loss is not None:
        parts.append(f"loss {loss:.5f}")
    if trainer.validations:
        last = trainer.validations[-1]
        mean = last["mean"]
        parts.append(
            f"soft Dice {mean['soft_dice']:.4f}, volume {mean['volume']:.3f} (step {last['step']})"
        )
    return ", ".join(parts)


def main(folder: Path) -> int:
    """Train until somebody asks to stop."""
    # Before PyTorch starts its threads.
    lowest_priority()
    lock = take_lock(folder / "run.lock")
    if lock is None:
        print("Another process trains here.")
        return 3
    log = Log(folder / "log.txt")
    with lock:
        log(f"started, process {os.getpid()}")
        try:
            done = train(folder, log)
        except SoftCordSegError as error:
            log(f"error: {error}")
            print(error, file=sys.stderr, flush=True)
            return 1
        except BaseException as error:
            log(f"ended by {type(error).__name__}: {error}")
            raise
        log("finished" if done else "stopped")
    return 0


def train(folder: Path, log: Log) -> bool:
    """All turns of the plan; False where somebody asked to stop."""
    import torch

    from SoftCordSegLib.processes import keep_freed_memory
    from SoftCordSegLib.training.trainer.run_description import open_training
    from SoftCordSegLib.training.trainer.trainer import Pace

    settings = read_json(folder / "settings.json")
    snapshot = folder / settings["snapshot"]
    run = LongRun.read(snapshot / "plan.json")
    keep_freed_memory()
    torch.set_num_threads(settings["threads"] or cores())
    development = snapshot / "work" / "development.npz"
    measures = bool(settings["data"]) and (snapshot / "recipes" / "measure_bundles.py").is_file()
    watch = Watch(
        folder,
        log,
        lambda: measure(folder, run, Path(settings["data"]), log, watch),
        run.measure_minutes if measures else 0,
        run.log_minutes * 60,
    )
    for turn in run.turns():
        own = folder / "trainings" / turn.name
        if turn.steps is not None and last_step(own) >= turn.steps:
            continue
        if not watch.before_step():
            return False
        trainer = open_training(
            turn,
            snapshot / "work" / "training.npz",
            development if development.is_file() else None,
            own,
            renew=True,
        )
        log(
            f"{turn.name} from step {trainer.step}, {trainer.learner.precision},"
            f" {torch.get_num_threads()} threads"
        )
        watch.trainer = trainer
        pace = Pace(validate_steps=run.validate_steps, validate_at_end=False)
        trainer.run(
            steps=turn.steps, pace=pace, before_step=watch.before_step, after_step=watch.after_step
        )
        if turn.steps is None or trainer.step < turn.steps:
            log(line(trainer))
            return False
    return True


def export(folder: Path, run: LongRun, current: RunState) -> Path:
    """The bundle of all trainings as they are."""
    from SoftCordSegLib.training.trainer.run_export import export_run

    states = {**run.states(folder), current.plan["stage"]: current}
    new = folder / "bundle.new"
    shutil.rmtree(new, ignore_errors=True)
    export_run(
        new,
        states,
        parent=run.parent,
        words={"name": f"SoftCordSeg {run.name}", "version": f"step {current.step}"},
    )
    return new


def measure(folder: Path, run: LongRun, data: Path, log: Log, watch: Watch) -> bool:
    """Measure the present bundle, its soft values spread (``soft_edge.py``), beside its parent on
    the development list, in processes of their own of the same low priority; it stays in
    ``bundle``.

    Training waits meanwhile: two that compute would only hold each other up.

    Returns:
        False where somebody asked to stop, or for quiet, before it was done.
    """
    state = watch.trainer.state()
    faint, spread, bundle = export(folder, run, state), folder / "bundle.spread", folder / "bundle"
    name = f"{state.plan['stage']}-{state.step:08d}"
    output, cache = folder / "measures", folder / "measure-masks"
    output.mkdir(exist_ok=True)
    begun = time.monotonic()
    shutil.rmtree(spread, ignore_errors=True)
    soft_edge = ["soft_edge.py", str(faint), str(spread), "--data", str(data)]
    code = _finished(soft_edge, output / "soft_edge.txt", watch)
    # The last one gives way when the new one is whole.
    if code == 0:
        shutil.rmtree(bundle, ignore_errors=True)
        os.replace(spread, bundle)
        lists = [str(HERE / "development.csv"), run.parent, str(bundle)]
        files = ["--root", str(data), "--json", str(output / f"{name}.json"), "--cache", str(cache)]
        code = _finished(["measure_bundles.py", *lists, *files], output / "printed.txt", watch)
    for one in (faint, spread, cache):
        shutil.rmtree(one, ignore_errors=True)
    if code is None:
        log("measurement interrupted")
        return False
    if code:
        log(f"measurement failed with exit code {code}")
        return True
    text = (output / "printed.txt").read_text(encoding="utf-8", errors="replace")
    write_text_atomically(output / f"{name}.txt", text)
    write_text_atomically(
        output / "last.txt",
        f"{state.plan['stage']} step {state.step}, {state.patches} patches\n\n{text}",
    )
    log(f"measured in {time.monotonic() - begun:.0f} s: measures/{name}.txt")
    return True


def _finished(script: list[str], printed: Path, watch: Watch) -> int | None:
    """The exit code of a script beside this one; None where it was ended, as somebody asked to
    stop or for quiet.
    """
    command = [sys.executable, str(HERE / script[0]), *script[1:]]
    environment = {**os.environ, "OMP_NUM_THREADS": str(cores())}
    with open(printed, "wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=subprocess.DEVNULL, env=environment
        )
        while process.poll() is None:
            time.sleep(_POLL_S)
            if watch.stopping() or watch.quiet():
                process.terminate()
                process.wait()
                return None
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

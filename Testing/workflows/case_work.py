"""What stands in for the work on a case, in processes of their own; the name of the case says what
happens.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from SoftCordSegLib.processes import kill
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.threads import thread_count
from SoftCordSegLib.workflows.data_set.data_set_case import STATUS_DONE, CaseJob, CaseResult

# A process that is waited for longer than this is not at work any more.
LONGEST_S = 30.0


def a_job(key: str, out: Path) -> CaseJob:
    """A case of that name; there is no image."""
    return CaseJob(key, out / f"{key}.nii.gz", out, out)


def work(job: CaseJob, progress: Progress) -> CaseResult:
    """Note the process in a file of the case's name, then do what the name says."""
    begun = job.out / f"{job.key}.begun"
    with open(begun, "a", encoding="ascii") as stream:
        stream.write(f"{os.getpid()} {thread_count()} {os.environ.get('OMP_NUM_THREADS')}\n")
    if "dies" in job.key:
        kill(os.getpid())
    if "breaks" in job.key:
        raise ValueError(f"no such thing in {job.image}")
    if "waits" in job.key and len(begun.read_text("ascii").splitlines()) == 1:
        wait_until(lambda: progress.check_cancelled())
    (job.out / f"{job.key}.done").write_text("", encoding="ascii")
    return CaseResult(job.key, STATUS_DONE, found=True, message="Spinal cord found.")


def wait_until(is_true) -> None:
    """Wait for what must come within seconds."""
    begin = time.monotonic()
    while not is_true():
        if time.monotonic() - begin > LONGEST_S:
            raise TimeoutError("nothing happened")
        time.sleep(0.02)


def processes_of(out: Path, key: str) -> list[int]:
    """The processes that began a case."""
    begun = out / f"{key}.begun"
    lines = begun.read_text("ascii").splitlines() if begun.exists() else []
    return [int(line.split()[0]) for line in lines]

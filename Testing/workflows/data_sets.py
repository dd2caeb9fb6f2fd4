"""A small data set of necks that a stand-in for the network segments."""

from __future__ import annotations

import contextlib

from cli.fakes import a_neck, engine, soft_from_brightness, write_points
from SoftCordSegLib.bids import ImageChoice
from SoftCordSegLib.volume import write_nifti
from SoftCordSegLib.workflows.data_set import data_set_case
from SoftCordSegLib.workflows.data_set.data_set_options import DataSetOptions
from SoftCordSegLib.workflows.data_set.data_set_plan import plan_data_set
from SoftCordSegLib.workflows.data_set.data_set_run import run_data_set

# Discs of a neck: values and voxels from above to below; levels C2 to C4 lie between them.
DISCS = {2: (19, 19, 28), 3: (19, 19, 20), 4: (19, 19, 12), 5: (19, 19, 4)}


@contextlib.contextmanager
def stand_in(segment=soft_from_brightness):
    """No network: the cord is where the image is bright."""
    data_set_case._opened.cache_clear()
    with engine(segment):
        yield
    data_set_case._opened.cache_clear()


def write_neck(dataset, name, *, radius_mm=4.0, discs=False):
    """An image of a participant, ``sub-01_ses-1_T2w``; with ``discs`` somebody marked them.

    Returns its path.
    """
    folder = dataset.joinpath(*[p for p in name.split("_") if p[:4] in ("sub-", "ses-")], "anat")
    path = folder / f"{name}.nii.gz"
    write_nifti(a_neck(radius_mm), path)
    if discs:
        labels = dataset / "derivatives" / "labels" / folder.relative_to(dataset)
        labels.mkdir(parents=True, exist_ok=True)
        write_points(labels / f"{name}_label-discs_dlabel.nii.gz", DISCS)
    return path


def participant(dataset, out, choice=None, runner=None, *, shard=None, should_stop=None, **options):
    """The participant level with the stand-in; plan and outcome."""
    with stand_in():
        plan = plan_data_set(
            dataset, out, DataSetOptions(**options), choice or ImageChoice(), shard=shard
        )
        outcome = run_data_set(plan, runner, should_stop=should_stop or (lambda: False))
    return plan, outcome

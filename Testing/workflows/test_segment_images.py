"""Segmenting a volume in memory and a file, with a stand-in for the network."""

from __future__ import annotations

import json

import pytest

from cli.fakes import A_BUNDLE, a_neck, engine, names_in, soft_from_brightness
from SoftCordSegLib.errors import OptionError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Box, write_nifti
from SoftCordSegLib.workflows.segment_images import (
    SegmentOptions,
    VolumeRequest,
    segment_file,
    segment_files,
    segment_volume,
    with_crop,
)


def test_a_volume_in_memory():
    neck = a_neck()
    box = Box.of_grid(neck.grid)
    with engine(soft_from_brightness):
        mask = segment_volume(VolumeRequest(neck, options=SegmentOptions(box=box)), Progress())
    assert mask.volume.grid.same_as(neck.grid)
    assert mask.box is box


def test_a_file_and_all_that_is_written_for_it(tmp_path):
    image = tmp_path / "in" / "scan.nii.gz"
    write_nifti(a_neck(), image)
    options = SegmentOptions(threshold=0.5, time=0)
    with engine(soft_from_brightness):
        done = segment_file(image, tmp_path / "out", A_BUNDLE, options, Progress())
    assert names_in(tmp_path / "out") == sorted(path.name for path in done.files.values())
    assert set(done.files) == {"mask", "sidecar", "binary"}
    assert done.found
    assert "single volume" in done.notes[0]
    assert "--" not in done.notes[0]
    record = json.loads(done.files["sidecar"].read_text())
    assert (record["Threshold"], "Command" in record) == (0.5, False)


def test_several_files_in_one_call(tmp_path):
    good, bad = tmp_path / "in" / "good.nii.gz", tmp_path / "in" / "bad.nii.gz"
    write_nifti(a_neck(), good)
    bad.write_text("no image")
    with engine(soft_from_brightness):
        done = segment_files([bad, good], tmp_path / "out", A_BUNDLE, SegmentOptions())
    assert [failure.item for failure in done.failures] == [bad]
    assert [one.image for one in done.results] == [good]
    with pytest.raises(OptionError, match="given twice"):
        segment_files([good, good], tmp_path / "out", A_BUNDLE, SegmentOptions())


def test_only_a_model_that_crops_takes_a_crop_size(tmp_path):
    assert with_crop(A_BUNDLE, None) is A_BUNDLE
    with pytest.raises(OptionError, match="does not crop"):
        with_crop(A_BUNDLE, (64, 192, -1))

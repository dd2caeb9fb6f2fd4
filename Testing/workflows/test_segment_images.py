"""Segmenting a volume in memory and a file, with a stand-in for the network."""

from __future__ import annotations

import json

import pytest

from cli.fakes import A_BUNDLE, a_neck, engine, names_in, soft_from_brightness
from SoftCordSegLib.errors import OptionError, OutputError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.review.doubt import DOUBT_VERSION, Doubt
from SoftCordSegLib.volume import Box, write_nifti
from SoftCordSegLib.workflows.review import review_doubt
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
    record = json.loads(done.files["sidecar"].read_text(encoding="utf-8"))
    assert (record["Threshold"], "Command" in record) == (0.5, False)
    assert Doubt.from_json(record["Doubt"]).version == DOUBT_VERSION


def test_a_binary_mask_of_a_run_before_can_be_written_again(tmp_path):
    """With a threshold, without, and with again; one that was changed meanwhile is kept."""
    image, out = tmp_path / "in" / "scan.nii.gz", tmp_path / "out"
    write_nifti(a_neck(), image)

    def run(threshold):
        options = SegmentOptions(threshold=threshold)
        return segment_file(image, out, A_BUNDLE, options, Progress()).files

    with engine(soft_from_brightness):
        binary = run(0.5)["binary"]
        run(None)
        run(0.5)
        binary.write_bytes(b"drawn")
        run(None)
        with pytest.raises(OutputError, match="not the one that its sidecar describes"):
            run(0.5)


def test_several_files_in_one_call(tmp_path):
    good, bad = tmp_path / "in" / "good.nii.gz", tmp_path / "in" / "bad.nii.gz"
    write_nifti(a_neck(), good)
    bad.write_text("no image", encoding="utf-8")
    with engine(soft_from_brightness):
        done = segment_files([bad, good], tmp_path / "out", A_BUNDLE, SegmentOptions())
    assert [failure.item for failure in done.failures] == [bad]
    assert [one.image for one in done.results] == [good]
    with pytest.raises(OptionError, match="given twice"):
        segment_files([good, good], tmp_path / "out", A_BUNDLE, SegmentOptions())


def test_several_files_are_as_one_by_one(tmp_path):
    images = [tmp_path / "in" / f"scan{number}.nii.gz" for number in range(3)]
    for number, image in enumerate(images):
        write_nifti(a_neck(3 + number), image)
    options = SegmentOptions(threshold=0.5)
    with engine(soft_from_brightness):
        together = segment_files(images, tmp_path / "together", A_BUNDLE, options)
        for image in images:
            segment_file(image, tmp_path / "alone", A_BUNDLE, options, Progress())
    assert [one.image for one in together.results] == images
    for one in together.results:
        for kind in ("mask", "binary"):
            alone = tmp_path / "alone" / one.files[kind].name
            assert alone.read_bytes() == one.files[kind].read_bytes()


@pytest.mark.parametrize("name", ["scan_label-SC_softseg", "scan_label-SC_seg"])
@pytest.mark.parametrize("sidecar", [None, '{"Author": "First Last"}', '{"Author":'])
def test_a_mask_that_no_program_is_known_to_have_made_stays(tmp_path, name, sidecar):
    image, drawn = tmp_path / "in" / "scan.nii.gz", tmp_path / "out" / f"{name}.nii.gz"
    write_nifti(a_neck(), image)
    write_nifti(a_neck(), drawn)
    if sidecar is not None:
        (tmp_path / "out" / f"{name}.json").write_text(sidecar, encoding="utf-8")
    before = drawn.read_bytes()
    with engine(soft_from_brightness), pytest.raises(OutputError, match="No sidecar") as caught:
        segment_file(image, drawn.parent, A_BUNDLE, SegmentOptions(threshold=0.5), Progress())
    assert caught.value.path == drawn
    assert drawn.read_bytes() == before


def test_a_result_of_an_earlier_run_is_replaced(tmp_path):
    image = tmp_path / "in" / "scan.nii.gz"
    write_nifti(a_neck(), image)
    for standard in (False, True):
        options = SegmentOptions(threshold=0.5, standard_names=standard)
        for _ in range(2):
            with engine(soft_from_brightness):
                segment_file(image, tmp_path / "out", A_BUNDLE, options, Progress())


def test_only_a_model_that_crops_takes_a_crop_size(tmp_path):
    assert with_crop(A_BUNDLE, None) is A_BUNDLE
    with pytest.raises(OptionError, match="does not crop"):
        with_crop(A_BUNDLE, (64, 192, -1))


def test_a_mask_that_cannot_be_judged_is_written_all_the_same(tmp_path, monkeypatch):
    def fail(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(review_doubt, "judge_mask", fail)
    write_nifti(a_neck(), tmp_path / "scan.nii.gz")
    with engine(soft_from_brightness):
        done = segment_file(
            tmp_path / "scan.nii.gz", tmp_path / "out", A_BUNDLE, SegmentOptions(), Progress()
        )
    assert done.files["mask"].is_file()
    assert "Doubt" not in json.loads(done.files["sidecar"].read_text(encoding="utf-8"))

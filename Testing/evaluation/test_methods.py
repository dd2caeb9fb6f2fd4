"""How masks are found in folders, and made by models."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cli.fakes import A_BUNDLE
from evaluation.study import a_box
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.evaluation import BundleMethod, Case, FolderMethod
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import read_nifti, write_nifti


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class TestFolders:
    @pytest.fixture
    def case(self, tmp_path):
        return Case("sub-01", "T2w", tmp_path / "in" / "sub-01" / "anat" / "sub-01_T2w.nii.gz")

    @pytest.mark.parametrize(
        "ending",
        [
            *("_softseg", "_label-SC_softseg", "_seg", "_label-SC_seg", "_label-SC_mask"),
            *("_label-SC_probseg", "_desc-softseg_label-SC_seg", "_seg-manual"),
            *("_pred", "_mask", ""),
        ],
    )
    def test_every_usual_ending_is_found(self, tmp_path, case, ending):
        write_nifti(a_box(5), tmp_path / "masks" / f"sub-01_T2w{ending}.nii.gz")

        prediction = FolderMethod("a", tmp_path / "masks").predict(case, Progress())

        assert prediction.mask.data.sum() == 5 * 8 * 6
        assert math.isnan(prediction.seconds)

    def test_a_file_of_times_is_read(self, tmp_path, case):
        write_nifti(a_box(5), tmp_path / "masks" / "sub-01_T2w_seg.nii")
        write(
            tmp_path / "masks" / "inference_times.csv",
            "image,seconds",
            "sub-01_T2w,12.5",
            "other,3",
        )

        assert FolderMethod("a", tmp_path / "masks").predict(case, Progress()).seconds == 12.5

    def test_a_broken_file_of_times_is_a_sentence(self, tmp_path, case):
        write_nifti(a_box(5), tmp_path / "masks" / "sub-01_T2w_seg.nii")
        write(tmp_path / "masks" / "inference_times.csv", "name,time", "sub-01_T2w,12.5")

        with pytest.raises(InputError, match="needs the columns image"):
            FolderMethod("a", tmp_path / "masks").predict(case, Progress())

    def test_two_masks_are_ambiguous_until_an_ending_is_named(self, tmp_path, case):
        write_nifti(a_box(5), tmp_path / "masks" / "sub-01_T2w_seg.nii.gz")
        write_nifti(a_box(6), tmp_path / "masks" / "sub-01_T2w_softseg.nii.gz")

        with pytest.raises(InputError, match="several masks of 'sub-01_T2w.nii.gz'"):
            FolderMethod("a", tmp_path / "masks").predict(case, Progress())
        assert (
            FolderMethod("a", tmp_path / "masks", "_softseg")
            .predict(case, Progress())
            .mask.data.sum()
            == 6 * 8 * 6
        )

    def test_of_several_the_one_in_folders_of_the_same_names_counts(self, tmp_path, case):
        write_nifti(a_box(5), tmp_path / "masks" / "sub-02" / "anat" / "sub-01_T2w_seg.nii.gz")
        write_nifti(a_box(6), tmp_path / "masks" / "sub-01" / "anat" / "sub-01_T2w_seg.nii.gz")

        assert (
            FolderMethod("a", tmp_path / "masks").predict(case, Progress()).path.parent.parent.name
            == "sub-01"
        )

    def test_no_mask_and_no_folder_are_sentences(self, tmp_path, case):
        (tmp_path / "masks").mkdir()

        with pytest.raises(InputError, match="There is no mask of 'sub-01_T2w.nii.gz'"):
            FolderMethod("a", tmp_path / "masks").predict(case, Progress())
        with pytest.raises(InputError, match="There is no folder"):
            FolderMethod("a", tmp_path / "nowhere").predict(case, Progress())

    def test_the_image_itself_is_not_its_mask(self, tmp_path):
        image = tmp_path / "T2w.nii.gz"
        write_nifti(a_box(5), image)

        with pytest.raises(InputError, match="There is no mask"):
            FolderMethod("a", tmp_path).predict(Case("sub-01", "T2w", image), Progress())


class TestBundles:
    def test_masks_and_times_are_kept_and_can_be_given_again(self, tmp_path, engine):
        image = tmp_path / "in" / "T2w.nii.gz"
        write_nifti(a_box(5), image)
        engine(lambda volume, progress: volume.with_data(volume.data * 0.75))

        case = Case("sub-01", "T2w", image)
        first = BundleMethod("a", A_BUNDLE, tmp_path / "out").predict(case, Progress())
        again = FolderMethod("a", tmp_path / "out").predict(case, Progress())

        assert first.path.name == "T2w_label-SC_softseg.nii.gz"
        assert again.mask.data.max() == np.float32(0.75)
        assert again.path == first.path
        assert again.seconds == pytest.approx(first.seconds, abs=1e-3)

    def test_a_series_is_averaged_over_time(self, tmp_path, engine):
        import nibabel

        path = tmp_path / "dwi.nii.gz"
        series = nibabel.Nifti1Image(
            np.stack([np.zeros((4, 4, 4)), np.full((4, 4, 4), 3.0)], axis=3), np.eye(4)
        )
        series.set_sform(np.eye(4), code=1)
        nibabel.save(series, path)
        seen = []

        def segment(volume, progress):
            seen.append(float(volume.data.max()))
            return volume

        engine(segment)
        method = BundleMethod("a", A_BUNDLE, tmp_path / "out")
        prediction = method.predict(Case("sub-01", "DWI", path), Progress())

        assert seen == [1.5]
        assert read_nifti(prediction.path).shape == (4, 4, 4)

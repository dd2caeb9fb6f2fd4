"""The table of cases, and how masks are found in folders."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from evaluation.study import a_box
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.evaluation import BundleMethod, Case, FolderMethod, evaluate, read_cases
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import read_nifti, write_nifti


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


class TestCases:
    def test_paths_start_from_the_tables_folder_or_the_root(self, tmp_path):
        table = write(
            tmp_path / "cases.csv",
            "participant,contrast,image,reference,whole_field",
            "sub-01,T2w,a.nii.gz,b.nii.gz,yes",
        )

        (here,) = read_cases(table)
        (there,) = read_cases(table, tmp_path / "data")

        assert here == Case(
            "sub-01", "T2w", tmp_path / "a.nii.gz", tmp_path / "b.nii.gz", whole_field=True
        )
        assert there.image == tmp_path / "data" / "a.nii.gz"

    def test_tabs_and_json_say_the_same(self, tmp_path):
        columns = ["participant", "contrast", "image", "discs", "grid", "whole_field", "dataset"]
        values = ["sub-01", "T2w", "a.nii.gz", "d.nii.gz", "g", "no", "neck"]
        tsv = write(tmp_path / "cases.tsv", "\t".join(columns), "\t".join(values))
        row = dict(zip(columns, values), whole_field=False)
        plain = write(tmp_path / "cases.json", json.dumps([row]))
        named = write(tmp_path / "named.json", json.dumps({"cases": [row]}))

        assert read_cases(tsv) == read_cases(plain) == read_cases(named)

    def test_what_a_held_out_list_says_of_an_image_is_read(self, tmp_path):
        table = write(
            tmp_path / "cases.csv",
            "participant,contrast,image,reference,region,session,tip,seen_by,use",
            "a,PD,1.nii.gz,empty,head,,no,,evaluate",
            "b,T2w,2.nii.gz,,lumbar,run-1,yes,0.4.0 0.5.0,train",
            "b,T2w,3.nii.gz,,lumbar,run-2,,,",
        )

        head, scan, rescan = read_cases(table)

        assert (head.without_cord, head.reference, head.region, head.use) == (
            True,
            None,
            "head",
            "evaluate",
        )
        assert (scan.tip, scan.seen_by, scan.session, scan.without_cord) == (
            True,
            ("0.4.0", "0.5.0"),
            "run-1",
            False,
        )
        assert (rescan.tip, rescan.seen_by, rescan.use) == (False, (), "")

    def test_several_sessions_are_not_taken_for_one_image(self, tmp_path):
        lines = [
            "participant,contrast,image,session",
            "a,T2w,1.nii.gz,run-1",
            "a,T2w,2.nii.gz,run-2",
        ]

        with pytest.raises(InputError, match="several images in contrast T2w"):
            evaluate(
                read_cases(write(tmp_path / "cases.csv", *lines)), [FolderMethod("a", tmp_path)]
            )

    @pytest.mark.parametrize(
        ("lines", "word"),
        [
            (
                ["participant,contrast,image,use", "a,b,c.nii,perhaps"],
                "use is train or evaluate, not 'perhaps'",
            ),
            (
                ["participant,contrast,image,tip", "a,b,c.nii,perhaps"],
                "tip is yes or no, not 'perhaps'",
            ),
            (["participant,contrast,image"], "has no cases"),
            (["participant,contrast,picture", "a,b,c"], "no column 'picture'"),
            (["participant,contrast,image", "a,b,c.nii,d"], "case 1: the row has more cells"),
            (["participant,contrast,image", "a,,c.nii"], "case 1: the contrast is missing"),
            (
                ["participant,contrast,image,whole_field", "a,b,c.nii,perhaps"],
                "yes or no, not 'perhaps'",
            ),
            (
                ["participant,contrast,image,discs,levels", "a,b,c.nii,d.nii,e.nii"],
                "both discs and levels",
            ),
            (["participant,contrast,image", "a,b,c.nii", "a,d,c.nii"], "twice"),
            (
                ["participant,contrast,image", "a,b,c.nii", "a,b,d.nii"],
                "two images of participant a in contrast b",
            ),
            (
                ["participant,contrast,image,grid", "a,b,c.nii,g", "e,b,d.nii,g"],
                "several participants on the grid 'g'",
            ),
        ],
    )
    def test_what_is_wrong_is_a_sentence(self, tmp_path, lines, word):
        with pytest.raises(InputError, match=word):
            read_cases(write(tmp_path / "cases.csv", *lines))

    def test_no_file_and_no_json_are_sentences(self, tmp_path):
        with pytest.raises(InputError, match="There is no table"):
            read_cases(tmp_path / "nowhere.csv")
        with pytest.raises(InputError, match="no list of cases"):
            read_cases(write(tmp_path / "cases.json", "{"))
        with pytest.raises(InputError, match="no list of cases"):
            read_cases(write(tmp_path / "rows.json", '{"cases": 3}'))


class TestFolders:
    @pytest.fixture
    def case(self, tmp_path):
        return Case("sub-01", "T2w", tmp_path / "in" / "sub-01" / "anat" / "sub-01_T2w.nii.gz")

    @pytest.mark.parametrize(
        "ending",
        ["_softseg", "_label-SC_softseg", "_seg", "_label-SC_seg", "_pred", "_seg-manual", ""],
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
    def test_masks_and_times_are_kept_and_can_be_given_again(self, tmp_path):
        image = tmp_path / "in" / "T2w.nii.gz"
        write_nifti(a_box(5), image)

        def segment(volume, bundle, *, progress):
            return SoftMask(volume.with_data(volume.data * 0.75), None, bundle)

        method = BundleMethod("a", "bundle", segment, tmp_path / "out")
        case = Case("sub-01", "T2w", image)
        first = method.predict(case, Progress())
        again = FolderMethod("a", tmp_path / "out").predict(case, Progress())

        assert again.mask.data.max() == np.float32(0.75)
        assert again.path == first.path
        assert again.seconds == pytest.approx(first.seconds, abs=1e-3)

    def test_a_series_is_averaged_over_time(self, tmp_path):
        import nibabel

        path = tmp_path / "dwi.nii.gz"
        series = nibabel.Nifti1Image(
            np.stack([np.zeros((4, 4, 4)), np.full((4, 4, 4), 3.0)], axis=3), np.eye(4)
        )
        series.set_sform(np.eye(4), code=1)
        nibabel.save(series, path)
        seen = []

        def segment(volume, bundle, *, progress):
            seen.append(float(volume.data.max()))
            return SoftMask(volume, None, "")

        BundleMethod("a", None, segment, tmp_path / "out").predict(
            Case("sub-01", "DWI", path), Progress()
        )

        assert seen == [1.5]
        assert read_nifti(tmp_path / "out" / "dwi_softseg.nii.gz").shape == (4, 4, 4)

"""The table of cases."""

from __future__ import annotations

import json

import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.evaluation import Case, FolderMethod, evaluate, read_cases


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
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

    @pytest.mark.parametrize(
        ("text", "coding"),
        [
            ("participant,contrast,image\nsub-01,T2w,a b.nii.gz\n", "utf-8-sig"),
            ("participant;contrast;image;;\r\nsub-01;T2w;a b.nii.gz;;\r\n;;;;\r\n", "utf-8"),
            ("participant\tcontrast\timage\r\nsub-01\tT2w\ta b.nii.gz\r\n", "utf-16"),
            ('"Participant" , "Contrast", "Image"\n"sub-01","T2w","a b.nii.gz"\n', "utf-8"),
        ],
    )
    def test_what_table_programs_write_is_read(self, tmp_path, text, coding):
        (tmp_path / "cases.csv").write_bytes(text.encode(coding))

        assert read_cases(tmp_path / "cases.csv") == [
            Case("sub-01", "T2w", tmp_path / "a b.nii.gz")
        ]

    def test_a_cell_over_the_limit_is_a_sentence(self, tmp_path):
        table = write(
            tmp_path / "cases.csv", "participant,contrast,image", "a,T2w," + "x" * 200_000
        )

        with pytest.raises(InputError, match="Line 2 of the table cannot be read"):
            read_cases(table)

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
            (["participant,contrast,image", "a,b,c.nii,d"], "Case 1: the row has more cells"),
            (["participant,contrast,image", "a,,c.nii"], "Case 1: the contrast is missing"),
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
        with pytest.raises(InputError, match="There is no such table"):
            read_cases(tmp_path / "nowhere.csv")
        with pytest.raises(InputError, match="not a list of cases"):
            read_cases(write(tmp_path / "cases.json", "{"))
        with pytest.raises(InputError, match="not a list of cases"):
            read_cases(write(tmp_path / "rows.json", '{"cases": 3}'))

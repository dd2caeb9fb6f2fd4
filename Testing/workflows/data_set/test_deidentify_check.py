"""Names, birth dates and identifiers in a data set are found wherever they may stand, and never
repeated.
"""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest

from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.workflows.data_set.deidentify_check import check_deidentified, identity_findings

CANARY = "Canary"


def findings(dataset):
    return [(one.file, one.field, one.what) for one in identity_findings(dataset, Progress())]


def write(dataset, name, content):
    path = dataset / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def image(dataset, name, *, descrip="TE=5.2;Time=120000", extension=None):
    made = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))
    made.header["descrip"] = descrip
    if extension is not None:
        made.header.extensions.append(nibabel.nifti1.Nifti1Extension(*extension))
    (dataset / name).parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(made, dataset / name)


@pytest.fixture
def clean(tmp_path):
    """A data set as BIDS has it."""
    write(
        tmp_path,
        "dataset_description.json",
        {"Name": "A study", "BIDSVersion": "1.9.0", "Authors": ["First Last"]},
    )
    write(tmp_path, "participants.tsv", "participant_id\tage\tsex\nsub-01\t34\tF\n")
    write(tmp_path, "participants.json", {"age": {"Description": "of the patient", "Units": "y"}})
    write(tmp_path, "sub-01/sub-01_scans.tsv", "filename\tacq_time\nanat/x\t1877-06-15T13:45:30\n")
    write(
        tmp_path,
        "sub-01/anat/sub-01_T2w.json",
        {
            "InstitutionName": "A hospital",
            "ManufacturersModelName": "Prisma",
            "PatientSex": "F",
            "PatientName": "",
            "AcquisitionTime": "12:00:00",
            "GeneratedBy": [{"Name": "dcm2niix", "Version": "1"}],
        },
    )
    image(tmp_path, "sub-01/anat/sub-01_T2w.nii.gz")
    write(tmp_path, "sourcedata/notes.json", {"PatientName": f"{CANARY}^X"})
    return tmp_path


def test_what_bids_recommends_is_no_finding(clean):
    assert findings(clean) == []
    check_deidentified(clean, Progress())


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("PatientName", "a name"),
        ("PatientID", "a name"),
        ("PatientBirthDate", "a birth date"),
        ("ReferringPhysicianName", "a name"),
        ("AccessionNumber", "a name"),
        ("OperatorsName", "a name"),
        ("StudyInstanceUID", "an identifier"),
        ("SeriesInstanceUID", "an identifier"),
    ],
)
def test_keys_of_a_sidecar(clean, key, what):
    write(clean, "sub-01/anat/sub-01_T2w.json", {"EchoTime": 1, "More": [{key: CANARY}]})

    assert findings(clean) == [("sub-01/anat/sub-01_T2w.json", key, what)]


def test_dates_and_names_under_any_key(clean):
    write(
        clean,
        "sub-01/anat/sub-01_T2w.json",
        {"AcquisitionDateTime": "2026-01-02T12:00:00", "Comment": f"{CANARY.upper()}^JANE"},
    )

    assert findings(clean) == [
        ("sub-01/anat/sub-01_T2w.json", "AcquisitionDateTime", "a date"),
        ("sub-01/anat/sub-01_T2w.json", "Comment", "a name"),
    ]


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("name", CANARY, "a name"),
        ("Last_Name", CANARY, "a name"),
        ("birth_date", "1970-01-01", "a birth date"),
        ("DOB", "1970", "a birth date"),
        ("email", "x@y", "a name"),
        ("MRN", "123", "a name"),
    ],
)
def test_columns_of_a_table(clean, column, value, what):
    write(clean, "participants.tsv", f"participant_id\t{column}\nsub-01\tn/a\nsub-02\t{value}\n")

    assert findings(clean) == [("participants.tsv", column, what)]


def test_dates_of_scans_that_are_not_shifted(clean):
    write(clean, "sub-01/sub-01_scans.tsv", "filename\tacq_time\nanat/x\t2026-01-02T12:00:00\n")

    assert findings(clean) == [("sub-01/sub-01_scans.tsv", "acq_time", "a date")]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_headers_of_images(clean, ending):
    image(clean, f"sub-01/anat/a{ending}", descrip=f"{CANARY}^JANE")
    image(clean, f"sub-01/anat/b{ending}", extension=("comment", f"{CANARY}^JANE".encode()))
    image(clean, f"sub-01/anat/c{ending}", extension=(2, b""))

    assert findings(clean) == [
        (f"sub-01/anat/a{ending}", "header", "a name"),
        (f"sub-01/anat/b{ending}", "header extension", "a name"),
        (f"sub-01/anat/c{ending}", "header extension", "a DICOM header"),
    ]


def test_values_are_never_repeated_and_the_first_places_are_named(clean):
    for number in range(7):
        write(clean, f"sub-0{number}/sub-0{number}_T1w.json", {"PatientName": f"{CANARY}^JANE"})
    write(clean, "sub-01/broken.json", "{")
    write(clean, "sub-01/report.dcm", "")
    write(clean, "sub-01/IM0001", "\0" * 128 + "DICM")  # as scanners name them
    write(clean, "README", "A study.")

    with pytest.raises(InputError, match="at 9 places: .*IM0001.*; and 4 more") as caught:
        check_deidentified(clean, Progress())
    assert CANARY not in str(caught.value)
    assert str(clean) not in caught.value.sentence


def test_it_can_be_stopped_and_a_folder_that_is_missing_is_a_sentence(clean):
    with pytest.raises(Cancelled):
        identity_findings(clean, Progress(is_cancelled=lambda: True))
    with pytest.raises(InputError, match="no such folder"):
        identity_findings(clean / "missing", Progress())

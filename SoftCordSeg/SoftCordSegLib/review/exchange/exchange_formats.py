"""The formats of other programs that verdicts are read from and written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError, OptionError
from ..verdicts import Judgement
from . import (
    cart_classification,
    cart_cohort,
    cart_log,
    manual_correction_list,
    monailabel_datastore,
    sct_qc_lists,
    sct_qc_report,
    segmentation_review_csv,
)
from .foreign_verdicts import Reader, Writer, read_text

_FAILS = (Judgement.FAIL, Judgement.TO_CORRECT)


@dataclass(frozen=True)
class ExchangeFormat:
    """One format.

    Attributes:
        name: as the user gives it.
        about: program and file, for the help.
        read: a file of it.
        write: verdicts into it.
        files: names of the files that are written for a job.
        is_updated: whether what is in an existing file stays; else it is not written over.
        same: judgements that the format cannot tell apart.
        holds: of rank and comment, what the format has.
    """

    name: str
    about: str
    read: Reader
    write: Writer
    files: Callable[[str], tuple[str, ...]]
    is_updated: bool
    same: tuple[tuple[Judgement, ...], ...] = ()
    holds: tuple[str, ...] = ()

    def tells_apart(self, one: Judgement | None, other: Judgement | None) -> bool:
        """Whether two judgements are different ones in this format."""
        return one is not other and not any(one in group and other in group for group in self.same)


def _named(*names: str) -> Callable[[str], tuple[str, ...]]:
    return lambda _job: names


FORMATS: Mapping[str, ExchangeFormat] = {
    one.name: one
    for one in (
        ExchangeFormat(
            "sct-json",
            "SCT: qc_report.json of the QC page",
            sct_qc_report.read_qc_report,
            sct_qc_report.write_qc_report,
            _named(sct_qc_report.REPORT),
            True,
            (_FAILS,),
            ("rank", "comment"),
        ),
        ExchangeFormat(
            "sct-yaml",
            "SCT: qc_fail.yml and qc_artifact.yml",
            sct_qc_lists.read_qc_list,
            sct_qc_lists.write_qc_lists,
            _named(sct_qc_lists.FAILS, sct_qc_lists.ARTEFACTS),
            False,
            (_FAILS,),
        ),
        ExchangeFormat(
            "manual-correction",
            "manual-correction: FILES_SEG and CORR_SEG",
            manual_correction_list.read_correction_list,
            manual_correction_list.write_correction_list,
            _named(manual_correction_list.LIST),
            True,
            (_FAILS,),
        ),
        ExchangeFormat(
            "cart-cohort",
            "CART: table of cases",
            cart_cohort.read_cohort,
            cart_cohort.write_cohort,
            _named(cart_cohort.COHORT),
            False,
        ),
        ExchangeFormat(
            "cart-log",
            "CART: {job}_log.tsv of the segmentation task; its older CSV logs are read",
            cart_log.read_cart_log,
            cart_log.write_cart_log,
            lambda job: (cart_log.log_name(job),),
            True,
        ),
        ExchangeFormat(
            "cart-classification",
            "CART: cart_classifications.csv",
            cart_classification.read_classifications,
            cart_classification.write_classifications,
            _named(cart_classification.CLASSIFICATIONS),
            True,
            (),
            ("rank", "comment"),
        ),
        ExchangeFormat(
            "segmentation-review",
            "SegmentationReview: annotations.csv and mapping.csv",
            segmentation_review_csv.read_annotations,
            segmentation_review_csv.write_annotations,
            _named(segmentation_review_csv.ANNOTATIONS, segmentation_review_csv.MAPPING),
            False,
            (),
            ("comment",),
        ),
        ExchangeFormat(
            "monailabel",
            "MONAILabel: datastore_v2.json with segmentationMeta",
            monailabel_datastore.read_datastore,
            monailabel_datastore.write_datastore,
            _named(monailabel_datastore.DATASTORE),
            True,
            ((Judgement.FAIL, Judgement.TO_CORRECT, Judgement.ARTEFACT),),
            ("comment",),
        ),
    )
}


def format_named(name: str) -> ExchangeFormat:
    """The format of this name.

    Raises:
        OptionError: there is none.
    """
    if name not in FORMATS:
        raise OptionError(
            f"There is no format '{name}'.", hint=f"Choose among {', '.join(FORMATS)}."
        )
    return FORMATS[name]


def format_of(path: Path) -> ExchangeFormat:
    """The format of a file, by its ending and by what is in it.

    Raises:
        InputError: it is none of them, or cannot be read.
    """
    ending, text = path.suffix.casefold(), read_text(path)
    first = text[: text.find("\n")] if "\n" in text else text
    found = ""
    if ending == ".json":
        found = "sct-json" if '"datasets"' in text else "monailabel" if '"objects"' in text else ""
    elif ending in (".yml", ".yaml"):
        corrects = manual_correction_list.CORRECTED_KEY in text
        from_sct = any(word in path.name.casefold() for word in ("fail", "artifact", "artefact"))
        found = "sct-yaml" if from_sct and not corrects else "manual-correction"
    elif ending == ".tsv" and "saved_segmentations" in first:
        found = "cart-log"
    elif ending == ".csv" and "classifications" in first:
        found = "cart-classification"
    elif ending == ".csv" and set(cart_log.CSV_COLUMNS) <= set(first.strip().split(",")):
        found = "cart-log"
    elif ending == ".csv" and cart_cohort.UID in [name.strip() for name in first.split(",")]:
        found = "cart-cohort"
    elif ending == ".csv" and any(
        f",{rating}," in f"{first.strip()},"
        for number, sentence in segmentation_review_csv.RATINGS.items()
        for rating in (str(number), sentence)
    ):
        found = "segmentation-review"
    if not found:
        raise InputError(
            "Which program's file this is cannot be told from its name and its first line.",
            path=path,
            hint=f"Say the format: {', '.join(FORMATS)}.",
        )
    return FORMATS[found]

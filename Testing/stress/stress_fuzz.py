"""Hypothesis makes headers, archives and sidecars: two minutes, or as many seconds as
SOFTCORD_FUZZ_SECONDS says.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import time
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from network.test_store import a_release
from SoftCordSegLib.bids import is_as_described, origin_of, read_sidecar, sidecar_path
from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.network.install_model import install_archive
from stress.hostile_images import cord, field_changes, image_bytes, with_fields
from stress.judged_images import judge_reading
from stress.tally import LEFT, TRACEBACK, Tally, tally

SECONDS = float(os.environ.get("SOFTCORD_FUZZ_SECONDS", "120")) / 3
WHOLE = image_bytes(cord())

edits = st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(max_size=8)), max_size=6)
changes = st.lists(st.sampled_from(field_changes()), max_size=4)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=20,
)
names = st.sampled_from(
    ["model/best_model.ckpt", "plans.json", "dataset.json", "configs/metadata.json", "../a", "/a",
     "fold_0/checkpoint_final.pth", "configs/inference.json", "models/segmenter.safetensors"]
) | st.text(max_size=30)  # fmt: skip


def for_a_while(test) -> None:  # type: ignore[no-untyped-def]
    """Run a Hypothesis test again and again until the time is over."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        test()


def many(function):  # type: ignore[no-untyped-def]
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(max_examples=150, database=None, suppress_health_check=checks)(function)


def test_headers(tmp_path):
    counted = tally("fuzz: headers")

    @many
    @given(changes, edits, st.integers(0, len(WHOLE)), st.booleans())
    def one(fields, places, cut, packed):
        content = bytearray(with_fields(WHOLE, *fields))
        for place, new in places:
            content[place : place + len(new)] = new
        content = bytes(content if cut % 3 else content[:cut])
        case = gzip.compress(content) if packed else content
        what, why = judge_reading(("header", ".nii.gz" if packed else ".nii", case), tmp_path)
        counted.add(what, f"{fields} {places} {cut}", why)
        counted.check()

    for_a_while(one)


def test_sidecars(tmp_path):
    counted = tally("fuzz: sidecars")
    mask = tmp_path / "sub-01_T2w_label-SC_softseg.nii.gz"
    mask.write_bytes(gzip.compress(WHOLE))
    known = st.sampled_from(["GeneratedBy", "MaskSHA256", "SpatialReference", "Name", "Model"])

    @many
    @given(
        st.binary(max_size=60)
        | anything.map(lambda value: json.dumps(value).encode())
        | st.dictionaries(known, anything).map(lambda value: json.dumps(value).encode())
    )
    def one(content):
        sidecar_path(mask).write_bytes(content)
        try:
            read_sidecar(sidecar_path(mask))
            is_as_described(mask)
            origin_of(mask)
        except SoftCordSegError:
            counted.add("refused")
        except Exception as error:
            counted.add(TRACEBACK, repr(content), f"{type(error).__name__}: {error}")
        else:
            counted.add("accepted")
        counted.check()

    for_a_while(one)


@pytest.mark.parametrize("suffix", [".zip"])
def test_archives(tmp_path, monkeypatch, suffix):
    counted = tally("fuzz: archives")
    monkeypatch.setenv("SOFTCORDSEG_MODELS", str(tmp_path / "models"))
    parts = st.binary(max_size=50) | anything.map(lambda value: json.dumps(value).encode())

    @many
    @given(st.dictionaries(names, parts, max_size=5), edits)
    def one(members, places):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, content in members.items():
                opened.writestr(zipfile.ZipInfo(name), content)
        content = bytearray(packed.getvalue())
        for place, new in places[:2]:
            content[place % len(content) : place % len(content) + len(new)] = new
        path = tmp_path / f"model{suffix}"
        path.write_bytes(content)
        _install(path, counted, repr(members))
        for left in set(tmp_path.iterdir()) - {path, tmp_path / "models"}:
            counted.add(LEFT, left.name)
        counted.check()

    for_a_while(one)


def _install(path, counted: Tally, name: str) -> None:  # type: ignore[no-untyped-def]
    try:
        install_archive(path, name="m", release=a_release(), replace=True)
    except SoftCordSegError:
        counted.add("refused")
    except Exception as error:
        counted.add(TRACEBACK, name, f"{type(error).__name__}: {error}")
    else:
        counted.add("accepted", name)

"""Variants are trained at equal steps, each to a bundle, and not again when they are done."""

from __future__ import annotations

import importlib.util
import json

import pytest

from SoftCordSegLib.network import load_bundle
from training.trainer.bright_tubes import packed_tubes, plan


@pytest.fixture(scope="module")
def compare(repository):
    spec = importlib.util.spec_from_file_location(
        "compare", repository / "recipes" / "compare_variants.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_variants_become_bundles_and_go_on(tmp_path, compare, capsys):
    packed = packed_tubes(tmp_path / "training.npz")
    base = {
        "plan": plan().to_json(),
        "recipe": {"kind": "plain", "patch": [16, 16, 16]},
        "steps": 4,
    }
    variants = [{"name": "one"}, {"name": "slower", "plan": {"learning_rate": 1e-4}}]
    (tmp_path / "variants.json").write_text(
        json.dumps({"base": base, "variants": variants}), encoding="utf-8"
    )
    files = ["--packed", str(packed), "--development", str(packed), "--out", str(tmp_path / "out")]

    assert compare.main([str(tmp_path / "variants.json"), *files]) == 0

    for name in ("one", "slower"):
        summary = json.loads((tmp_path / "out" / name / "summary.json").read_text(encoding="utf-8"))
        assert (summary["steps"], summary["patches"]) == (4, 8)
        assert 0 <= summary["validation"]["mean"]["soft_dice"] <= 1
        assert load_bundle(tmp_path / "out" / name / "bundle").segmenter.features == (4, 8)
    states = sorted((tmp_path / "out").rglob("state.json"))
    times = [one.stat().st_mtime_ns for one in states]

    assert compare.main([str(tmp_path / "variants.json"), *files]) == 0
    assert sorted((tmp_path / "out").rglob("state.json")) == states
    assert [one.stat().st_mtime_ns for one in states] == times


def test_what_cannot_be_compared_is_said(tmp_path, compare, capsys):
    (tmp_path / "variants.json").write_text(
        json.dumps([{"name": "one", "steps": 3}, {"name": "one", "steps": 3}]), encoding="utf-8"
    )

    assert (
        compare.main(
            [str(tmp_path / "variants.json"), "--packed", "none.npz", "--out", str(tmp_path)]
        )
        == 1
    )
    assert "a name of their own" in capsys.readouterr().err

"""How far outside the seen edge a mask is drawn, on images whose edge is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recipes.loaded_recipe import recipe
from SoftCordSegLib.evaluation import Case
from SoftCordSegLib.volume import Volume, write_nifti


@pytest.fixture(scope="module")
def drawn_edges(repository):
    return recipe("drawn_edges", repository)


def an_image(
    folder: Path, name: str, drawn_mm: float, spacing: float, dataset: str = "set"
) -> Case:
    """A dark cord of 5 mm radius in bright fluid of 9 mm, blurred by the voxel, and a mask drawn
    ``drawn_mm`` outside.
    """
    rng = np.random.default_rng(0)
    size = round(40 / spacing)
    masks, images = [], []
    for _ in range(6):
        centre = 20 + rng.uniform(-1, 1, 2)
        fine = np.hypot(
            *[
                (np.indices((4 * size, 4 * size))[a] + 0.5) * spacing / 4 - centre[a]
                for a in range(2)
            ]
        )
        tissue = np.where(fine < 5, 200.0, np.where(fine < 9, 900.0, 100.0))
        plane = tissue.reshape(size, 4, size, 4).mean(axis=(1, 3)) + rng.normal(0, 15, (size, size))
        images.append(plane)
        x, y = ((np.arange(size) + 0.5) * spacing - centre[a] for a in range(2))
        masks.append(np.hypot(x[:, None], y[None, :]) < 5 + drawn_mm)
    affine = np.diag([-spacing, spacing, 4.0, 1.0])
    files = folder / f"{name}.nii.gz", folder / f"{name}_mask.nii.gz"
    write_nifti(Volume(np.stack(images, -1).astype(np.float32), affine), files[0])
    write_nifti(Volume(np.stack(masks, -1).astype(np.uint8), affine), files[1])
    return Case(name, "T2w", *files, dataset=dataset)


@pytest.mark.parametrize("spacing", [0.5, 1.0])
@pytest.mark.parametrize("drawn_mm", [-0.4, 0.0, 0.3, 0.6])
def test_the_distance_that_was_drawn_is_found(tmp_path, drawn_edges, drawn_mm, spacing):
    found = drawn_edges.measure_edge(an_image(tmp_path, "one", drawn_mm, spacing))
    assert len(found.slices_mm) == 6
    assert found.median_mm == pytest.approx(drawn_mm, abs=0.1)


def test_the_offset_is_the_difference_from_the_reference(tmp_path, drawn_edges):
    reference = drawn_edges.measure_edge(an_image(tmp_path, "template", -0.3, 0.5))
    edges = [
        drawn_edges.measure_edge(an_image(tmp_path, name, 0.2, 0.5)) for name in ("one", "two")
    ]
    ((name, offset, spread, participants, images),) = drawn_edges.offsets_of(edges, reference)
    assert (name, participants, images) == ("set", 2, 2)
    assert offset == pytest.approx(0.5 - drawn_edges.OUTSIDE_TEMPLATE_MM, abs=0.1)
    assert spread < 0.05


def test_of_one_person_nothing_is_told(tmp_path, drawn_edges):
    edge = drawn_edges.measure_edge(an_image(tmp_path, "one", 0.2, 0.5))
    assert drawn_edges.offsets_of([edge, edge], edge) == []


def test_a_cord_in_which_no_fluid_is_seen_has_no_edge(tmp_path, drawn_edges):
    case = an_image(tmp_path, "one", 0.0, 1.0)
    write_nifti(
        Volume(np.full((40, 40, 6), 7.0, np.float32), np.diag([-1.0, 1.0, 4.0, 1.0])), case.image
    )
    assert len(drawn_edges.measure_edge(case).slices_mm) == 0


def test_the_offsets_in_the_repository_are_those_of_the_training_participants(
    tmp_path, drawn_edges, shared_data, repository
):
    """The file is what the script writes: measured again, to the hundredth."""
    from SoftCordSegLib.evaluation.held_out import read_offsets

    table = (repository / "recipes" / "offsets.csv").read_text(encoding="utf-8")
    drawn_edges.main(["--data", str(shared_data), "-o", str(tmp_path / "offsets.csv")])
    assert (tmp_path / "offsets.csv").read_text(encoding="utf-8") == table
    assert read_offsets(repository / "recipes" / "offsets.csv")

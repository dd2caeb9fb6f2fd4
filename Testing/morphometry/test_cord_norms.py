"""The cord's own shape tells its level."""

from __future__ import annotations

import numpy as np
import pytest

from known_phantoms import known_phantom
from SoftCordSegLib.morphometry import centreline_of
from SoftCordSegLib.morphometry.cord_norms import CordProfile, cord_profile, log_fit
from SoftCordSegLib.morphometry.disc_chain import FIRST, PAM50_SLICES
from SoftCordSegLib.morphometry.disc_patterns import straighten


def share(profile: CordProfile, discs: dict[int, int]) -> dict[int, float]:
    """Shift of the names -> its probability by the cord's shape alone."""
    shifts = range(FIRST - min(discs), 21 - max(discs))
    fits = np.array(
        [log_fit(profile, {value + s: row for value, row in discs.items()}) for s in shifts]
    )
    weights = np.exp(fits - fits.max())
    return dict(zip(shifts, weights / weights.sum()))


def test_the_shape_of_the_phantoms_cord_is_read_and_names_its_discs():
    phantom = known_phantom("T2w")
    spine = straighten(phantom.image, centreline_of(phantom.truth))
    profile = cord_profile(phantom.truth, spine)
    true = phantom.area_mm2(spine.points_mm[profile.rows, 2])
    assert np.abs(np.exp(profile.log_area) / true - 1).max() < 0.05
    discs = {
        disc.value: round(spine.locate(np.array(disc.position_mm))[0])
        for disc in phantom.discs
        if 3 <= disc.value <= 9
    }
    shares = share(profile, discs)
    assert max(shares, key=shares.get) == 0


@pytest.fixture(scope="module")
def healthy(shared_data):
    """PAM50's slices, and (participant, measure, slice) of the Spine Generic data set's T2w."""
    folder = shared_data / "normative"
    table = np.load(folder / "measures.npz")
    sessions = (folder / "sessions.tsv").read_text(encoding="utf-8").splitlines()
    rows = [
        number
        for number, line in enumerate(sessions[1:])
        if line.split("\t")[1:3] == ["cord", "spine-generic_multi-subject"]
    ]
    assert table["measure"][:3].tolist() == ["area_mm2", "diameter_AP_mm", "diameter_RL_mm"]
    return table["slice"].astype(int), table["values"][rows, :3]


@pytest.mark.parametrize(("first", "last", "right"), [(2, 10, 0.95), (3, 8, 0.88)])
def test_the_shape_alone_names_the_levels_of_healthy_adults(healthy, first, last, right):
    """What is held to be 95 % probable is wrong in one of a hundred."""
    slices, values = healthy
    lowest = PAM50_SLICES[last - FIRST] - 15
    highest = min(PAM50_SLICES[first - FIRST] + 30, 975)
    chosen = (slices >= lowest) & (slices <= highest) & (slices % 8 == 0)
    discs = {value: PAM50_SLICES[value - FIRST] - lowest for value in range(first, last + 1)}
    named = []
    for area, depth, width in values[:100, :, chosen]:
        if np.isfinite([area, depth, width]).all():
            profile = CordProfile(
                (slices[chosen] - lowest).astype(float), np.log(area), np.log(depth / width)
            )
            shares = share(profile, discs)
            best = max(shares, key=shares.get)
            named.append((best == 0, shares[best]))
    correct, probability = np.array(named).T
    assert len(named) > 80
    assert correct.mean() >= right
    assert (1 - correct)[probability >= 0.95].mean() <= 0.02


def test_a_cord_that_is_not_seen_speaks_for_no_name():
    nothing = CordProfile(np.empty(0), np.empty(0), np.empty(0))
    assert log_fit(nothing, {3: 100, 4: 64}) == log_fit(nothing, {8: 100, 9: 64}) == 0.0

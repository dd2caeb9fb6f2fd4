"""What the report of a fine-tuning says of how much of it was kept."""

from __future__ import annotations

from SoftCordSegLib.workflows.finetune_bundle import share_note, volume_note


def report(share, *tried):
    names = ("share", "volume_change_percent", "soft_dice")
    return {
        "watched": {"before": {"soft_dice": 0.9734}},
        "watched_volume_change_percent": tried[-1][1],
        "weight_share": {"share": share, "tried": [dict(zip(names, one)) for one in tried]},
    }


def test_it_is_said_where_not_all_was_kept_and_why():
    kept = report(0.55, (1.0, 3.2, 0.9723), (0.55, 1.8, 0.9731))
    note = share_note(kept)
    assert note.startswith("55% of the change of the weights is kept")
    assert "by +3.2 %, and soft Dice by -0.0011" in note
    assert volume_note(kept) == ""


def test_nothing_is_said_where_all_was_kept_or_in_reports_of_before():
    assert share_note(report(1.0, (1.0, 1.2, 0.9730))) == ""
    assert share_note({}) == ""

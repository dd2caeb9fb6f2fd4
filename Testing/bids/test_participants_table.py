"""What participants.tsv says."""

from __future__ import annotations

from SoftCordSegLib.bids import ParticipantFacts, participant_facts


def facts(tmp_path, text):
    (tmp_path / "participants.tsv").write_bytes(text)
    return participant_facts(tmp_path)


def test_sex_age_and_site_are_read_as_data_sets_write_them(tmp_path):
    text = b"participant_id\tSex\tage\tinstitution_id\nsub-01\tF\t31\tunf\n02\tmale\t89+\tn/a\n"

    assert facts(tmp_path, text) == {
        "sub-01": ParticipantFacts("F", 31.0, "unf"),
        "sub-02": ParticipantFacts("M", 89.0, ""),
    }


def test_what_is_not_known_stays_unknown(tmp_path):
    text = b"participant_id\tsex\tage\nsub-01\tn/a\tn/a\nsub-02\nsub-03\to\t-4\n"

    assert set(facts(tmp_path, text).values()) == {ParticipantFacts()}


def test_a_missing_or_broken_file_says_nothing(tmp_path):
    assert participant_facts(tmp_path) == {}
    assert facts(tmp_path, b"\xff\xfe\x00broken") == {}
    assert facts(tmp_path, b"name\nanna\n") == {}

"""Pages: whole, escaped, recognised as our own; and nothing heavy is loaded before one is made."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from SoftCordSegLib.errors import OptionError
from SoftCordSegLib.reports.html_page import (
    TEMPLATES,
    check_own_page,
    link_to,
    listed,
    number,
    page_html,
    signed,
)


def test_a_page_is_one_file_that_needs_nothing_else():
    page = page_html("base.html.j2", title="A page")

    assert page.startswith('<!doctype html>\n<html lang="en">')
    assert page.endswith("</html>\n")
    assert not re.search(r"(src|href)=|url\(|@import|https?:", page)


def test_what_is_shown_is_escaped():
    page = page_html("base.html.j2", title="<script>alert(1)</script>")

    assert "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>" in page
    assert "<script>" not in page


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.glob("*.j2")))
def test_no_template_switches_escaping_off(template):
    source = (TEMPLATES / template).read_text(encoding="utf-8")

    assert "autoescape" not in source
    # Only matplotlib's own drawing, whose words matplotlib has escaped.
    assert re.findall(r"[\w.]+ \| safe", source) == (
        ["study.plot | safe"] if template == "demo.html.j2" else []
    )


def test_colours_of_the_page_are_those_of_the_palette():
    used = set()
    for path in TEMPLATES.iterdir():
        used |= set(re.findall(r"var\(--([\w-]+)\)", path.read_text(encoding="utf-8")))
    page = page_html("base.html.j2", title="A page")

    assert {f"--{name}:" for name in used} <= set(re.findall(r"--[\w-]+:", page))
    assert "prefers-color-scheme: dark" in page


def test_a_page_of_ours_may_be_replaced_and_another_not(tmp_path):
    path = tmp_path / "index.html"
    check_own_page(path, "Mine")
    path.write_text(page_html("base.html.j2", title="Mine"), encoding="utf-8")
    check_own_page(path, "Mine")

    for text in (page_html("base.html.j2", title="Other"), "<html>my site</html>", ""):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(OptionError, match="overwritten") as error:
            check_own_page(path, "Mine")
        assert error.value.path == path
    path.unlink()
    path.mkdir()
    with pytest.raises(OptionError):
        check_own_page(path, "Mine")


@pytest.mark.parametrize(
    ("value", "text"), [(0.04, "0.0"), (-0.04, "0.0"), (1.26, "+1.3"), (-1.26, "−1.3")]
)
def test_signs(value, text):
    assert signed(value) == text


def test_numbers_and_lists():
    assert [number(value) for value in (1.234, None, float("nan"))] == ["1.23", "–", "–"]
    assert listed(["T1w"]) == "T1w"
    assert listed(["T1w", "T2w", "DWI"]) == "T1w, T2w and DWI"


def test_importing_the_room_loads_neither_jinja2_nor_matplotlib():
    modules = [path.stem for path in TEMPLATES.parent.glob("*.py") if not path.name.startswith("_")]
    program = (
        f"import sys; sys.path.insert(0, {str(TEMPLATES.parents[2])!r})\n"
        f"for name in {modules!r}: __import__(f'SoftCordSegLib.reports.{{name}}')\n"
        "print(*{'jinja2', 'matplotlib', 'torch'} & set(sys.modules))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )

    assert answer.stdout.split() == []


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("a mask#1?.nii.gz", "./a%20mask%231%3F.nii.gz"),
        ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
        ("//elsewhere/x", ".///elsewhere/x"),
        ("50%_é.csv", "./50%25_%C3%A9.csv"),
        ("odd\udcff.csv", "./odd%FF.csv"),
        ('"><b>.csv', "./%22%3E%3Cb%3E.csv"),
    ],
)
def test_links_lead_to_the_file_whatever_its_name(name, address):
    assert link_to(name) == address
    assert link_to(name, "T2*w") == f"{address}#T2%2Aw"


def test_no_link_of_a_template_is_a_bare_name():
    for path in TEMPLATES.glob("*.j2"):
        source = path.read_text(encoding="utf-8")
        assert set(re.findall(r'href="([^"]*)"', source)) <= {
            "{{ address }}",
            "{{ participant.page }}",
        }, "made by link_to"


def test_every_page_has_a_policy_that_lets_only_our_scripts_run():
    page = page_html("base.html.j2", title="A page")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("script-src ")[1].split(";")[0]
    assert policy.count("'sha256-") == len(list(TEMPLATES.glob("*.js")))
    for path in TEMPLATES.glob("*.j2"):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"\son\w+=|javascript:", source), path.name
        assert source.count("<script>") == source.count("<script>\n{{ file(")
        assert source.count("<script>") == source.count("}}\n</script>")

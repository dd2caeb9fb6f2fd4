"""The Boutiques descriptor: it keeps to the format, and says of ``softcord bids`` what is true."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import jsonschema
import pytest
import typer

from SoftCordSegLib import __version__
from SoftCordSegLib.cli.app import app

DESCRIPTOR = Path(__file__).resolve().parents[2] / "Utilities" / "container" / "boutiques.json"
# What Boutiques 0.5 asks for, as far as we use it (boutiques.github.io, "Descriptor").
_TEXT = {"type": "string", "minLength": 1}
_ID = {"type": "string", "pattern": "^[0-9_a-zA-Z]+$"}
_INPUT = {
    "type": "object",
    "required": ["id", "name", "type", "value-key"],
    "additionalProperties": False,
    "properties": {
        "id": _ID,
        "name": _TEXT,
        "description": _TEXT,
        "type": {"enum": ["String", "File", "Flag", "Number"]},
        "value-key": {"type": "string", "pattern": r"^\[[A-Z_]+\]$"},
        "command-line-flag": {"type": "string", "pattern": "^-"},
        "optional": {"type": "boolean"},
        "list": {"type": "boolean"},
        "list-separator": _TEXT,
        "value-choices": {"type": "array", "items": _TEXT, "minItems": 1},
        "disables-inputs": {"type": "array", "items": _ID},
        "integer": {"type": "boolean"},
        "minimum": {"type": "number"},
        "maximum": {"type": "number"},
    },
    "allOf": [
        {
            "if": {"properties": {"type": {"const": "Flag"}}},
            "then": {"required": ["command-line-flag"], "properties": {"list": False}},
        },
        {
            "if": {"anyOf": [{"required": [key]} for key in ("integer", "minimum", "maximum")]},
            "then": {"properties": {"type": {"const": "Number"}}},
        },
        {"if": {"required": ["list-separator"]}, "then": {"required": ["list"]}},
    ],
}
SCHEMA = {
    "type": "object",
    "required": [
        *("name", "description", "command-line", "schema-version", "inputs", "tool-version")
    ],
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("name", "description", "command-line", "author", "url"), _TEXT),
        "tool-version": _TEXT,
        "schema-version": {"const": "0.5"},
        "tags": {"type": "object"},
        "inputs": {"type": "array", "items": _INPUT, "minItems": 1},
        "output-files": {
            "type": "array",
            "items": {"type": "object", "required": ["id", "name", "path-template"]},
        },
        "error-codes": {
            "type": "array",
            "items": {
                "required": ["code", "description"],
                "properties": {"code": {"type": "integer"}, "description": _TEXT},
            },
        },
    },
}


@pytest.fixture(scope="module")
def descriptor():
    return json.loads(DESCRIPTOR.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def command():
    """The command itself."""
    return typer.main.get_command(app).commands["bids"]


def example(one: dict) -> str:
    """What an invocation gives for an input, as Boutiques puts it into the command line."""
    flag = one.get("command-line-flag", "")
    if one["type"] == "Flag":
        return flag
    value = {"device": "cpu"}.get(one["id"], one.get("value-choices", ["1"])[0])
    if one.get("list"):
        value = one.get("list-separator", " ").join(["T2w", "02"])
    return f"{flag} {value}".strip()


def test_it_keeps_to_the_format(descriptor):
    jsonschema.validate(descriptor, SCHEMA)
    inputs = descriptor["inputs"]
    assert len({one["id"] for one in inputs}) == len({one["value-key"] for one in inputs})
    keys = re.findall(r"\[[A-Z_]+\]", descriptor["command-line"])
    assert keys == [one["value-key"] for one in inputs], "each once, in one order"
    templates = [one["path-template"] for one in descriptor["output-files"]]
    assert set(re.findall(r"\[[A-Z_]+\]", " ".join(templates))) <= set(keys)


def test_a_wrong_descriptor_is_recognised(descriptor):
    for key in SCHEMA["required"]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({k: v for k, v in descriptor.items() if k != key}, SCHEMA)
    flag = {"id": "x", "name": "x", "type": "Flag", "value-key": "[X]"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**descriptor, "inputs": [flag]}, SCHEMA)


def test_it_is_of_this_version(descriptor):
    assert descriptor["tool-version"] == __version__


def test_it_has_the_options_of_the_command(descriptor, command):
    flags = {one["command-line-flag"] for one in descriptor["inputs"] if "command-line-flag" in one}
    options = [
        {*one.opts, *one.secondary_opts}
        for one in command.params
        if one.param_type_name == "option" and not {"--help", "--json", "--debug"} & {*one.opts}
    ]

    assert [flag for flag in flags if not any(flag in one for one in options)] == []
    assert [one for one in options if not one & flags] == []
    required = [one["id"] for one in descriptor["inputs"] if not one.get("optional")]
    assert required == [one.name for one in command.params if one.param_type_name == "argument"]


def test_its_command_line_is_understood(descriptor, command):
    line = descriptor["command-line"]
    for one in descriptor["inputs"]:
        line = line.replace(one["value-key"], example(one))
    program, name, *words = shlex.split(line)

    assert (program, name) == ("softcord", "bids")
    read = command.make_context(name, words).params
    # By version of Typer lists or tuples.
    for name in ("participant_label", "session_label", "suffixes"):
        assert list(read[name]) == ["T2w", "02"]
    assert read["nprocs"] == 1
    assert read["level"] == "participant"
    assert read["resume"] is False
    assert read["verify"] is True

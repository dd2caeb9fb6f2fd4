"""The names before; see :mod:`SoftCordSegLib.files`."""

from ..files import (
    check_folder,
    check_names_differ,
    check_not_an_input,
    json_text,
    text_writer,
    write_together,
)

check_names = check_names_differ

__all__ = [
    "check_folder",
    "check_names",
    "check_not_an_input",
    "json_text",
    "text_writer",
    "write_together",
]

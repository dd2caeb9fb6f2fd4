"""The names before; see :mod:`.shared_options`."""

from .shared_options import (
    BoxText,
    Debug,
    Device,
    Json,
    Model,
    Threads,
    TimeText,
    parse_box,
    parse_crop,
    parse_time,
)

__all__ = [
    "BoxText",
    "Debug",
    "Device",
    "Json",
    "Model",
    "Threads",
    "TimeText",
    "parse_box",
    "parse_crop",
    "parse_time",
]

"""Models from strangers, by kind and by seed: archives, bundles, checkpoints and nnU-Net folders
that are to be refused.
"""

from __future__ import annotations

import json
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import safetensors.torch
import torch

from network.nnunet_folders import plans, write_result_folder
from network.plain_conv_net import lightning_checkpoint, random_net
from SoftCordSegLib.errors import ModelError, OutputError
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.network import Stage, save_bundle
from SoftCordSegLib.network.install_model import install_archive
from SoftCordSegLib.network.store import Store
from SoftCordSegLib.network.unet import UNet
from SoftCordSegLib.network.unet_config import UNetConfig

SHAPE = {"features": (2, 4), "strides": ((1, 1, 1), (2, 2, 2))}
NAMES = ("models/locator.safetensors", "models/segmenter.safetensors")
CODE = "cposix\nsystem\n(S'touch {path}'\ntR."
# What no setting of a model can be.
JUNK = (
    None,
    {},
    {"a": 1},
    "",
    "x",
    "1",
    True,
    float("nan"),
    float("inf"),
    -float("inf"),
    -1,
    -0.5,
    10**9,
    10**400,
    1e308,
    [[[[]]]],
    ["x"] * 3,
    [10**9] * 3,
    [float("nan")] * 3,
    "\0",
    "\ud800",
    "../../x",
)


def bundle(folder: Path) -> Path:
    """A small and sound bundle."""
    torch.manual_seed(0)
    states = {name: UNet(UNetConfig(**SHAPE)).state_dict() for name in NAMES}
    stages = [Stage(name, *SHAPE.values(), 2.0, (8, 8, 8), 0.25, "sigmoid") for name in NAMES]
    metadata = {"name": "small", "version": "1", "license": "none"}
    inference = {"orientation": "LAS", "locator": stages[0], "segmenter": stages[1]}
    save_bundle(folder, metadata, inference, states)
    return folder


def zipped(folder: Path, path: Path) -> Path:
    """The files of a folder in an archive."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


def _edited(folder: Path, name: str, change: Callable[[dict], object]) -> None:
    path = folder / "configs" / f"{name}.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def _weights(folder: Path, write: Callable[[Path], object], random: Random) -> None:
    """Write other weights, and their SHA-256."""
    name = random.choice(NAMES)
    write(folder / name)
    sha256 = file_sha256(folder / name)
    _edited(folder, "metadata", lambda content: content["weights"].update({name: sha256}))


def _state(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / NAMES[0])


def escapes(random: Random, folder: Path, path: Path) -> Path:
    """An entry that leads out of the folder."""
    up = "../" * random.randint(1, 5)
    names = (f"{up}evil.json", f"/tmp/{random.random()}.json", "C:/evil.json", f"a/{up}../b.ckpt")
    with zipfile.ZipFile(zipped(folder, path), "a") as archive:
        archive.writestr(random.choice(names), b"{}")
    return path


def links(random: Random, folder: Path, path: Path) -> Path:
    """An entry that is a link, a pipe or a device."""
    entry = zipfile.ZipInfo(random.choice(("models/a.safetensors", "configs", "b.txt")))
    kind = random.choice((stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK, stat.S_IFCHR, stat.S_IFSOCK))
    entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
    with zipfile.ZipFile(zipped(folder, path), "a") as archive:
        archive.writestr(entry, random.choice(("/etc/passwd", "../..", ".")))
    return path


def bombs(random: Random, folder: Path, path: Path) -> Path:
    """An entry that grows when it is unpacked, or thousands of entries."""
    with zipfile.ZipFile(zipped(folder, path), "a", zipfile.ZIP_DEFLATED) as archive:
        if random.random() < 0.3:
            for number in range(5001):
                archive.writestr(f"{number}.txt", b"")
        else:
            archive.writestr("models/x.ckpt", bytes(random.randint(2, 12) << 20))
    return path


def liars(random: Random, folder: Path, path: Path) -> Path:
    """The directory of the archive contradicts its entries."""
    data = bytearray(zipped(folder, path).read_bytes())
    entries = [n for n in range(len(data)) if data[n : n + 4] == b"PK\x01\x02"]
    entry = random.choice(entries)
    # Flags, method, check sum, size packed, size unpacked.
    offset, value = random.choice(
        ((8, b"\x01\x00"), (10, b"\x63\x00"), (16, b"\1\2\3\4"), (24, struct.pack("<I", 3)))
    )
    data[entry + offset : entry + offset + len(value)] = value
    path.write_bytes(data)
    return path


def cut(random: Random, folder: Path, path: Path) -> Path:
    """The archive ends early."""
    data = zipped(folder, path).read_bytes()
    path.write_bytes(data[: random.randrange(len(data) - 22)])
    return path


def altered_weights(random: Random, folder: Path, path: Path) -> Path:
    """A byte of the weights is another one."""
    name = folder / random.choice(NAMES)
    data = bytearray(name.read_bytes())
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    name.write_bytes(data)
    return zipped(folder, path)


def settings(random: Random, folder: Path, path: Path) -> Path:
    """A setting of a network is of another type, NaN, or without bounds."""

    def change(content: dict) -> None:
        stage = content[random.choice(("locator", "segmenter"))]
        stage[random.choice(sorted(stage))] = random.choice(JUNK)

    _edited(folder, "inference", change)
    return zipped(folder, path)


def missing(random: Random, folder: Path, path: Path) -> Path:
    """A setting or a file is missing."""
    if random.random() < 0.3:
        (folder / random.choice((*NAMES, "configs/inference.json"))).unlink()
        return zipped(folder, path)

    def change(content: dict) -> None:
        part = random.choice((content, content["locator"], content["segmenter"]))
        del part[random.choice(sorted(part))]

    _edited(folder, "inference", change)
    return zipped(folder, path)


def metadata(random: Random, folder: Path, path: Path) -> Path:
    """What the bundle says of itself is of another type."""
    key = random.choice(("name", "version", "license", "weights"))
    junk = [value for value in JUNK if not (isinstance(value, str) and value in ("x", "1"))]
    value = random.choice([one for one in junk if one != "../../x"])
    _edited(folder, "metadata", lambda content: content.update({key: value}))
    return zipped(folder, path)


def texts(random: Random, folder: Path, path: Path) -> Path:
    """A configuration that is no JSON, too deep, or no text."""
    name = random.choice(("inference", "metadata"))
    depth = random.randint(2000, 200_000)
    content = (b"[" * depth, b'{"a":' * depth, b"", b"\xff\xfe\x00", b"{", b"[]", b"9" * 5000)
    (folder / "configs" / f"{name}.json").write_bytes(random.choice(content))
    return zipped(folder, path)


def outside(random: Random, folder: Path, path: Path) -> Path:
    """The weights are said to lie elsewhere, or to be of a format that runs code."""
    names = (
        "../x.safetensors",
        "/etc/passwd",
        "models/x.pt",
        "models",
        "models/../../x.safetensors",
    )

    def change(content: dict) -> None:
        content["segmenter"]["weights"] = random.choice(names)

    _edited(folder, "inference", change)
    return zipped(folder, path)


def numbers(random: Random, folder: Path, path: Path) -> Path:
    """Weights that are not finite, of another type or shape, too many or too few."""
    state = _state(folder)
    key = random.choice(sorted(state))
    value = random.choice((float("nan"), float("inf"), -float("inf")))
    kind = random.randrange(5)
    if kind == 0:
        flat = state[key].view(-1)
        flat[random.randrange(len(flat))] = value
    elif kind == 1:
        state[key] = state[key].to(random.choice((torch.int8, torch.int64, torch.bool)))
    elif kind == 2:
        state[key] = torch.zeros(tuple(state[key].shape) + (random.randint(2, 5),))
    elif kind == 3:
        del state[key]
    else:
        state[f"{key}.more"] = torch.zeros(random.randint(1, 9))
    _weights(folder, lambda file: safetensors.torch.save_file(state, file), random)
    return zipped(folder, path)


def heads(random: Random, folder: Path, path: Path) -> Path:
    """The head of the weight file is wrong."""
    good = (folder / NAMES[0]).read_bytes()
    size = struct.unpack("<Q", good[:8])[0]
    head = json.loads(good[8 : 8 + size])
    kind = random.randrange(5)
    if kind == 0:
        data = struct.pack("<Q", random.choice((0, 1 << 62, len(good) * 2, size - 1))) + good[8:]
    elif kind == 1:
        data = good[: random.randrange(len(good))]
    elif kind == 2:
        text = b"[" * random.randint(1000, 100_000)
        data = struct.pack("<Q", len(text)) + text
    else:
        entry = head[random.choice([key for key in head if key != "__metadata__"])]
        entry[random.choice(("shape", "data_offsets"))] = random.choice(
            ([1 << 40], [-1], [0, 1 << 60], "x", None)
        )
        text = json.dumps(head).encode()
        data = struct.pack("<Q", len(text)) + text + good[8 + size :]
    _weights(folder, lambda file: file.write_bytes(data), random)
    return zipped(folder, path)


def checkpoints(random: Random, folder: Path, path: Path) -> Path:
    """A checkpoint with code, with weights that are none, or packed as PyTorch never does."""
    shutil.rmtree(folder)
    folder.mkdir()
    file = folder / "best_model.ckpt"
    content = lightning_checkpoint(random_net(0, **SHAPE))
    state = content["state_dict"]
    key = random.choice(sorted(state))
    kind = random.randrange(7)
    if kind == 0:
        file.write_bytes(CODE.format(path=path.parent / "ran").encode())
    elif kind == 1:
        torch.save({**content, "state_dict": {**state, key: _Code(str(path.parent / "ran"))}}, file)
    elif kind == 2:
        state[key] = torch.full_like(state[key], random.choice((float("nan"), float("inf"))))
        torch.save(content, file)
    elif kind == 3:
        state[key] = torch.zeros(1).expand(10**6, 10**6)
        torch.save(content, file)
    elif kind == 4:
        state[key] = random.choice((None, "x", 5, {}, torch.zeros(3, dtype=torch.int32)))
        torch.save(content, file)
    elif kind == 5:
        torch.save(content, file)
        data = file.read_bytes()
        file.write_bytes(data[: random.randrange(len(data) - 30)])
    else:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", bytes(100 << 20))
            archive.writestr("archive/version", b"3")
    return zipped(folder, path)


def nnunet(random: Random, folder: Path, path: Path) -> Path:
    """Plans of nnU-Net with a number that is none, or without bounds."""
    shutil.rmtree(folder)
    folder.mkdir()
    style = random.choice(("old", "new"))
    content = plans(style)
    settings = content["configurations"]["3d_fullres"]
    kwargs = settings["architecture"]["arch_kwargs"] if style == "new" else settings
    keys = (
        ("features_per_stage", "strides", "kernel_sizes", "n_conv_per_stage", "n_stages")
        if style == "new"
        else ("unet_max_num_features", "pool_op_kernel_sizes", "n_conv_per_stage_encoder")
    )
    part, key = random.choice(
        [(kwargs, key) for key in keys]
        + [(settings, "spacing"), (settings, "patch_size"), (settings, "normalization_schemes")]
        + [(content, "transpose_forward"), (content, "configurations")]
    )
    part[key] = random.choice(JUNK)
    write_result_folder(folder, content)
    return zipped(folder, path)


class _Code:
    def __init__(self, path: str):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


KINDS: tuple[Callable[[Random, Path, Path], Path], ...] = (
    *(escapes, links, bombs, liars, cut, altered_weights, settings, missing, metadata, texts),
    *(outside, numbers, heads, checkpoints, nnunet),
)


def cases(count: int, seed: int = 0) -> Iterator[tuple[str, Callable[[Path], Path]]]:
    """(name, function that makes the archive in an empty folder) of each hostile model."""
    for number in range(count):
        kind = KINDS[number % len(KINDS)]

        def make(folder: Path, kind=kind, number=number) -> Path:
            return kind(Random(f"{seed} {number}"), bundle(folder / "in"), folder / "model.zip")

        yield f"{kind.__name__} {number}", make


def attempt(make: Callable[[Path], Path], folder: Path) -> str:
    """Install a hostile model: "accepted", "refused: why", or what was left behind.

    Raises:
        Exception: any that is not a sentence.
    """
    archive = make(folder)
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    store = Store(folder / "store")
    try:
        install_archive(archive, store, name="mine")
        return "accepted"
    except (ModelError, OutputError) as error:
        why = str(error)
    after = sorted(
        path.relative_to(folder) for path in folder.rglob("*") if path != folder / "store"
    )
    return f"refused: {why}" if after == before else f"left: {sorted({*after} ^ {*before})}"

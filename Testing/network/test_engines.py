"""Which engine runs a network, on which device."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from SoftCordSegLib.errors import OptionError
from SoftCordSegLib.network import engines
from SoftCordSegLib.network.engines import Engine, NoEngine, choose_engine


@pytest.fixture
def installed(monkeypatch):
    """Says what is installed, and whether PyTorch has a graphics card."""

    def install(*libraries, card=False):
        monkeypatch.setattr(engines, "is_installed", lambda library: library in libraries)
        monkeypatch.setattr(engines, "_has_graphics_card", lambda: card)

    return install


def test_a_cpu_runs_openvino_where_it_is_installed_and_pytorch_elsewhere(installed):
    installed("openvino", "pytorch")
    assert choose_engine("auto") == choose_engine("cpu") == Engine("openvino", "cpu")
    assert choose_engine("auto", needs_pytorch=True) == Engine("pytorch", "cpu")
    assert choose_engine("pytorch") == Engine("pytorch", "cpu")
    installed("pytorch")
    assert choose_engine("auto") == choose_engine("cpu") == Engine("pytorch", "cpu")


def test_a_graphics_card_is_taken_by_itself(installed):
    installed("openvino", "pytorch", card=True)
    assert choose_engine("auto") == Engine("pytorch", "cuda")
    assert choose_engine("cpu") == Engine("openvino", "cpu")


@pytest.mark.parametrize("device", ["foo", "gpu", "cuda:x", "", "cpu:99:1"])
def test_what_is_no_device_is_a_sentence(installed, device):
    for libraries in (("openvino",), ("openvino", "pytorch"), ()):
        installed(*libraries)
        with pytest.raises(OptionError, match=f"'{device}' is not a device") as caught:
            choose_engine(device)
        assert "cpu" in caught.value.hint


def test_cuda_without_a_card_or_without_pytorch_is_a_sentence(installed):
    with pytest.raises(OptionError, match="cuda:99"):
        choose_engine("cuda:99")
    installed("openvino")
    with pytest.raises(NoEngine, match="PyTorch is not installed") as caught:
        choose_engine("cuda")
    assert "pip install torch" in caught.value.hint


def test_without_any_engine_it_says_which_to_install(installed):
    installed()
    with pytest.raises(NoEngine, match="Neither OpenVINO nor PyTorch") as caught:
        choose_engine("auto")
    assert "pip install openvino" in caught.value.hint
    installed("openvino")
    with pytest.raises(NoEngine, match="This model's network runs with PyTorch"):
        choose_engine("auto", needs_pytorch=True)
    with pytest.raises(OptionError, match="nnU-Net"):
        choose_engine("openvino", needs_pytorch=True)


def test_choosing_imports_neither_engine():
    library = str(Path(engines.__file__).parents[2])
    code = (
        f"import sys; sys.path.insert(0, {library!r})\n"
        "from SoftCordSegLib.network.engines import choose_engine\n"
        "print(choose_engine('cpu').name, 'torch' in sys.modules, 'openvino' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    name, torch, openvino = run.stdout.strip().rsplit(" ", 2)
    assert (torch, openvino) == ("False", "False")
    assert name.split()[0] in ("OpenVINO", "PyTorch")

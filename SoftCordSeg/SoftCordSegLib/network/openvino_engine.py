"""Networks run by OpenVINO: the U-Net as a graph of its operations, made from the weights of a
bundle when it is opened.

The graph is that of :class:`.unet.UNet` in evaluation mode.  Weights stay in half precision until
OpenVINO widens them.  Where the processor multiplies bfloat16, all layers but the last one of our
own networks take their products in it (sums in single precision): a third less time, and areas
differ by some hundredths of a percent (``Testing/bench/bench_engines.py``).

Compiled networks are not cached on disk: compiling takes 0.1 s, reading the 8 MB that OpenVINO
would store for each size of tile as long.
"""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from concurrent.futures import Future
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import numpy as np

from ..processes import free_addresses
from ..threads import thread_count
from .engines import Check, Predict, check_finite
from .unet_config import UNetConfig
from .weights import read_weights

# Names of the operations' arguments differ between OpenVINO's sets; these are in 2024.0 and later.
_EPSILON = 1e-5
_SLOPE = 0.01
# While a tile is computed the user's wish to stop is looked at so often, ms.
_PATIENCE_MS = 50
# The locator's and the segmenter's of one image stay compiled, for the next image of the same size.
_COMPILED_KEPT = 2
# With fewer addresses left, two threads that compile at once hang or end the process when these run
# out (seen between 690 and 780 MB); one alone gives an error that can be said.
_ADDRESSES_FOR_TWO = 2 << 30


def openvino_predict(
    path: Path, config: UNetConfig, check: Check, rounded: bool = False
) -> Predict:
    """The network as a function of one tile; compiled at its first tile of each size.

    Args:
        path: its weights.
        config: its shape.
        check: called again and again while a tile is computed; what it raises stops that tile.
        rounded: let layers multiply in bfloat16 where the processor does.

    Raises:
        ModelError: the weights do not fit the shape; by the function that is returned, where an
            output is not finite.
    """
    weights = None if _is_compiled(path, config) else read_weights(path, config)

    def predict(tile: np.ndarray) -> np.ndarray:
        check()
        compiled = _compiled(path, config, tile.shape, rounded, weights)
        request = compiled.create_infer_request()
        request.start_async({0: np.ascontiguousarray(tile, np.float32)[None, None]})
        try:
            while not request.wait_for(_PATIENCE_MS):
                check()
        except BaseException:
            request.cancel()
            raise
        return check_finite(np.array(request.get_output_tensor(0).data[0]))

    return predict


def openvino_prepare(
    path: Path, config: UNetConfig, tile: tuple[int, ...], rounded: bool = False
) -> None:
    """Compile a network in the background, while the image is read or resampled: most of it runs
    outside Python.

    What fails here fails again, and is said, when the network is used.  Where a limit leaves few
    addresses, it is compiled then only.

    Args:
        path, config, rounded: as in :func:`openvino_predict`.
        tile: (i, j, k), multiples of ``config.divisor``.
    """
    free = free_addresses()
    if free is not None and free < _ADDRESSES_FOR_TWO:
        return

    def compile_it() -> None:
        with contextlib.suppress(Exception):
            _compiled(path, config, tile, rounded)

    Thread(target=compile_it, name="softcord-compile").start()


def release_layers(path: Path) -> None:
    """Give back what a network's layers took when it ran, for tiles of any size; it stays compiled,
    and takes them again at its next tile.

    A network that another thread is running keeps them.

    Args:
        path: its weights.
    """
    with _lock:
        found = [one for key, one in _networks.items() if key[0] == str(path)]
    for network in (one.result() for one in found if _is_ready(one)):
        with contextlib.suppress(RuntimeError):  # it is running
            network.release_memory()


def forget_compiled() -> None:
    """Let go of compiled networks and their memory."""
    with _lock:
        _networks.clear()


def unet_graph(config: UNetConfig, weights: dict[str, np.ndarray], tile: tuple[int, ...]) -> Any:
    """``openvino.Model`` of a U-Net: (1, channels_in, i, j, k) to raw outputs (1, channels_out, i,
    j, k), float32.

    Args:
        config: its shape.
        weights: by the names of :class:`.unet.UNet`.
        tile: (i, j, k), multiples of ``config.divisor``.
    """
    return _Graph(config, weights).model(tile)


class _Graph:
    def __init__(self, config: UNetConfig, weights: dict[str, np.ndarray]):
        import openvino.opset13 as operations

        self.config, self.weights, self.op = config, weights, operations

    def model(self, tile: tuple[int, ...]) -> Any:
        import openvino

        config, op = self.config, self.op
        image = op.parameter([1, config.channels_in, *tile], np.float32, name="tile")
        x, skips = image, []
        for level, stride in enumerate(config.strides):
            x = self.stage(x, f"encoder.{level}", stride, config.encoder_counts[level])
            skips.append(x)
        skips.pop()
        for number, count in enumerate(config.decoder_counts):
            x = op.concat([self.up(x, number), skips.pop()], 1)
            x = self.stage(x, f"decoder.{number}", (1, 1, 1), count)
        return openvino.Model([self.head(x, f"heads.{number}")], [image], "unet")

    def stage(self, x: Any, name: str, stride: tuple[int, ...], count: int) -> Any:
        for number in range(count):
            block = f"{name}.{number}"
            x = self.convolution(x, f"{block}.conv", stride if number == 0 else (1, 1, 1))
            x = self.op.mvn(x, self.op.constant(np.array([2, 3, 4])), True, _EPSILON, "inside_sqrt")
            x = self.op.multiply(x, self.channels(f"{block}.norm.weight"))
            x = self.op.add(x, self.channels(f"{block}.norm.bias"))
            x = self.op.prelu(x, self.op.constant(np.array([_SLOPE], np.float32)))
        return x

    def convolution(self, x: Any, name: str, stride: tuple[int, ...] = (1, 1, 1)) -> Any:
        kernel = self.weights[f"{name}.weight"].shape[2:]
        margin = [n // 2 for n in kernel]
        weight = self.constant(f"{name}.weight")
        x = self.op.convolution(x, weight, list(stride), margin, margin, [1, 1, 1])
        return self.with_bias(x, name)

    def head(self, x: Any, name: str) -> Any:
        """The last layer, a weighted sum of the channels: written as a convolution OpenVINO would
        take its products in bfloat16, and one rounded weight moves the edge of every cord.
        """
        sums = [
            self.op.reduce_sum(
                self.op.multiply(x, self.op.constant(row.reshape(1, -1, 1, 1, 1))),
                self.op.constant(np.array([1])),
                True,
            )
            for row in self.weights[f"{name}.weight"].astype(np.float32)
        ]
        return self.with_bias(sums[0] if len(sums) == 1 else self.op.concat(sums, 1), name)

    def up(self, x: Any, number: int) -> Any:
        name = f"upsample.{number}"
        stride = list(self.weights[f"{name}.weight"].shape[2:])
        x = self.op.convolution_backprop_data(
            x,
            self.constant(f"{name}.weight"),
            stride,
            pads_begin=[0, 0, 0],
            pads_end=[0, 0, 0],
            dilations=[1, 1, 1],
        )
        return self.with_bias(x, name)

    def with_bias(self, x: Any, name: str) -> Any:
        bias = f"{name}.bias"
        return self.op.add(x, self.channels(bias)) if bias in self.weights else x

    def constant(self, name: str) -> Any:
        values = self.weights[name]
        if values.dtype == np.float16:
            return self.op.convert(self.op.constant(values), np.float32)
        return self.op.constant(values.astype(np.float32))

    def channels(self, name: str) -> Any:
        """One value a channel."""
        return self.op.constant(self.weights[name].astype(np.float32).reshape(1, -1, 1, 1, 1))


# Compiled, or being compiled by another thread.
_networks: OrderedDict[tuple, Future[Any]] = OrderedDict()
_lock = Lock()


def _identity(path: Path, config: UNetConfig) -> tuple:
    found = path.stat()
    return (str(path), found.st_mtime_ns, found.st_size, config)


def _is_ready(network: Future[Any]) -> bool:
    return network.done() and network.exception() is None


def _is_compiled(path: Path, config: UNetConfig) -> bool:
    """For a tile of any size: then the weights were read and found to fit."""
    identity = _identity(path, config)
    with _lock:
        return any(key[:4] == identity and _is_ready(one) for key, one in _networks.items())


def _compiled(
    path: Path,
    config: UNetConfig,
    tile: tuple[int, ...],
    rounded: bool,
    weights: dict[str, np.ndarray] | None = None,
) -> Any:
    """The network for this size of tile, compiled once in a process as long as it stays in use."""
    threads = thread_count()
    key = (*_identity(path, config), tuple(tile), rounded, threads)
    with _lock:
        found = _networks.get(key)
        if found is None:
            while len(_networks) >= _COMPILED_KEPT:
                _networks.popitem(last=False)  # before the next one asks for memory
            future: Future[Any] = Future()
            _networks[key] = future
        else:
            _networks.move_to_end(key)
    if found is not None:
        return found.result()
    try:
        future.set_result(_compile(path, config, tile, rounded, weights, threads))
    except BaseException as error:
        with _lock:
            _networks.pop(key, None)
        future.set_exception(error)
        raise
    return future.result()


def _compile(
    path: Path,
    config: UNetConfig,
    tile: tuple[int, ...],
    rounded: bool,
    weights: dict[str, np.ndarray] | None,
    threads: int | None,
) -> Any:
    weights = read_weights(path, config) if weights is None else weights
    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": _rounded_precision() if rounded else "f32",
        "PERFORMANCE_HINT": "LATENCY",
        # Each process would tie its threads to the same first cores: two were as slow as one.
        "ENABLE_CPU_PINNING": False,
        **({} if threads is None else {"INFERENCE_NUM_THREADS": threads}),
    }
    return _core().compile_model(unet_graph(config, weights, tile), "CPU", settings)


def _rounded_precision() -> str:
    """What layers multiply in where they may be rounded, by OpenVINO's name."""
    # Its own functions do not know of such a limit: asked for bfloat16 beyond it, it fails.
    if any(name in os.environ for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")):
        return "f32"
    known = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in known else "f32"


_shared_core: Any = None
_core_lock = Lock()


def _core() -> Any:
    """OpenVINO's entry, one a process: making it takes a tenth of a second."""
    global _shared_core
    with _core_lock:
        if _shared_core is None:
            import openvino

            _shared_core = openvino.Core()
        return _shared_core

"""Networks run by PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..threads import thread_count
from .engines import Check, Predict, check_finite

if TYPE_CHECKING:
    import torch


def pytorch_predict(
    network: torch.nn.Module, device: str, check: Check, channels_last: bool = False
) -> Predict:
    """A network as a function of one tile.

    Args:
        network: in evaluation mode; its output is a tensor, or a list with the full resolution
            first.
        device: "cpu", "cuda", …
        check: called before each tile; PyTorch cannot be stopped within one.
        channels_last: order of the voxels in memory; faster for narrow networks such as ours,
            slower for the paper's.

    Raises:
        ModelError: by the function that is returned, where an output is not finite.
    """
    import torch

    order = torch.channels_last_3d if channels_last else torch.contiguous_format
    threads = thread_count()
    if threads is not None and device == "cpu":
        torch.set_num_threads(threads)
    network = network.to(device=device, memory_format=order)  # type: ignore[call-overload]

    def predict(tile: np.ndarray) -> np.ndarray:
        check()
        with torch.inference_mode():
            tensor = torch.from_numpy(np.ascontiguousarray(tile))[None, None].to(device)
            output = network(tensor.contiguous(memory_format=order))
            output = output[0] if isinstance(output, (list, tuple)) else output
            return check_finite(output[0].float().cpu().numpy())

    return predict

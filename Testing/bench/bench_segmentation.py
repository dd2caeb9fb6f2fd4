"""Ours against the paper's own network and pipeline: image file to soft-mask file, each in a
process of its own.

The paper's pipeline (section 2.3; order 2 spline to 1 mm, centre crop 64 x 192 x S-I, padding to
multiples of 32, z-score, Gaussian sliding window of 64 x 192 x 320 at half overlap, NormReLU,
inverse) runs here with random weights: they cost the same time.  Times include the start of Python
and its imports, as a user at the shell waits for them.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMAGES = ("sub-01_acq-MTon_MTS", "sub-single_t2_lumbar")


def run_ours(image: Path, output: Path) -> None:
    """The command that a user types."""
    from SoftCordSegLib.cli.app import main as softcord

    sys.argv = ["softcord", "segment", str(image), "-o", str(output.parent)]
    try:
        softcord()
    except SystemExit as done:
        if done.code:
            raise
    (output.parent / f"{image.name.split('.')[0]}_label-SC_softseg.nii.gz").rename(output)


def run_paper(image: Path, output: Path) -> None:
    """The authors' way, from MONAI's parts and the paper's network."""
    import nibabel
    import torch
    from monai import transforms
    from monai.data import MetaTensor
    from monai.inferers import sliding_window_inference

    from SoftCordSegLib.network.unet import PAPER, UNet

    before = transforms.Compose(
        [
            transforms.LoadImaged("image", ensure_channel_first=True),
            transforms.Orientationd(
                "image", axcodes="RPI", labels=(("L", "R"), ("P", "A"), ("I", "S"))
            ),
            transforms.Spacingd("image", pixdim=(1, 1, 1), mode=2),
            transforms.ResizeWithPadOrCropd("image", (64, 192, -1)),
            transforms.DivisiblePadd("image", 32, mode="edge"),
            transforms.NormalizeIntensityd("image"),
        ]
    )
    after = transforms.Invertd("pred", transform=before, orig_keys="image", nearest_interp=False)
    network = UNet(PAPER).eval()
    sample = before({"image": str(image)})
    with torch.inference_mode():
        raw = sliding_window_inference(
            sample["image"][None],
            (64, 192, 320),
            4,
            lambda x: network(x)[0],
            overlap=0.5,
            mode="gaussian",
        )[0]
        positive = torch.relu(raw)
        sample["pred"] = MetaTensor(positive / positive.max(), meta=sample["image"].meta)
        sample["pred"].applied_operations = sample["image"].applied_operations
        mask = after(sample)["pred"][0]
    nibabel.save(nibabel.Nifti1Image(mask.numpy(), mask.affine.numpy()), output)


def measure(which: str, image: Path) -> dict[str, float]:
    """Seconds and peak MB of one run in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "mask.nii.gz"
        start = time.perf_counter()
        command = [
            sys.executable,
            __file__,
            "--run",
            which,
            "--image",
            str(image),
            "--output",
            str(output),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, encoding="utf-8"
        )
        seconds = time.perf_counter() - start
        if done.returncode != 0 or not output.exists():
            raise SystemExit(f"{which} failed on {image}:\n{done.stderr}")
    return {"seconds": seconds, **json.loads(done.stdout.splitlines()[-1])}


def main() -> None:
    """Print the table, or do one run for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--run", choices=("ours", "paper"))
    parser.add_argument("--image", type=Path)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.run:
        {"ours": run_ours, "paper": run_paper}[options.run](options.image, options.output)
        print(json.dumps({"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
        return
    print(
        f"{'image':24} {'ours, s':>8} {'peak MB':>8} {'paper, s':>9} {'peak MB':>8}"
        f" {'times faster':>13}"
    )
    for name in IMAGES:
        image = options.data / "images" / "sct-tutorial" / f"{name}.nii.gz"
        if not image.exists():
            print(f"{name:24} skipped: '{image}' is not here (use --data)")
            continue
        ours, paper = measure("ours", image), measure("paper", image)
        print(
            f"{name:24} {ours['seconds']:8.1f} {ours['peak_mb']:8.0f} {paper['seconds']:9.1f}"
            f" {paper['peak_mb']:8.0f} {paper['seconds'] / ours['seconds']:13.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""A trainer in plain PyTorch: endless, resumable to the same curve, on a CPU in the background or
on a GPU for ten minutes.

It imports nothing but torch, numpy, scipy and safetensors, so that it runs where only these are
installed.  Importing this package does not import torch.
"""

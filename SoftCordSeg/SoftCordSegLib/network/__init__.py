"""Floor 1: network architectures, NormReLU and model bundles.

Importing this package does not import torch; ``network.unet`` does.
"""

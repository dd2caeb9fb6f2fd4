"""The paper's recipe: whole images of a list, MONAI's augmentations and a Lightning loop.

Importing this package does not import torch.
"""

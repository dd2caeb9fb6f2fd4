"""The authors' released weights: reading their files, and turning them into bundles.

Importing this package does not import torch.
"""

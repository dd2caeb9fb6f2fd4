"""Floor 2: synthetic anatomy, loss and the resumable loop that trains a bundle.

Importing this package does not import torch.
"""

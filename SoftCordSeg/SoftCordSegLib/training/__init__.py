"""Floor 3: training networks, and teaching a bundle from corrected cases.

``generator`` makes batches of patches (synthetic anatomy, and real images from a ``packed`` file),
``trainer`` trains a network on them in plain PyTorch and resumes exactly; ``recipes/`` of the
repository train the shipped models with both.  ``finetune`` goes on from a bundle with corrected
cases.  ``paper`` is the paper's recipe: whole images of a list, MONAI's augmentations, Lightning.

Importing this package does not import torch.
"""

"""Floor 2: from data to a bundle, by one way.

``config`` reads what to train, ``sources`` builds where images come from (``synthetic`` anatomy,
patches of ``real`` images, whole ``cases`` of a list), ``loop`` trains one network with Lightning,
``chain`` all networks of a configuration and their bundle.

Importing this package does not import torch.
"""

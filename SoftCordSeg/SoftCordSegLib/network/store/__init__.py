"""Models beside the shipped ones: the authors' releases, and the folder where what was downloaded
or given is kept.

Importing this package does not import torch.
"""

from .find import find_bundle, open_bundle
from .folder import Store, installed_bundles, models_folder
from .install import install_archive, install_release
from .releases import Release, release_named, releases

__all__ = [
    "Release",
    "Store",
    "find_bundle",
    "install_archive",
    "install_release",
    "installed_bundles",
    "models_folder",
    "open_bundle",
    "release_named",
    "releases",
]

"""Names the packages; everything else is in pyproject.toml.

Slicer wants a module's resources beside its library (``SoftCordSeg/Resources``), a wheel wants them
inside the package: here they are mapped to ``SoftCordSegLib/Resources``.
``SoftCordSegLib.resources.resources_folder`` finds them in both places.
"""

from pathlib import Path

from setuptools import find_packages, setup

LIBRARY = "SoftCordSeg"
RESOURCES = Path(LIBRARY) / "Resources"

setup(
    packages=[
        *find_packages(LIBRARY, include=["SoftCordSegLib", "SoftCordSegLib.*"]),
        "SoftCordSegLib.Resources",
    ],
    package_dir={"": LIBRARY, "SoftCordSegLib.Resources": RESOURCES.as_posix()},
    package_data={
        "": ["py.typed", "*.yaml"],
        # The templates of pages, with their styles and scripts.
        "SoftCordSegLib.reports": ["templates/*"],
        "SoftCordSegLib.Resources": [
            path.relative_to(RESOURCES).as_posix()
            for path in RESOURCES.rglob("*")
            if path.is_file()
        ],
    },
    include_package_data=False,
)

"""Floor 3: MRML, and no Qt: volumes, the soft mask and its segment, discs, box, tables, plots,
saving, pictures.

Every function takes its scene or nodes as arguments, so that it works inside Slicer
(``slicer.mrmlScene``) and with the ``slicer-core`` package alone
(:func:`SoftCordSegLib.scene.offscreen.start`).  Importing this package loads neither vtk nor
slicer; each module does where it needs them.
"""

from ..errors import SoftCordSegError


class SlicerMissing(SoftCordSegError):
    """Neither Slicer nor the package slicer-core is installed."""


def require_slicer():
    """The ``slicer`` package.

    Raises:
        SlicerMissing: it cannot be imported; the hint says what to install.
    """
    try:
        import slicer
    except ImportError as error:
        raise SlicerMissing(
            f"The scene needs 3D Slicer's classes, which this Python does not have ({error}).",
            hint="Install them with: pip install slicer-core (or run inside 3D Slicer).",
        ) from error
    return slicer

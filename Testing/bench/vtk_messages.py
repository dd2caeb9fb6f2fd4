"""VTK's own messages, which the figures of a bench would be lost among."""

from __future__ import annotations


def print_no_messages() -> None:
    """Keep them off the terminal, for this process."""
    import vtk

    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    vtk.vtkOutputWindow.GetInstance().SetDisplayModeToNever()

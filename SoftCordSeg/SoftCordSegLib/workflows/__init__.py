"""Floor 5: files -> files, one file a task.

A workflow takes paths or volumes and a frozen options dataclass, reports to ``Progress``, raises
``SoftCordSegError``, and returns rows and paths. The command line and the panel both call it: no
terminal, no Qt, no HTML here. Importing this package loads nothing.
"""

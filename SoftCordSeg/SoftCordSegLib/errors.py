"""The errors of the library: each message is a sentence that a radiologist can act on."""


class SoftCordSegError(Exception):
    """Something the user can put right: what was wrong, in which file, what to do."""


class InputError(SoftCordSegError):
    """An input (image, mask, label, model) cannot be used as it is."""


class OutputError(SoftCordSegError):
    """A result could not be written; nothing half-written was left behind."""


class ModelError(SoftCordSegError):
    """A model bundle is missing, damaged or not what it says it is."""


class Cancelled(SoftCordSegError):
    """The user stopped the work; no result was written."""

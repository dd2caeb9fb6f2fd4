"""PythonQt's way of speaking to widgets, over PySide6's: properties are attributes, signals are
connected by their C++ signature.

A widget is met through a :class:`Wrapped` object, which has the names that the real class has
(``platform_names``) and no other: a misspelt property, slot or signal raises here as it does in
Slicer.  As in Slicer, an exception in a slot is printed and does not reach the caller; the host
keeps it for the tests.
"""

from __future__ import annotations

import enum
import inspect
import traceback
import weakref

from PySide6 import QtCore, QtGui, QtWidgets

# What PythonQt gives every object beside the names of its class.
_OF_PYTHONQT = {
    "connect",
    "disconnect",
    "className",
    "delete",
    "deleteLater",
    "objectName",
    "name",
    "property",
    "setProperty",
}
_OF_PYTHONQT |= {
    "isWidgetType",
    "inherits",
    "parent",
    "findChild",
    "findChildren",
    "blockSignals",
    "children",
    "update",
    "repaint",
}


# What a Python subclass of a Qt class may take over under PythonQt.
_VIRTUAL = (
    "event eventFilter paintEvent resizeEvent showEvent hideEvent closeEvent wheelEvent"
    " mousePressEvent mouseReleaseEvent mouseMoveEvent mouseDoubleClickEvent enterEvent leaveEvent"
    " keyPressEvent keyReleaseEvent dragEnterEvent dropEvent sizeHint minimumSizeHint"
).split()

# Helpers of Qt that have no properties, and are shown as they are.
_PLAIN = (QtGui.QClipboard,)


class _Kind(type):
    """The class of a Qt class: has its enumerations, ``qt.QFrame.HLine``."""

    def __getattr__(cls, name: str):
        kind = cls.__dict__.get("_kind")
        found = getattr(_make(kind), name, None) if kind and not name.startswith("_") else None
        if isinstance(found, (enum.Enum, type)):
            return found
        raise AttributeError(f"{cls.__name__} has no '{name}'")


class Host:
    """What the stand-ins share in one test: the platform's names, and what went wrong where nobody
    could catch it.

    Attributes:
        platform: ``platform_names.Platform`` that every name is held to.
        slot_errors: exceptions that left a slot, an observer or a timer, shown to the user or not.
        shown_errors: texts of the error messages that the user saw.
    """

    current: Host  # a class derived in the library outlives the host of one test

    def __init__(self, platform):
        Host.current = self
        self.platform = platform
        self.slot_errors: list[BaseException] = []
        self.shown_errors: list[str] = []
        self.shown_exceptions: list[BaseException] = []
        self._wrappers: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
        self._kept: dict = {}
        # VTK does not keep what its nodes call alive against Python's collector.
        self.observing: list = []
        self._names: dict[str, set] = {}

    @property
    def unseen_errors(self) -> list[BaseException]:
        """Those of :attr:`slot_errors` that the user was not told of."""
        return [
            error
            for error in self.slot_errors
            if not any(error is shown for shown in self.shown_exceptions)
        ]

    def keep_error(self, error: BaseException) -> None:
        """An exception left a slot."""
        self.slot_errors.append(error)
        traceback.print_exception(type(error), error, error.__traceback__)

    def class_of(self, kind: str) -> type:
        """The wrapper class of a Qt, CTK or qMRML class; ``class_of("QTimer")()`` makes one."""
        if not self.names(kind):
            raise AttributeError(f"there is no class {kind} in the lists of the platform")
        if kind not in _CLASSES:
            _CLASSES[kind] = _Kind(kind, (Wrapped,), {"_kind": kind})
        return _CLASSES[kind]

    def names(self, kind: str) -> set:
        """The names that Python sees on a class."""
        if kind not in self._names:
            self._names[kind] = self.platform.names(kind)
        return self._names[kind]

    def wrap(self, thing):
        """A QObject in its wrapper, always the same one; anything else as it is."""
        if isinstance(thing, (list, tuple)):
            return type(thing)(self.wrap(one) for one in thing)
        if isinstance(thing, QtCore.QItemSelectionModel):
            return _Properties(thing)
        if not isinstance(thing, QtCore.QObject) or isinstance(thing, _PLAIN):
            return thing
        if thing not in self._kept:
            kind = getattr(thing, "platform_kind", None) or _qt_kind(thing, self.names)
            wrapper = object.__new__(self.class_of(kind))
            object.__setattr__(wrapper, "_object", thing)
            object.__setattr__(wrapper, "_slots", {})
            self._kept[thing] = wrapper
        return self._kept[thing]

    def close(self) -> None:
        """Let all wrappers go."""
        self._kept.clear()
        self.observing.clear()


class Wrapped(metaclass=_Kind):
    """A QObject as PythonQt shows it.  A class may be derived from it, and take over what Qt calls
    (``_VIRTUAL``).
    """

    _kind: str

    @property
    def _host(self) -> Host:
        return Host.current

    def __init__(self, *arguments):
        kind, own = _make(self._kind), _taken_over(type(self))
        if own:
            # What Qt calls goes to the wrapper; kept by the object, for Qt holds only that one.
            kind = type(type(self).__name__, (kind,), {name: _handed_on(name) for name in own})
        made = kind(*[unwrap(argument) for argument in arguments])
        if own:
            made.wrapper, made.platform_kind = self, self._kind
        object.__setattr__(self, "_object", made)
        object.__setattr__(self, "_slots", {})
        self._host._kept[made] = self

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        self._check(name)
        thing = object.__getattribute__(self, "_object")
        if name in ("name", "objectName"):
            return thing.objectName()
        if name == "delete":
            return thing.deleteLater
        if name == "property":
            return lambda key: thing.property(key)
        if name == "parent":
            return lambda: self._host.wrap(thing.parent())
        if name == "findChildren":
            return lambda *_: [
                self._host.wrap(child)
                for child in thing.findChildren(QtWidgets.QWidget)
                if child.objectName()
            ]
        if name == "findChild":
            return self._find_child
        if thing.metaObject().indexOfProperty(name) >= 0:
            return self._host.wrap(thing.property(name))
        found = getattr(thing, name)
        if isinstance(found, QtCore.SignalInstance):
            return _Signal(self, name)
        if not callable(found):
            return found
        return lambda *arguments: self._host.wrap(
            found(*[unwrap(argument) for argument in arguments])
        )

    def __setattr__(self, name: str, value) -> None:
        if type(self) not in _CLASSES.values() and name not in self._host.names(self._kind):
            object.__setattr__(self, name, value)  # of a class derived in Python
            return
        self._check(name)
        thing = self._object
        if name in ("name", "objectName"):
            thing.setObjectName(value)
            return
        index = thing.metaObject().indexOfProperty(name)
        if index < 0 or not thing.metaObject().property(index).isWritable():
            raise AttributeError(f"{self._kind} has no property '{name}' that can be set")
        if not thing.setProperty(name, unwrap(value)):
            raise ValueError(f"{self._kind}.{name} does not take {value!r}")

    def connect(self, signature: str, *receiver) -> bool:
        """Connect a signal, by its signature, to a Python callable."""
        slot = receiver[-1]
        if not self._host.platform.has_signal(self._kind, signature):
            raise ValueError(f"{self._kind} has no signal {signature}")
        name, _, rest = signature.partition("(")
        arguments = [part for part in rest.rstrip(")").split(",") if part]
        adapter = _adapter(self._host, slot, len(arguments))
        signal = _signal_of(self._object, name)
        signal.connect(adapter)
        self._slots.setdefault((name, slot), []).append((signal, adapter))
        return True

    def disconnect(self, signature: str, *receiver) -> bool:
        """Disconnect what :meth:`connect` connected."""
        name = signature.partition("(")[0]
        connected = self._slots.get((name, receiver[-1]), [])
        if not connected:
            return False
        signal, adapter = connected.pop()
        signal.disconnect(adapter)
        if not connected:
            del self._slots[name, receiver[-1]]
        return True

    def _find_child(self, kind: str, name: str):
        """PythonQt's own: the first object below of this name that is, or inherits, the class."""
        found = self._object.findChildren(QtCore.QObject, name)
        return next((self._host.wrap(one) for one in found if one.inherits(kind)), None)

    def _check(self, name: str) -> None:
        if name not in self._host.names(self._kind) and name not in _OF_PYTHONQT:
            raise AttributeError(f"{self._kind} has no '{name}'")

    def __repr__(self):
        return f"<{self._kind} {self._object.objectName()}>"


_CLASSES: dict[str, type] = {}


def _taken_over(kind: type) -> list[str]:
    own = [one for one in kind.__mro__ if issubclass(one, Wrapped) and one is not Wrapped]
    own = [one for one in own if one not in _CLASSES.values()]
    return [name for name in _VIRTUAL if any(name in vars(one) for one in own)]


def _handed_on(name: str):
    def call(thing, *arguments):
        host = Host.current
        try:
            return getattr(thing.wrapper, name)(*[host.wrap(one) for one in arguments])
        except Exception as error:
            host.keep_error(error)
            return False

    return call


class _Properties:
    """An object of which only this is imitated: its properties are values, not methods."""

    def __init__(self, thing):
        self._thing = thing

    def __getattr__(self, name: str):
        if self._thing.metaObject().indexOfProperty(name) >= 0:
            return self._thing.property(name)
        return getattr(self._thing, name)


class _Signal:
    """``widget.valueChanged``: with ``connect`` and ``disconnect``."""

    def __init__(self, owner: Wrapped, name: str):
        self._owner, self._name = owner, name

    def connect(self, slot) -> None:
        signal = _signal_of(self._owner._object, self._name)
        adapter = _adapter(self._owner._host, slot, None)
        signal.connect(adapter)
        self._owner._slots.setdefault((self._name, slot), []).append((signal, adapter))

    def disconnect(self, slot) -> None:
        signal, adapter = self._owner._slots[self._name, slot].pop()
        signal.disconnect(adapter)


def _signal_of(thing, name: str):
    return getattr(thing, getattr(thing, "signal_names", {}).get(name, name))


def unwrap(thing):
    """The QObject of a wrapper; anything else as it is."""
    return thing._object if isinstance(thing, Wrapped) else thing


def _adapter(host: Host, slot, given: int | None):
    """What PySide calls: as many arguments as the signature has and the slot takes; exceptions are
    kept, not raised.
    """
    takes = _takes(slot)

    def call(*arguments):
        arguments = arguments if given is None else arguments[:given]
        try:
            slot(*[host.wrap(argument) for argument in arguments[:takes]])
        except Exception as error:
            host.keep_error(error)

    return call


def _takes(slot) -> int:
    try:
        parameters = inspect.signature(slot).parameters.values()
    except (TypeError, ValueError):
        return 0
    if any(parameter.kind == parameter.VAR_POSITIONAL for parameter in parameters):
        raise TypeError(
            "do not connect a callable with *arguments: PythonQt does not know how many to give it"
        )
    return sum(
        parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        for parameter in parameters
    )


def _qt_kind(thing, names) -> str:
    """The nearest class that the lists have."""
    kinds = [kind.__name__ for kind in type(thing).__mro__ if kind.__module__.startswith("PySide6")]
    return next((kind for kind in kinds if names(kind)), kinds[0])


def _make(kind: str):
    for module in (QtWidgets, QtGui, QtCore):
        if hasattr(module, kind):
            return getattr(module, kind)
    from .stand_ins import STAND_INS

    return STAND_INS[kind]

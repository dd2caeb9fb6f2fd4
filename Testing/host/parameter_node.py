"""Stands for ``slicer.parameterNodeWrapper`` (Slicer Base/Python/slicer/parameterNodeWrapper), as
far as the module uses it.

Kept from the real one, because code trips over it: values are cached at the node's ModifiedEvent,
which on import fires before referenced nodes exist; enumerations are stored by name; a value
outside its range raises; the combo box of an enumeration shows the names of its members;
``disconnectGui`` leaves the observer on the node.
"""

from __future__ import annotations

import enum
import types
import typing
from dataclasses import dataclass

from .pythonqt import Host, Wrapped

_PROPERTY = "SlicerParameterName"


@dataclass(frozen=True)
class WithinRange:
    """The annotation of the real package."""

    minimum: float
    maximum: float


@dataclass(frozen=True)
class _Kind:
    name: str
    type: type
    limits: WithinRange | None
    default: object

    @property
    def is_node(self) -> bool:
        return self.type.__name__.startswith("vtkMRML")

    def check(self, value) -> None:
        if self.is_node:
            if value is not None and not value.IsA(self.type.__name__):
                raise TypeError(f"{self.name} is a {self.type.__name__}, not {value!r}")
        elif not isinstance(value, (int, float) if self.type is float else self.type):
            raise TypeError(f"{self.name} is a {self.type.__name__}, not {value!r}")
        if self.limits is not None and not self.limits.minimum <= value <= self.limits.maximum:
            raise ValueError(f"{self.name} must be within {self.limits}, not {value}")

    def write(self, node, value) -> None:
        self.check(value)
        if self.is_node:
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        else:
            node.SetParameter(self.name, value.name if isinstance(value, enum.Enum) else str(value))

    def read(self, node):
        if self.is_node:
            return node.GetNodeReference(self.name)
        if not self.is_in(node):
            self.write(
                node, self.default
            )  # as the real one: after a scene was closed everything has its default again
        text = node.GetParameter(self.name)
        if issubclass(self.type, enum.Enum):
            return self.type[text]
        return text == "True" if self.type is bool else self.type(text)

    def is_in(self, node) -> bool:
        return (
            node.GetNodeReferenceID(self.name) is not None
            if self.is_node
            else bool(node.HasParameter(self.name))
        )


def parameter_node_wrapper(kind):
    """The decorator ``@parameterNodeWrapper``."""
    parameters = {}
    for name, hint in kind.__annotations__.items():
        if isinstance(hint, str):
            # The real one evaluates it in the module's names, which need not be known while the
            # module is being loaded.
            raise TypeError(f"the annotation of {name} is postponed")
        plain, *notes = (
            typing.get_args(hint) if typing.get_origin(hint) is typing.Annotated else (hint,)
        )
        limits = next((note for note in notes if isinstance(note, WithinRange)), None)
        default = kind.__dict__.get(name)
        if isinstance(default, property) or (
            default is None and not plain.__name__.startswith("vtkMRML")
        ):
            default = next(iter(plain)) if issubclass(plain, enum.Enum) else plain()
        parameters[name] = _Kind(name, plain, limits, default)
        setattr(
            kind,
            name,
            property(
                lambda self, name=name: self._cache[name],
                lambda self, value, name=name: self._set(name, value),
            ),
        )
    kind.allParameters = parameters
    for name, method in _METHODS.items():
        setattr(kind, name, method)
    return kind


def _init(self, parameterNode):
    self.parameterNode = parameterNode
    self._cache, self._guis, self._next_tag, self._updating, self._writing = {}, {}, 0, False, set()
    for parameter in self.allParameters.values():
        if not parameter.is_in(parameterNode):
            parameter.write(parameterNode, parameter.default)
        self._cache[parameter.name] = parameter.read(parameterNode)
    Host.current.observing.append(self)
    parameterNode.AddObserver("ModifiedEvent", lambda *_: self._node_modified())


def _node_modified(self):
    for parameter in self.allParameters.values():
        if parameter.name not in self._writing:
            self._cache[parameter.name] = parameter.read(self.parameterNode)


def _set(self, name, value):
    parameter = self.allParameters[name]
    self._writing.add(name)
    changes = self.parameterNode.StartModify()
    try:
        parameter.write(self.parameterNode, value)
        self._cache[name] = parameter.read(self.parameterNode)
    finally:
        self.parameterNode.EndModify(changes)
        self._writing.discard(name)


def _connect_gui(self, gui):
    """As the real one up to now, this returns no tag, so that nothing can be disconnected by it."""
    self.connectParametersToGui(
        {
            widget.property(_PROPERTY): widget
            for widget in gui.__dict__.values()
            if widget.property(_PROPERTY)
        }
    )


def _connect_parameters_to_gui(self, mapping):
    unknown = set(mapping) - set(self.allParameters)
    if unknown:
        raise ValueError(f"Cannot find a param with the given name: {unknown}")
    connectors = {
        name: _connector(widget, self.allParameters[name]) for name, widget in mapping.items()
    }
    tag = self._next_tag
    self._next_tag += 1
    self._guis[tag] = connectors
    for name, connector in connectors.items():
        connector.write(self._cache[name])
        connector.start(lambda name=name, connector=connector: self._gui_changed(name, connector))
    self.parameterNode.AddObserver("ModifiedEvent", lambda *_: self._update_gui())
    return tag


def _gui_changed(self, name, connector):
    if not self._updating:
        self._set(name, connector.read())


def _update_gui(self):
    if self._updating:
        return
    self._updating = True
    changes = self.parameterNode.StartModify()
    try:
        for connectors in self._guis.values():
            for name, connector in connectors.items():
                connector.write(self._cache[name])
    finally:
        self.parameterNode.EndModify(changes)
        self._updating = False


def _disconnect_gui(self, tag):
    for connector in self._guis.pop(tag, {}).values():
        connector.stop()


_METHODS = {
    "__init__": _init,
    "_node_modified": _node_modified,
    "_set": _set,
    "_gui_changed": _gui_changed,
    "_update_gui": _update_gui,
    "connectGui": _connect_gui,
    "connectParametersToGui": _connect_parameters_to_gui,
    "disconnectGui": _disconnect_gui,
    "getValue": lambda self, name: self._cache[name],
    "setValue": lambda self, name, value: self._set(name, value),
    "StartModify": lambda self: self.parameterNode.StartModify(),
    "EndModify": lambda self, changes: self.parameterNode.EndModify(changes),
    "AddObserver": lambda self, event, callback, priority=0.0: self.parameterNode.AddObserver(
        event, callback, priority
    ),
    "RemoveObserver": lambda self, tag: self.parameterNode.RemoveObserver(tag),
    "Modified": lambda self: self.parameterNode.Modified(),
}


class _Connector:
    """Between a widget and a parameter."""

    def __init__(self, widget: Wrapped, signal: str, attribute: str):
        self.widget, self._signal, self._attribute, self._slot = widget, signal, attribute, None

    def read(self):
        return getattr(self.widget, self._attribute)

    def write(self, value) -> None:
        setattr(self.widget, self._attribute, value)

    def start(self, changed) -> None:
        self._slot = lambda: changed()
        self.widget.connect(self._signal, self._slot)

    def stop(self) -> None:
        self.widget.disconnect(self._signal, self._slot)


class _Choice(_Connector):
    def __init__(self, widget, members):
        super().__init__(widget, "currentIndexChanged(int)", "currentIndex")
        self._members = list(members)
        widget.clear()
        for member in self._members:
            widget.addItem(member.name)

    def read(self):
        return self._members[self.widget.currentIndex]

    def write(self, value) -> None:
        self.widget.currentIndex = self._members.index(value)


class _Node(_Connector):
    def __init__(self, widget):
        super().__init__(widget, "currentNodeChanged(vtkMRMLNode*)", "")

    def read(self):
        return self.widget.currentNode()

    def write(self, value) -> None:
        self.widget.setCurrentNode(value)


def _connector(widget: Wrapped, parameter: _Kind) -> _Connector:
    kind = type(widget).__name__
    if kind == "QCheckBox" and parameter.type is bool:
        return _Connector(widget, "stateChanged(int)", "checked")
    if kind == "ctkSliderWidget" and parameter.type is float:
        if parameter.limits is None:
            raise RuntimeError(
                "Cannot have a connection to ctkSliderWidget where the float types is unbounded."
            )
        widget.minimum, widget.maximum = parameter.limits.minimum, parameter.limits.maximum
        return _Connector(widget, "valueChanged(double)", "value")
    if (
        kind == "QComboBox"
        and isinstance(parameter.type, type)
        and issubclass(parameter.type, enum.Enum)
    ):
        return _Choice(widget, parameter.type)
    if kind == "QLineEdit" and parameter.type is str:
        return _Connector(widget, "textChanged(QString)", "text")
    if kind == "qMRMLNodeComboBox" and parameter.is_node:
        return _Node(widget)
    raise RuntimeError(
        f"Unable to create GUI connector from datatype '{parameter.type}' to widget type '{kind}'"
    )


def module() -> types.ModuleType:
    """What ``from slicer.parameterNodeWrapper import …`` finds."""
    made = types.ModuleType("slicer.parameterNodeWrapper")
    made.parameterNodeWrapper = parameter_node_wrapper
    made.WithinRange = WithinRange
    return made

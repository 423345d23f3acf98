"""Components as a pipeline names them; a class's keyword-only `__init__` is its schema."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast, get_args

from rag import registry
from rag.config.wording import named, shown, taken, unknown_key
from rag.errors import RequestError
from rag.registry import Nested

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

# The option that is wrong ("" for the component as a whole), and what is wrong with it.
Complaint: TypeAlias = tuple[str, str]

_PREFIX = "option_"


@dataclass(frozen=True, slots=True)
class Component:
    """A registered component and its options as plain data, defaults filled in."""

    kind: str
    use: str
    options: Mapping[str, object]

    def build(self, **given: object) -> Any:
        """Make the component and those within it.

        Each gets of `given` what its class names in `given`. Raises RequestError where the
        options do not fit.
        """
        from pydantic import ValidationError

        component = registry.load(self.kind, self.use)
        model = option_model(component)
        try:
            values = model.model_validate_json(json.dumps(dict(self.options)))
        except ValidationError as error:
            reasons = "; ".join(text for _, text in _complaints(self.use, model, error))
            raise RequestError(f"{self.kind} '{self.use}': {reasons}") from None
        options = {name.removeprefix(_PREFIX): getattr(values, name) for name in model.model_fields}
        for name, nested in nesting(component).items():
            built = [inner.build(**given) for inner in _components(nested, options[name])]
            options[name] = built if nested.several else next(iter(built), None)
        taken = getattr(component, "given", ())
        return component(**options, **{key: given[key] for key in taken if key in given})

    def as_dict(self) -> dict[str, object]:
        """The component as a pipeline file would have it."""
        return {"use": self.use, **self.options}

    def shaping(self) -> dict[str, object]:
        """The same without the options that its class names in `circumstances`.

        Those say where and how the work is done, such as a device, and not what comes out.
        """
        component = registry.load(self.kind, self.use)
        shaping = dict(self.as_dict())
        for name in getattr(component, "circumstances", ()):
            shaping.pop(name, None)
        for name, nested in nesting(component).items():
            inner = [one.shaping() for one in _components(nested, self.options[name])]
            shaping[name] = inner if nested.several else next(iter(inner), None)
        return shaping

    def changed(self) -> dict[str, object]:
        """The options that differ from their defaults, and those that have none."""
        component = registry.load(self.kind, self.use)
        model = option_model(component)
        needed = {
            name.removeprefix(_PREFIX)
            for name, field in model.model_fields.items()
            if field.is_required()
        }
        given = {name: value for name, value in self.options.items() if name in needed}
        usual, _ = check(component, self.use, given)
        return {
            name: value
            for name, value in self.options.items()
            if usual is None or name in needed or value != usual[name]
        }

    def within(self) -> Iterator[Component]:
        """The component itself and all those that its options name, outermost first."""
        yield self
        for name, nested in nesting(registry.load(self.kind, self.use)).items():
            for inner in _components(nested, self.options[name]):
                yield from inner.within()


def nesting(component: type) -> dict[str, Nested]:
    """The options of `component` that are components themselves."""
    marked = {
        name: [mark for mark in get_args(parameter.annotation)[1:] if isinstance(mark, Nested)]
        for name, parameter in registry.options(component).items()
    }
    return {name: marks[0] for name, marks in marked.items() if marks}


def _components(nested: Nested, value: object) -> list[Component]:
    """The checked components that are the value of a nested option."""
    if value is None:
        return []
    found: list[dict[str, object]] = value if isinstance(value, list) else [cast("Any", value)]
    return [
        Component(nested.kind, str(one["use"]), {key: one[key] for key in one if key != "use"})
        for one in found
    ]


@cache
def option_model(component: type) -> type[BaseModel]:
    """A strict pydantic model of the options of `component`.

    Fields carry a prefix, so that no option can clash with pydantic's own attributes; their
    aliases are the options' names.
    """
    from pydantic import ConfigDict, create_model

    config = ConfigDict(
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        arbitrary_types_allowed=False,
        alias_generator=lambda field: field.removeprefix(_PREFIX),
    )
    nested = nesting(component)
    fields: dict[str, Any] = {
        _PREFIX + name: _nested_field(nested[name])
        if name in nested
        else (_annotation(parameter), _default(parameter))
        for name, parameter in registry.options(component).items()
    }
    return create_model(component.__name__, __config__=config, **fields)


def _nested_field(nested: Nested) -> tuple[Any, Any]:
    from pydantic import Field, WithJsonSchema

    shape = {"component": nested.kind}
    named = (nested.default,) if isinstance(nested.default, str) else nested.default
    defaults = None if named is None else [{"use": name} for name in named]
    if nested.optional:
        return Annotated[dict[str, Any] | None, WithJsonSchema(shape)], None
    if not nested.several:
        default = ... if defaults is None else defaults[0]
        return Annotated[dict[str, Any], WithJsonSchema(shape)], default
    several = WithJsonSchema({"type": "array", "items": shape, "minItems": 1})
    return (
        Annotated[list[dict[str, Any]], Field(min_length=1), several],
        ... if defaults is None else defaults,
    )


def _annotation(parameter: inspect.Parameter) -> Any:
    return Any if parameter.annotation is inspect.Parameter.empty else parameter.annotation


def _default(parameter: inspect.Parameter) -> Any:
    return ... if parameter.default is inspect.Parameter.empty else parameter.default


def check(
    component: type, use: str, given: Mapping[str, object]
) -> tuple[dict[str, object] | None, list[Complaint]]:
    """The options of `component` with defaults filled in, or every complaint about them.

    A component may judge its own options together: `faults(options)`, a class method, gives
    pairs of an option and what is wrong with it.
    """
    from pydantic import ValidationError

    model = option_model(component)
    if complaints := list(_unwritable(given)):
        return None, complaints
    try:
        # Read as JSON: a list fits a tuple, a path is text, and nothing else is converted.
        values = model.model_validate_json(json.dumps(given, default=os.fspath))
    except ValidationError as error:
        return None, _complaints(use, model, error)
    options = values.model_dump(mode="json", by_alias=True)
    complaints = list(_complete_nested(component, options))
    judge = getattr(component, "faults", None)
    if judge is not None and not complaints:
        complaints = list(judge(options))
    return (None if complaints else options), complaints


def _complete_nested(component: type, options: dict[str, object]) -> Iterator[Complaint]:
    """Check the components within `options` and fill in their defaults, in place."""
    for name, nested in nesting(component).items():
        value: Any = options[name]
        if value is None:
            continue
        filled = []
        for given in value if nested.several else [value]:
            inner, complaints = _check_nested(nested.kind, dict(given))
            yield from ((name, f"'{name}': {message}") for message in complaints)
            filled.append(inner)
        options[name] = filled if nested.several else filled[0]


def _check_nested(kind: str, given: dict[str, object]) -> tuple[dict[str, object], list[str]]:
    use = given.pop("use", None)
    if not isinstance(use, str):
        choices = ", ".join(registry.names(kind))
        return {}, [f"takes {named(kind)} like {{use: NAME}} (taken: {choices})"]
    try:
        component = registry.load(kind, use)
    except (RequestError, ImportError, AttributeError) as error:
        return {}, [" ".join(str(error).split())]
    options, complaints = check(component, use, given)
    return {"use": use, **(options or {})}, [message for _, message in complaints]


def _unwritable(given: Mapping[str, object]) -> Iterator[Complaint]:
    """Options that cannot be plain data, such as a date that YAML made of `2024-01-01`."""
    for option, value in given.items():
        try:
            json.dumps(value, default=os.fspath)
        except (TypeError, ValueError, RecursionError):
            told = f"'{option}' cannot be written as text, numbers, lists and mappings"
            yield option, f"{told}: put it in quotes"


def _complaints(use: str, model: type[BaseModel], error: ValidationError) -> list[Complaint]:
    schema = model.model_json_schema()
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        option = str(detail["loc"][0]) if detail["loc"] else ""
        given = json.loads(json.dumps(detail["input"], default=str))
        if option not in found:
            found[option] = _words(use, schema, option, detail, given)
    return list(found.items())


def _words(
    use: str, schema: Mapping[str, Any], option: str, detail: ErrorDetails, given: object
) -> str:
    properties = schema.get("properties", {})
    if option not in properties:
        return unknown_key(f"option of '{use}'", option, properties)
    takes = taken(properties[option], schema.get("$defs"))
    if detail["type"] == "missing" and len(detail["loc"]) == 1:
        return f"'{option}' is missing: '{use}' needs it, and it takes {takes}"
    if detail["type"] == "value_error":
        return f"'{option}': {detail['ctx']['error']}"
    place = "".join(f"[{step}]" for step in detail["loc"][1:] if isinstance(step, int))
    inside = f" at {place}" if place else ""
    return f"'{option}' takes {takes}, got {shown(given)}{inside}"

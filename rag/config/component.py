"""Components as a pipeline names them; a class's keyword-only `__init__` is its schema."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from rag import registry
from rag.config.wording import shown, taken, unknown_key
from rag.errors import RequestError

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
        """Make the component. Raises RequestError where the options do not fit it.

        Of `given` it gets what its class names in `given`.
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
        taken = getattr(component, "given", ())
        return component(**options, **{key: given[key] for key in taken if key in given})

    def as_dict(self) -> dict[str, object]:
        """The component as a pipeline file would have it."""
        return {"use": self.use, **self.options}

    def shaping(self) -> dict[str, object]:
        """The same without the options that its class names in `circumstances`.

        Those say where and how the work is done, such as a device, and not what comes out.
        """
        circumstances = getattr(registry.load(self.kind, self.use), "circumstances", ())
        return {name: value for name, value in self.as_dict().items() if name not in circumstances}


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
    fields: dict[str, Any] = {
        _PREFIX + name: (_annotation(parameter), _default(parameter))
        for name, parameter in registry.options(component).items()
    }
    return create_model(component.__name__, __config__=config, **fields)


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
    judge = getattr(component, "faults", None)
    complaints = list(judge(options)) if judge is not None else []
    return (None if complaints else options), complaints


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

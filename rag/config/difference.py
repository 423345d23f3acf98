"""What separates the index part that made an index from the one a pipeline asks for."""

from __future__ import annotations

from collections.abc import Mapping

from rag.config.wording import shown

_ABSENT = object()


def differences(frozen: Mapping[str, object], wanted: Mapping[str, object]) -> list[str]:
    """One line for each option that differs between two results of `Pipeline.index_part`.

    Where another component is asked for, its options are not compared.
    """
    return _compare("index", dict(frozen), dict(wanted))


def _compare(key: str, frozen: object, wanted: object) -> list[str]:
    if isinstance(frozen, dict) and isinstance(wanted, dict):
        return _compare_mappings(key, frozen, wanted)
    if isinstance(frozen, list) and isinstance(wanted, list) and len(frozen) == len(wanted):
        pairs = enumerate(zip(frozen, wanted, strict=True))
        return [line for i, (old, new) in pairs for line in _compare(f"{key}[{i}]", old, new)]
    if frozen == wanted:
        return []
    return [f"{key}: the index has {_value(frozen)}, the pipeline asks for {_value(wanted)}"]


def _compare_mappings(
    key: str, frozen: Mapping[str, object], wanted: Mapping[str, object]
) -> list[str]:
    names = list(dict.fromkeys([*frozen, *wanted]))
    if frozen.get("use") != wanted.get("use"):
        names = ["use"]
    return [
        line
        for name in names
        for line in _compare(f"{key}.{name}", frozen.get(name, _ABSENT), wanted.get(name, _ABSENT))
    ]


def _value(value: object) -> str:
    return "none" if value is _ABSENT else shown(value)

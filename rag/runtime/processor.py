"""What the processor computes in, as OpenVINO finds it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

from rag.runtime.library import core

Precision: TypeAlias = Literal["float32", "bfloat16", "float16", "int8"]
Declared: TypeAlias = Literal["auto", "float32", "bfloat16", "float16", "int8"]

# Names the most that is believed of the processor: `plain`, `avx512` or `bf16`. It can only take
# away, so that what happens on a lesser processor can be seen on a better one.
VARIABLE = "RAG_PROCESSOR"
_FEATURES = {"plain": (), "avx512": ("avx512",), "bf16": ("avx512", "bf16")}
_NATIVE: dict[Declared, str] = {"bfloat16": "bf16", "float16": "fp16"}


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor: its name, and which of `avx512`, `bf16` and `fp16` it has.

    `bf16` and `fp16` say that it multiplies numbers of 16 bits faster than those of 32, with AMX
    or instructions of AVX-512; that it can hold them is not enough.
    """

    name: str
    features: frozenset[str]

    def precision(self, declared: Declared) -> Precision:
        """What a model declared as `declared` is computed in.

        `auto` is bfloat16 where the processor has it. What it has not is computed in float32.
        int8 is never chosen, and runs everywhere.
        """
        if declared == "auto":
            return "bfloat16" if "bf16" in self.features else "float32"
        needed = _NATIVE.get(declared)
        return "float32" if needed and needed not in self.features else declared


def processor() -> Processor:
    """The processor of this machine, or what the environment says may be believed of it."""
    found = _found()
    limit = os.environ.get(VARIABLE)
    if limit not in _FEATURES:
        return found
    return Processor(found.name, found.features.intersection(_FEATURES[limit]))


@cache
def _found() -> Processor:
    capabilities = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    features = {kind.lower() for kind in capabilities} & {"bf16", "fp16"}
    if _has_avx512():
        features.add("avx512")
    return Processor(str(core().get_property("CPU", "FULL_DEVICE_NAME")), frozenset(features))


def _has_avx512() -> bool:
    import numpy as np

    known: Any = np.show_config(mode="dicts")
    found = known.get("SIMD Extensions", {})
    held = [*found.get("baseline", ()), *found.get("found", ())]
    return any(name.upper().startswith("AVX512") or name == "X86_V4" for name in held)

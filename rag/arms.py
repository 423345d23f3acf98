"""What each arm reads of a query: its texts, and the vectors that stand for it.

Everything comes in an order of its own, so that sums have the same bits in whatever order
rewriters added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from rag.errors import IndexMismatchError
from rag.protocols import Encoder, Vectors, View
from rag.types import Query, Variant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A sum of unit vectors that is shorter than this points nowhere.
_LEAST = 1e-6


def texts_of(query: Query, arm: Literal["lexical", "dense"]) -> tuple[Variant, ...]:
    """The question and the rewrites of it that `arm` reads, each with its weight.

    The question itself comes first. What it left to the history counts as much as the question
    does, unless a variant says the same with another weight. What has no weight is left out.
    """
    weight = 1.0 if arm == "lexical" else query.dense_weight
    own = Variant(query.text, weight)
    if not (query.variants or query.standalone):
        return (own,) if weight else ()
    said = {_folded(text) for text in (query.text, *(one.text for one in query.variants))}
    more = [one for one in query.variants if one.arms in {"all", arm}]
    if query.standalone and _folded(query.standalone) not in said:
        more.append(Variant(query.standalone, weight))
    return tuple(one for one in (own, *_ordered(more)) if one.weight)


def vectors_of(query: Query, view: View) -> tuple[Vectors, NDArray[np.float64]]:
    """Unit vectors that stand for `query`, float32 `(n, dimension)`, and their weights `(n,)`.

    There is at least one: where nothing has any weight it is the question's. Hypotheses are
    encoded as the passages that they imitate, and examples have the vectors that are stored.
    Raises IndexMismatchError where the index has no vectors.
    """
    import numpy as np

    encoder = encoder_of(view)
    asked = texts_of(query, "dense")
    imitated = _ordered([one for one in query.hypotheses if one.weight])
    examples = sorted(
        (one for one in query.examples if one.weight),
        key=lambda one: (one.passage.order, one.weight),
    )
    if not (asked or imitated or examples):
        asked = (Variant(query.asked),)
    parts: list[Vectors] = []
    if asked:
        parts.append(encoder.encode_queries([one.text for one in asked]))
    if imitated:
        parts.append(encoder.encode_passages([one.text for one in imitated]))
    if examples:
        parts.append(view.vectors([one.passage for one in examples]))
    weights = [*(one.weight for one in (*asked, *imitated)), *(one.weight for one in examples)]
    return np.concatenate(parts), np.array(weights, np.float64)


def vector_of(query: Query, view: View) -> Vectors:
    """The unit vector `(dimension,)` that the dense arm searches: the weighted mean of them all.

    This is HyDE's for hypotheses (Gao et al. 2022) and Rocchio's for examples. Where they cancel
    out it is the question's. Raises IndexMismatchError where the index has no vectors.
    """
    import numpy as np

    vectors, weights = vectors_of(query, view)
    if len(weights) == 1:
        only: Vectors = vectors[0]
        return only
    total = weights @ vectors.astype(np.float64)
    length = float(np.linalg.norm(total))
    if length < _LEAST * float(np.abs(weights).max()):
        own: Vectors = encoder_of(view).encode_queries([query.asked])[0]
        return own
    mean: Vectors = (total / length).astype(np.float32)
    return mean


def encoder_of(view: View) -> Encoder:
    """The encoder of the index. Raises IndexMismatchError where it has no vectors."""
    encoder = view.encoder
    if encoder is None:
        raise IndexMismatchError("this index has no vectors: index with a pipeline that encodes")
    return encoder


def _ordered(variants: Sequence[Variant]) -> list[Variant]:
    return sorted(variants, key=lambda one: (one.text, one.weight, one.by, one.arms))


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()

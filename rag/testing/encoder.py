"""What every encoder promises."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag.protocols import Encoder


class EncoderSuite:
    """Override `make`. `tolerance` is how far batches may move a component of a vector."""

    tolerance = 1e-5

    def make(self) -> Encoder:
        """The encoder."""
        raise NotImplementedError

    def texts(self) -> Sequence[str]:
        """What is encoded: several lengths."""
        return (
            "the ferry leaves at nine",
            "dogs travel free",
            "",
            "a lamp, an island and a storm " * 12,
            "oil",
            "東京は日本の首都です",
        )

    def test_is_an_encoder(self) -> None:
        """It has the protocol's methods."""
        assert isinstance(self.make(), Encoder)

    def test_shape_and_precision(self) -> None:
        """float32 `(n, dimension)`, for passages and for questions, and for none of them."""
        encoder = self.make()
        for encode in (encoder.encode_passages, encoder.encode_queries):
            for texts in (self.texts(), ()):
                vectors = encode(texts)
                assert vectors.shape == (len(texts), encoder.dimension)
                assert vectors.dtype == np.float32

    def test_rows_have_length_one(self) -> None:
        """Dot products are cosines."""
        encoder = self.make()
        for encode in (encoder.encode_passages, encoder.encode_queries):
            norms = np.linalg.norm(encode(self.texts()), axis=1)
            np.testing.assert_allclose(norms, 1, atol=1e-5)

    def test_batches_do_not_matter(self) -> None:
        """A text alone has the vector that it has among others."""
        encoder = self.make()
        together = encoder.encode_passages(self.texts())
        alone = np.concatenate([encoder.encode_passages([text]) for text in self.texts()])
        np.testing.assert_allclose(together, alone, atol=self.tolerance)

    def test_order_does_not_matter(self) -> None:
        """Vectors come in the order of their texts, whatever that is."""
        encoder = self.make()
        forward = encoder.encode_passages(self.texts())
        backward = encoder.encode_passages(self.texts()[::-1])
        np.testing.assert_allclose(forward, backward[::-1], atol=self.tolerance)

    def test_texts_differ(self) -> None:
        """Different texts do not all have one vector."""
        vectors = self.make().encode_passages(self.texts()[:2])
        assert not np.allclose(vectors[0], vectors[1], atol=1e-3)

    def test_fingerprint_is_stable(self) -> None:
        """Two encoders made alike may compare their vectors."""
        first, second = self.make().fingerprint, self.make().fingerprint
        assert first
        assert first == second

    def test_tokenizer_counts(self) -> None:
        """The limit is positive; spans ascend inside the text."""
        tokenizer = self.make().tokenizer
        assert tokenizer.limit > 0
        for text in self.texts():
            spans = tokenizer.spans(text)
            assert all(0 <= start <= end <= len(text) for start, end in spans)
            assert [start for start, _ in spans] == sorted(start for start, _ in spans)

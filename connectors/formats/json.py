"""JSON: key paths with their values, and rows where an array holds objects."""

from __future__ import annotations

import json

from rag.connectors.formats.building.records import DEEPEST, Records, Value, title_of
from rag.connectors.formats.decoding import decode
from rag.connectors.formats.format import Parsed
from rag.errors import DocumentError

# Read whole, a value takes up to a hundred times the bytes that it has in the file.
_MOST_VALUES = 3_000_000
# As strings, numbers keep their digits, and none is too long to be read.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


class JsonFormat:
    """JSON as lines `key.path: value`; objects in an array are rows `key: value; key: value`."""

    name = "JSON"
    extensions: tuple[str, ...] = (".json", ".jsonld", ".geojson")
    media_types: tuple[str, ...] = ("application/json", "text/json", "application/ld+json")
    version = 1

    def parse(self, data: bytes, name: str) -> Parsed:
        """Every value that is not empty, numbers as written; `title` or `name` is the title."""
        decoded = decode(data, self.name)
        value = loaded(decoded.text)
        records = Records()
        records.write(value)
        writer = records.writer
        return Parsed(writer.text, title_of(value), writer.blocks, decoded.metadata)


def loaded(text: str) -> Value:
    """The value that `text` is in JSON, numbers as strings. Raises DocumentError."""
    if sum(map(text.count, ",[{")) > _MOST_VALUES:
        raise DocumentError(f"holds more than {_MOST_VALUES:,} values; split it, or use JSON Lines")
    try:
        found: Value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise DocumentError(f"is nested more than {DEEPEST} deep; flatten it") from error
    return found

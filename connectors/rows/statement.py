"""A query as it may be run: one statement, and no more."""

from __future__ import annotations

import re

from rag.errors import SourceError

# What may hold a semicolon that parts nothing: text and names in quotes, PostgreSQL's text
# between dollars, comments.
_QUOTED = re.compile(
    r"""
      '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*`
    | (?P<dollar>\$\w*\$).*?(?P=dollar)
    | --[^\n]* | /\*.*?\*/
    """,
    re.VERBOSE | re.DOTALL,
)


def one_statement(query: str) -> str:
    """`query` without a closing semicolon. Raises SourceError where it is empty or several."""
    bare = _QUOTED.sub(lambda match: " " * len(match[0]), query)
    end = bare.find(";")
    if end >= 0 and bare[end:].strip("; \t\r\n"):
        raise SourceError("the query has more than one statement; give a single SELECT")
    # A comment behind the semicolon goes with it; one before it stays.
    statement = (query if end < 0 else query[:end]).strip()
    if not statement:
        raise SourceError("the query is empty; give a SELECT")
    return statement

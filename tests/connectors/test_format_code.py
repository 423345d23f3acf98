"""Source code by function and class."""

import random
import subprocess
import sys

import pytest
from block_law import spans, visible

from rag.connectors.formats.code import CodeFormat
from rag.connectors.formats.format import Parsed
from rag.connectors.formats.program.languages import LANGUAGES
from rag.connectors.parsing.here import parse_here
from rag.errors import DocumentError

PYTHON = '''# Licence

"""About walks \U0001f600 \u05d0."""
import os
X = 1  # one
# Walks.
@deco
class Walk(Base):
    """A walk."""

    size: int

    # Of a folder.
    @property
    def folder(self):
        def inner(): pass

        return inner

async def parse(x):
    return (

if __name__:
    parse(1)
'''

SAMPLES = {
    "a.js": (
        "// c\nimport x;\n/** W */\nexport default class Walk {\n  folder() { return 1 }\n}\n"
        "export const f = (a) => {\n  return a };\nconst z = 3;\nfunction g() {}\n",
        ["", "class Walk", "Walk.folder()", "f()", "", "function g"],
    ),
    "a.ts": (
        "interface A {\n x: number }\nabstract class W<T> {\n  private m(): void {}\n}\n"
        "namespace N {\n  export function h() {}\n}\ntype T = string;\n",
        ["interface A", "class W", "W.m()", "namespace N", "N.h()", "type T"],
    ),
    "a.tsx": (
        "function App() {\n  return <b>{x}</b>;\n}\n",
        ["function App"],
    ),
    "a.java": (
        "package a;\n/** W */\n@Ann\npublic class Walk {\n  int x;\n  /** f */\n  @Override\n"
        "  public int folder() { return 1; }\n  Walk() {}\n}\n",
        ["", "class Walk", "Walk.folder()", "Walk.Walk()"],
    ),
    "a.go": (
        "package a\n// Walk is.\ntype Walk struct {\n A int }\n// Folder does.\n"
        "func (w *Walk[T]) Folder() int {\n return 1 }\nfunc main() {}\n",
        ["", "type Walk", "Walk.Folder()", "func main"],
    ),
    "a.rs": (
        "use a;\n/// W\n#[derive(Debug)]\npub struct Walk { a: i32 }\nimpl Tr for Walk {\n"
        "  #[inline]\n  pub fn folder(&self) -> i32 { 1 }\n}\nfn main() {}\n",
        ["", "struct Walk", "impl Walk", "Walk.folder()", "fn main"],
    ),
    "a.c": (
        "#ifndef A\n#define A\n/* s */\nstruct walk { int a; };\n// f\n"
        "static int *folder(int a) { return 0; }\n#endif\n",
        ["", "struct walk", "folder()"],
    ),
    "a.hpp": (
        "namespace n {\ntemplate <class T>\nclass Walk : public B {\n public:\n"
        "  int folder() const { return 1; }\n};\nint Walk::other(int x) { return 2; }\n}\n",
        ["namespace n", "class n.Walk", "n.Walk.folder()", "n.Walk::other()"],
    ),
    "a.cs": (
        "using A;\n/// W\npublic class Walk {\n  [Attr]\n  public int Folder() { return 1; }\n}\n",
        ["", "class Walk", "Walk.Folder()"],
    ),
    "a.rb": (
        "module M\n  # W\n  class Walk < B\n    # f\n"
        "    def folder(x)\n      1\n    end\n  end\nend\n",
        ["module M", "class M.Walk", "M.Walk.folder()"],
    ),
    "a.php": (
        "<?php\n/** W */\nclass Walk {\n  /** f */\n  public function folder() { return 1; }\n}\n"
        "function g() {}\n",
        ["", "class Walk", "Walk.folder()", "function g"],
    ),
    "a.sh": (
        "#!/bin/sh\nset -e\n# f\nfolder() {\n  echo 1\n}\nfolder\n",
        ["", "folder()", ""],
    ),
}  # fmt: skip


def code(text: str, name: str) -> Parsed:
    return CodeFormat().parse(text.encode(), name)


def test_python_by_class_and_function() -> None:
    parsed = code(PYTHON, "walk.PY")
    texts = spans(parsed)
    assert parsed.text == PYTHON
    assert parsed.metadata == {"programming_language": "Python"}
    assert [(b.place, b.headings) for b in parsed.blocks] == [
        ("", ()),
        ("", ()),
        ("class Walk", ("Walk",)),
        ("Walk.folder()", ("Walk", "folder")),
        ("def parse", ("parse",)),
        ("", ()),
    ]
    assert texts[2].startswith("# Walks.\n@deco\nclass Walk")
    assert texts[2].endswith("size: int")
    assert texts[3].startswith("    # Of a folder.\n    @property\n    def folder")
    assert {block.kind for block in parsed.blocks} == {"code"}
    assert visible("".join(texts)) == visible(PYTHON)


@pytest.mark.parametrize("name", SAMPLES)
def test_other_languages(name: str) -> None:
    text, expected = SAMPLES[name]
    parsed = code(text, name)
    assert [block.place for block in parsed.blocks] == expected
    assert "parser" not in parsed.metadata
    assert visible("".join(spans(parsed))) == visible(text)


def test_every_grammar_has_a_sample() -> None:
    sampled = {name.partition(".")[2] for name in SAMPLES} | {"py"}
    for language in LANGUAGES:
        known = {extension[1:] for extension in language.extensions}
        assert not language.grammar or known & sampled


def test_languages_without_a_grammar_are_cut_at_blank_lines() -> None:
    parsed = code("fun x() {\n}\n\nfun y() {}\n", "a.kt")
    assert spans(parsed) == ["fun x() {\n}", "fun y() {}"]
    assert parsed.metadata == {"programming_language": "Kotlin", "parser": "lines"}


@pytest.mark.timeout(60)
def test_one_long_line_is_one_block() -> None:
    minified = "function f(){return 1};" * 130_000
    parsed = code(minified, "a.js")
    assert spans(parsed) == [minified]
    assert parsed.metadata["parser"] == "lines"
    assert len(code(minified[:50_000], "a.js").blocks) == 1


@pytest.mark.timeout(120)
@pytest.mark.parametrize("unit", ["(", "{", "[", "'", "#if 1\n", "class A {\n", "<<E\n"])
def test_nesting_is_survived(unit: str) -> None:
    for name in ("a.py", "a.js", "a.rs", "a.hpp", "a.sh"):
        text = unit * (20_000 // len(unit))
        assert visible("".join(spans(code(text, name)))) == visible(text)


@pytest.mark.timeout(120)
def test_what_a_grammar_cannot_read_in_time_is_cut_at_blank_lines() -> None:
    parsed = code("a<" * 60_000, "a.java")
    assert parsed.metadata["parser"] == "lines"
    assert len(parsed.blocks) == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("unit", "name"),
    [("$(..", "a.java"), ("$(.", "a.hpp"), ("  await =>", "a.java"), ("<<A;\n", "a.sh")],
)
def test_what_never_ends_takes_bounded_memory(unit: str, name: str) -> None:
    script = (
        "import resource, sys\n"
        "from rag.connectors.formats.code import CodeFormat\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000,) * 2)\n"
        f"parsed = CodeFormat().parse(({unit!r} * 15_000).encode(), {name!r})\n"
        "print(parsed.metadata['parser'])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.returncode) == ("lines\n", 0), ran.stderr


@pytest.mark.timeout(120)
def test_damaged_sources_are_read_or_refused() -> None:
    chance = random.Random(5)
    names = ["a.py", *SAMPLES]
    read = 0
    for number in range(300):
        name = names[number % len(names)]
        data = bytearray((SAMPLES[name][0] if name in SAMPLES else PYTHON).encode())
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            parsed = parse_here(CodeFormat(), bytes(data[: chance.randint(1, len(data))]), name)
        except DocumentError as error:
            assert "cannot be read as" not in str(error)
            continue
        spans(parsed)
        read += 1
    assert read > 50

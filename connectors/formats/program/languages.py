"""Programming languages: by which extension they are known, and what their grammars call things.

A language without a grammar here is read by its lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Language:
    """A language: the package of its grammar, and the nodes that name a symbol.

    `containers` and `functions` give for each node type the word before the symbol's name, as
    it is written in the language; `grammar` is `package:function`, "" for none.
    """

    name: str
    extensions: tuple[str, ...]
    grammar: str = ""
    containers: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)


_C_TYPES = {"struct_specifier": "struct", "union_specifier": "union", "enum_specifier": "enum"}
_C_FUNCTIONS = {"function_definition": ""}
_SCRIPT_CONTAINERS = {"class_declaration": "class", "class": "class"}
_SCRIPT_FUNCTIONS = {
    "function_declaration": "function",
    "generator_function_declaration": "function",
    "method_definition": "",
    "variable_declarator": "",
}
_TYPESCRIPT_CONTAINERS = {
    **_SCRIPT_CONTAINERS,
    "abstract_class_declaration": "class",
    "internal_module": "namespace",
    "module": "module",
}
_TYPESCRIPT_FUNCTIONS = {
    **_SCRIPT_FUNCTIONS,
    "interface_declaration": "interface",
    "enum_declaration": "enum",
    "type_alias_declaration": "type",
}

LANGUAGES = (
    Language(
        "Python",
        (".py", ".pyi", ".pyw"),
        "tree_sitter_python:language",
        {"class_definition": "class"},
        {"function_definition": "def"},
    ),
    Language(
        "JavaScript",
        (".js", ".mjs", ".cjs", ".jsx"),
        "tree_sitter_javascript:language",
        _SCRIPT_CONTAINERS,
        _SCRIPT_FUNCTIONS,
    ),
    Language(
        "TypeScript",
        (".ts", ".mts", ".cts"),
        "tree_sitter_typescript:language_typescript",
        _TYPESCRIPT_CONTAINERS,
        _TYPESCRIPT_FUNCTIONS,
    ),
    Language(
        "TypeScript",
        (".tsx",),
        "tree_sitter_typescript:language_tsx",
        _TYPESCRIPT_CONTAINERS,
        _TYPESCRIPT_FUNCTIONS,
    ),
    Language(
        "Java",
        (".java",),
        "tree_sitter_java:language",
        {
            "class_declaration": "class",
            "interface_declaration": "interface",
            "enum_declaration": "enum",
            "record_declaration": "record",
            "annotation_type_declaration": "@interface",
        },
        {
            "method_declaration": "",
            "constructor_declaration": "",
            "compact_constructor_declaration": "",
        },
    ),
    Language(
        "Go",
        (".go",),
        "tree_sitter_go:language",
        {},
        {"function_declaration": "func", "method_declaration": "func", "type_spec": "type"},
    ),
    Language(
        "Rust",
        (".rs",),
        "tree_sitter_rust:language",
        {"impl_item": "impl", "trait_item": "trait", "mod_item": "mod"},
        {
            "function_item": "fn",
            "function_signature_item": "fn",
            "struct_item": "struct",
            "enum_item": "enum",
            "union_item": "union",
            "macro_definition": "macro_rules!",
        },
    ),
    Language("C", (".c",), "tree_sitter_c:language", _C_TYPES, _C_FUNCTIONS),
    # A header does not say which of the two it is for; the grammar of C++ reads both.
    Language(
        "C++",
        (".cpp", ".cc", ".cxx", ".c++", ".hpp", ".hh", ".hxx", ".h", ".ino", ".cu", ".cuh"),
        "tree_sitter_cpp:language",
        {**_C_TYPES, "class_specifier": "class", "namespace_definition": "namespace"},
        _C_FUNCTIONS,
    ),
    Language(
        "C#",
        (".cs",),
        "tree_sitter_c_sharp:language",
        {
            "namespace_declaration": "namespace",
            "class_declaration": "class",
            "interface_declaration": "interface",
            "struct_declaration": "struct",
            "record_declaration": "record",
            "enum_declaration": "enum",
        },
        {"method_declaration": "", "constructor_declaration": "", "local_function_statement": ""},
    ),
    Language(
        "Ruby",
        (".rb", ".rake", ".gemspec"),
        "tree_sitter_ruby:language",
        {"class": "class", "module": "module"},
        {"method": "def", "singleton_method": "def"},
    ),
    Language(
        "PHP",
        (".php",),
        "tree_sitter_php:language_php",
        {
            "namespace_definition": "namespace",
            "class_declaration": "class",
            "interface_declaration": "interface",
            "trait_declaration": "trait",
            "enum_declaration": "enum",
        },
        {"function_definition": "function", "method_declaration": ""},
    ),
    Language(
        "shell",
        (".sh", ".bash", ".zsh", ".ksh"),
        "tree_sitter_bash:language",
        {},
        {"function_definition": ""},
    ),
    Language("Kotlin", (".kt", ".kts")),
    Language("Swift", (".swift",)),
    Language("Scala", (".scala", ".sc")),
    Language("Dart", (".dart",)),
    Language("Lua", (".lua",)),
    Language("Perl", (".pl", ".pm")),
    Language("R", (".r",)),
    Language("Julia", (".jl",)),
    Language("Haskell", (".hs",)),
    Language("Elixir", (".ex", ".exs")),
    Language("Erlang", (".erl",)),
    Language("Clojure", (".clj", ".cljs")),
    Language("Groovy", (".groovy", ".gradle")),
    Language("PowerShell", (".ps1", ".psm1")),
    Language("SQL", (".sql",)),
    Language("Zig", (".zig",)),
    Language("Protocol Buffers", (".proto",)),
    Language("GraphQL", (".graphql",)),
)

BY_EXTENSION: Mapping[str, Language] = MappingProxyType(
    {extension: language for language in LANGUAGES for extension in language.extensions}
)

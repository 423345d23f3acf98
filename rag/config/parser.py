"""Reads a pipeline file into a checked `Pipeline`; faults are collected, not thrown one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rag.config import coherence
from rag.config.draft import Draft, Part, PrunePart, Step
from rag.config.grammar import (
    DEFAULT_ANSWERER,
    DEFAULT_DENSE,
    DEFAULT_FUSER,
    DEFAULT_TOP,
    INDEX_KINDS,
    PRUNING,
    RERANKING,
    STAGES,
    TOP_KEYS,
    TOP_REQUIRED,
)
from rag.config.override import apply
from rag.config.pipeline import Pipeline
from rag.config.reader import Reader, kept, present
from rag.config.tree import Node, Value, label, read
from rag.config.wording import shown
from rag.errors import Fault, PipelineError


def parse_pipeline(text: str, name: str, overrides: Sequence[str] = ()) -> Pipeline:
    """The pipeline in `text`, with "KEY=VALUE" overrides laid over it.

    `name` is what faults call the file. Raises PipelineError with every fault at once.
    """
    root, faults = read(text)
    draft = Draft(faults=faults)
    if root is not None:
        for override in overrides:
            draft.faults += apply(root, override)
        label(root)
        _Parser(draft).read(root)
        coherence.check(draft)
    pipeline = draft.pipeline()
    if pipeline is None:
        raise PipelineError(name, _in_order(draft.faults))
    return pipeline


def _unclear(amounts: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """What is wrong with how much is to be pruned, and at which key."""
    ways = [key for key in ("keep", "min_quality", "within") if key in amounts]
    if not ways:
        yield "", "say how much to prune: 'keep: 0.9', 'min_quality: X', or 'within: 0.01'"
    for key in ways[1:]:
        yield key, f"'{key}' beside '{ways[0]}': give one of the two"
    if ("within" in amounts) != ("dataset" in amounts):
        where = "within" if "within" in amounts else "dataset"
        yield where, "'within' and 'dataset' go together: the loss is measured on the dataset"


def _in_order(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """By line, those of the whole file first and those of overrides last."""
    unique = dict.fromkeys(
        Fault(_printable(fault.message), fault.line, _printable(fault.key)) for fault in faults
    )
    return tuple(sorted(unique, key=lambda fault: (fault.key.startswith("--set"), fault.line or 0)))


def _printable(text: str) -> str:
    """One line that a terminal shows as it is: keys and values may hold any character."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


class _Parser(Reader):
    def read(self, root: Node) -> None:
        entries = self.mapping(root, "key of a pipeline", TOP_KEYS)
        if entries is None:
            return
        for key in TOP_REQUIRED:
            self.required(entries, key, root)
        self.draft.name = self.text(entries, "name")
        self.draft.description = self.text(entries, "description")
        self.draft.index = present(entries, "index")
        self.draft.query = present(entries, "query")
        self._read_index(self.draft.index)
        self._read_query(self.draft.query)
        default = Node({"use": Node(DEFAULT_ANSWERER, root.line)}, root.line)
        self.draft.answer = self.part("answerer", present(entries, "answer") or default)
        cache = present(entries, "cache")
        self.draft.cache = self.part("cache", cache) if cache is not None else None

    def _read_index(self, index: Node | None) -> None:
        entries = self.mapping(index, "key of 'index'", tuple(INDEX_KINDS))
        if entries is None or index is None:
            return
        self.required(entries, "chunk", index)
        if not any(present(entries, key) for key in ("encode", "lexical")):
            where = next((entries[key] for key in ("encode", "lexical") if key in entries), index)
            self.draft.add(where, "the index needs 'encode' or 'lexical', or both")
        self.draft.chunk = self._optional(entries, "chunk")
        self.draft.encode = self._optional(entries, "encode")
        self.draft.lexical = self._optional(entries, "lexical")
        self.draft.dense = self._read_dense(entries, index)
        prune = present(entries, "prune")
        if prune is not None:
            nodes = kept(prune) if isinstance(prune.value, list) else [prune]
            self.draft.prune = [part for node in nodes if (part := self._read_prune(node))]

    def _read_prune(self, node: Node) -> PrunePart | None:
        entries = node.value if isinstance(node.value, dict) else {}
        given = {key: one for key in PRUNING if (one := present(entries, key)) is not None}
        rest: Value = node.value
        if isinstance(rest, dict):
            rest = {key: one for key, one in rest.items() if key not in PRUNING}
        part = self.part("pruner", Node(rest, node.line, node.key))
        amounts = {key: self.amount(key, one, PRUNING[key]) for key, one in given.items()}
        if part is None:
            return None
        if not amounts.keys() - {"dataset"} and hasattr(part.type, "threshold"):
            amounts["min_quality"] = part.type.threshold
        for where, message in _unclear(amounts):
            self.draft.add(given.get(where, node), message)
        return PrunePart(part, amounts)

    def _read_dense(self, entries: Mapping[str, Node], index: Node) -> Part | None:
        """How vectors are searched, where there are any."""
        node, encode = present(entries, "dense"), present(entries, "encode")
        if encode is None:
            if node is not None:
                self.draft.add(node, "'dense' needs 'index.encode', which makes the vectors")
            return None
        default = Node({"use": Node(DEFAULT_DENSE, index.line)}, index.line)
        return self.part("dense", node or default)

    def _optional(self, entries: Mapping[str, Node], key: str) -> Part | None:
        node = present(entries, key)
        return self.part(INDEX_KINDS[key], node) if node is not None else None

    def _read_query(self, query: Node | None) -> None:
        if query is None:
            return
        if not isinstance(query.value, list):
            self.draft.complete = False
            self.draft.add(query, f"'query' takes a list of stages, got {shown(query.plain())}")
            return
        for item in kept(query):
            step = self._step(item)
            if step is not None:
                self.draft.steps.append(step)

    def _step(self, item: Node) -> Step | None:
        entries = self.mapping(item, "stage", STAGES) or {}
        if item.value == {}:
            self.draft.add(item, f"a stage is one of {', '.join(STAGES)}")
        if len(entries) > 1:
            given = ", ".join(entries)
            self.draft.add(item, f"each stage is an item of its own, got {given} in one item")
        if len(entries) != 1:
            self.draft.complete = False
            return None
        name, node = next(iter(entries.items()))
        return None if node.removed else self._read_step(Step(name, node))

    def _read_step(self, step: Step) -> Step:
        {
            "rewrite": self._read_rewrite,
            "retrieve": self._read_retrieve,
            "rerank": self._read_rerank,
            "select": self._read_select,
            "expand": self._read_expand,
            "cut": self._read_cut,
        }[step.name](step)
        return step

    def _read_rewrite(self, step: Step) -> None:
        step.parts = self.parts("rewriter", [step.node])

    def _read_retrieve(self, step: Step) -> None:
        given = step.node.value if isinstance(step.node.value, dict) else {}
        if not (present(given, "of") or present(given, "fuse")):
            step.parts = self.parts("retriever", [step.node])
            return
        entries = self.mapping(step.node, "key of 'retrieve'", ("fuse", "of")) or {}
        self.required(entries, "of", step.node)
        arms, fuse = present(entries, "of"), present(entries, "fuse")
        if fuse is not None:
            step.fuse = self.part("fuser", fuse)
        if arms is not None and not isinstance(arms.value, list):
            message = f"'of' takes a list of retrievers, got {shown(arms.plain())}"
            self.draft.add(arms, message)
        elif arms is not None:
            self._read_arms(step, arms, fuse)

    def _read_arms(self, step: Step, arms: Node, fuse: Node | None) -> None:
        nodes = kept(arms)
        step.parts, step.arms = self.parts("retriever", nodes), len(nodes)
        if not nodes:
            self.draft.add(arms, "'of' takes at least one retriever")
        if len(nodes) == 1 and fuse is not None:
            self.draft.add(fuse, "there is one retriever, so nothing to fuse: leave 'fuse' out")
        if len(nodes) > 1 and fuse is None:
            use = Node(DEFAULT_FUSER, step.node.line)
            step.fuse = self.part("fuser", Node({"use": use}, step.node.line, step.node.key))

    def _read_rerank(self, step: Step) -> None:
        entries = step.node.value
        if not isinstance(entries, dict):
            step.parts = self.parts("reranker", [step.node])
            return
        rest = {key: node for key, node in entries.items() if key not in RERANKING}
        step.parts = self.parts("reranker", [Node(rest, step.node.line, step.node.key)])
        given = {key: node for key in RERANKING if (node := present(entries, key)) is not None}
        top = given.pop("top", None)
        step.number = DEFAULT_TOP if top is None else self.count("top", top)
        step.more = {key: self.amount(key, node, RERANKING[key]) for key, node in given.items()}

    def _read_select(self, step: Step) -> None:
        step.parts = self.parts("selector", [step.node])

    def _read_expand(self, step: Step) -> None:
        step.parts = self.parts("expander", [step.node])

    def _read_cut(self, step: Step) -> None:
        entries = self.mapping(step.node, "key of 'cut'", ("k",))
        if entries is not None:
            self.required(entries, "k", step.node)
            k = present(entries, "k")
            step.number = self.count("k", k) if k is not None else None

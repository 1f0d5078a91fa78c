"""Small mistakes made in C on purpose, and whether a Unity suite notices them.

A mutant has one operator or constant changed. All of a component are compiled into one program (mutant schemata): where
`a < b` was, there is `(active_mutant == 17 ? (a <= b) : (a < b))`, and each run of the program has another one active.
Only constants that C wants to know at compile time need a program of their own.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import tree_sitter_c
from tree_sitter import Language, Node, Parser

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Share:
    """What of a component is mutated, and how much of it its suite has to notice."""

    least: float
    files: tuple[str, ...] = ("*.c", "*.h")
    """Patterns of the names, beside one another; not what lies in folders: public headers and generated code."""


COMPONENTS = {
    "tinybms": Share(
        0.90,
        (
            "tinybms_events.c",
            "tinybms_event_log.c",
            "tinybms_session.c",
            "tinybms_session_events.c",
            "tinybms_snapshot.c",
            "tinybms_write_gate.c",
        ),
    ),
    "battery_model": Share(0.90),
    "charge_control": Share(0.95),
    "battery_alarms": Share(0.95),
    "battery_pipeline": Share(0.90),
    "energy_meter": Share(0.90),
    "victron_pgn": Share(0.90),
}
"""What knows the battery, decides how it is charged and when it is in danger, and tells it to the GX; what decides has
the higher share."""

C_PARSER = Parser(Language(tree_sitter_c.language()))
OPERATORS = {
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",),
    "&&": ("||",), "||": ("&&",),
    "+": ("-",), "-": ("+",), "+=": ("-=",), "-=": ("+=",), "++": ("--",), "--": ("++",),
}  # fmt: skip
WITH_OPERATOR = ("binary_expression", "assignment_expression", "update_expression")
NOT_MUTATED = ("array_declarator", "sizeof_expression", "preproc_call", "string_literal", "char_literal")
STATIC_ASSERT = ("_Static_assert", "static_assert")
TYPED_CONSTANT = r"U?INT\d+_C"
"""A macro that pastes its argument: that has to stay a bare number."""
NUMBER = rf"((?:{TYPED_CONSTANT}\()?)(-?(?:0[xX])?[0-9a-fA-F]+)([uUlL]*\)?)"
COMPILE_TIME = ("enumerator", "bitfield_clause", "subscript_designator")
RUN_SECONDS = 20
"""For a mutant that waits; one that computes is stopped after a second of processor time."""

CHOOSER = """
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
int active_mutant;
/* Unity leaves a case that failed by a jump: the others need not be run. */
void longjmp(void) { _exit(1); }
void __longjmp_chk(void) { _exit(1); }
__attribute__((constructor)) static void choose_mutant(void)
{
    const struct rlimit second = {1, 1}, none = {0, 0};
    active_mutant = atoi(getenv("ACTIVE_MUTANT"));
    setrlimit(RLIMIT_CPU, &second);
    setrlimit(RLIMIT_CORE, &none);
}
"""


@dataclass(frozen=True)
class Mutant:
    """One token of a file replaced by another."""

    file: str
    function: str
    """Where it is: a function, a macro, or a table."""
    line_number: int
    line: str
    mutated: str
    """The line as it is and as the mutant has it."""
    first: int
    last: int
    text: str
    """The expression that takes the place of the bytes first..last-1."""
    own_program: bool

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is known by, wherever in the file its line is."""
        return self.file, self.function, self.line, self.mutated

    def __str__(self) -> str:
        return f"{self.file}:{self.line_number} {self.function}:\n    {self.line}\n    {self.mutated}"


# ---- what can be mutated ----


def parse(source: bytes, file: str) -> Node:
    # What is only for C++ has half a block on each side: blank, so that the rest stays where it is.
    only_c = re.sub(rb"#ifdef __cplusplus\n.*?#endif", lambda m: re.sub(rb"[^\n]", b" ", m[0]), source, flags=re.DOTALL)
    root = C_PARSER.parse(only_c).root_node
    if broken := next((n for n in walk(root) if n.is_error or n.is_missing), None):
        raise ValueError(f"{file}:{broken.start_point.row + 1}: the parser does not understand this")
    return root


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def ancestors(node: Node) -> Iterator[tuple[Node, Node]]:
    """Each ancestor with the child of it that leads to the node."""
    while node.parent is not None:
        yield node.parent, node
        node = node.parent


def text_of(node: Node | None) -> str:
    return node.text.decode() if node is not None and node.text is not None else ""


def is_mutated(node: Node) -> bool:
    """Not sizes of arrays, shifts, what the preprocessor decides by, and what is no code that runs."""
    for above, below in ancestors(node):
        if above.type in NOT_MUTATED or is_part(above, below, "condition", "preproc_if", "preproc_elif"):
            return False
        if above.type == "call_expression" and called(above) in STATIC_ASSERT:
            return False
        if above.type == "call_expression" and re.fullmatch(TYPED_CONSTANT, called(above)):
            return False
        if is_part(above, node, "right", "binary_expression") and operator(above) in ("<<", ">>"):
            return False
    return True


def only_asserted(root: Node) -> set[str]:
    """Functions that nothing but assertions call: like these they check, and no suite can see that one checks less."""
    names = {text_of(_name(node)) for node in root.children if node.type == "function_definition"}
    calls = [(called(node), node) for node in walk(root) if node.type == "call_expression"]
    found: set[str] = set()
    while True:
        others = {name for name, node in calls if not is_assertion(node, found)}
        more = {name for name, _ in calls if name in names} - others
        if more <= found:
            return found
        found |= more


def is_assertion(node: Node, checks: set[str]) -> bool:
    """Whether it is part of an assertion, or of a function that only assertions call."""
    above = [node, *(node for node, _ in ancestors(node))]
    return any(n.type == "call_expression" and called(n) == "assert" for n in above) or any(
        n.type == "function_definition" and text_of(_name(n)) in checks for n in above
    )


def _name(declared: Node) -> Node | None:
    inner: Node | None = declared
    while inner is not None and (deeper := inner.child_by_field_name("declarator")) is not None:
        inner = deeper
    return inner


def is_compile_time(node: Node) -> bool:
    """Whether C wants a constant expression here."""
    for above, below in ancestors(node):
        if above.type in COMPILE_TIME or is_part(above, below, "value", "case_statement"):
            return True
        if above.type == "declaration":
            static = any(text_of(c) == "static" for c in above.children if c.type == "storage_class_specifier")
            return static or (above.parent is not None and above.parent.type == "translation_unit")
    return False


def is_pointer_difference(node: Node) -> bool:
    """`(size_t)(end - text)`: with a + it is no C, which only a program of its own may find out."""
    cast = next((above for above, _ in ancestors(node) if above.type != "parenthesized_expression"), None)
    return (
        cast is not None
        and operator(node) == "-"
        and is_part(cast, node.parent or node, "value", "cast_expression")
        and text_of(cast.child_by_field_name("type")) == "size_t"
    )


def is_part(above: Node | None, below: Node, field: str, *types: str) -> bool:
    return above is not None and above.type in types and above.child_by_field_name(field) == below


def called(call: Node) -> str:
    return text_of(call.child_by_field_name("function"))


def operator(node: Node) -> str:
    return text_of(node.child_by_field_name("operator"))


def place_of(node: Node) -> str:
    """Name of the function, or of what else is at the top of the file."""
    *_, top = (below for _, below in ancestors(node))
    declarator = _name(top)
    named = declarator is not None and declarator.type in ("identifier", "type_identifier")
    return text_of(declarator) if named else top.type


def one_line(text: bytes) -> str:
    """Without the spaces that only make it stand in columns."""
    return " ".join(text.decode().split())


def replacements(node: Node) -> Iterator[tuple[Node, str]]:
    """Tokens of an expression that are replaced, and by what."""
    text = text_of(node)
    if node.type in WITH_OPERATOR:
        token = node.child_by_field_name("operator")
        if token is not None:
            yield from ((token, other) for other in OPERATORS.get(operator(node), ()))
    elif node.type == "number_literal" or (
        node.type == "call_expression" and re.fullmatch(TYPED_CONSTANT, called(node))
    ):
        if match := re.fullmatch(NUMBER, text):
            for value in (int(match[2], 0) + 1, int(match[2], 0) - 1):
                yield node, f"{match[1]}{hex(value) if 'x' in match[2].lower() else value}{match[3]}"
    elif node.type in ("true", "false"):
        yield node, "false" if node.type == "true" else "true"
    elif re.fullmatch(r"[A-Z][A-Z0-9_]*", text) and is_part(node.parent, node, "value", "initializer_pair"):
        yield from ((node, f"{text} {step} 1") for step in "+-")


def macro_value(macro: Node, file: str) -> tuple[Node, int]:
    """Syntax tree of a macro's value, which is a mere text in the tree of the file, and where in the file it begins."""
    value = macro.child_by_field_name("value") or macro
    before = b"int x = "
    root = C_PARSER.parse(before + text_of(macro.child_by_field_name("value")).encode() + b";").root_node
    if root.has_error and value is not macro:
        raise ValueError(f"{file}:{macro.start_point.row + 1}: the parser does not understand this macro")
    return root, value.start_byte - len(before)


def mutants_of(file: str, source: bytes, compile_time_names: frozenset[str]) -> list[Mutant]:
    """All mutants of a file; macros of these names are used where C wants a constant expression."""
    root = parse(source, file)
    lines = source.split(b"\n")
    checks = only_asserted(root)
    found = []

    def collect(tree: Node, offset: int, place: str | None, own_program: bool | None) -> None:
        for node in walk(tree):
            for token, new in replacements(node) if is_mutated(node) and not is_assertion(node, checks) else ():
                first, last = node.start_byte + offset, node.end_byte + offset
                token_first, token_last = token.start_byte + offset, token.end_byte + offset
                row = source.count(b"\n", 0, token_first)
                column = token_first - (source.rfind(b"\n", 0, token_first) + 1)
                line, end = lines[row], column + token_last - token_first
                found.append(
                    Mutant(
                        file,
                        place or place_of(node),
                        row + 1,
                        one_line(line),
                        one_line(line[:column] + new.encode() + line[end:]),
                        first,
                        last,
                        (source[first:token_first] + new.encode() + source[token_last:last]).decode(),
                        (is_compile_time(node) if own_program is None else own_program) or is_pointer_difference(node),
                    )
                )

    collect(root, 0, None, None)
    for macro in walk(root):
        if macro.type in ("preproc_def", "preproc_function_def"):
            name = text_of(macro.child_by_field_name("name"))
            collect(*macro_value(macro, file), name, name in compile_time_names)
    return found


def compile_time_names(source: bytes, file: str) -> set[str]:
    """Names that occur where C wants a constant expression."""
    nodes = walk(parse(source, file))
    return {text_of(n) for n in nodes if n.type == "identifier" and (is_compile_time(n) or not is_mutated(n))}


def with_all(source: bytes, mutants: dict[int, Mutant]) -> bytes:
    """The file with all these mutants in it, chosen by the variable active_mutant."""
    at: dict[tuple[int, int], list[int]] = {}
    for number, mutant in mutants.items():
        at.setdefault((mutant.first, -mutant.last), []).append(number)
    places = [(first, -last, numbers) for (first, last), numbers in sorted(at.items())]

    def render(first: int, last: int) -> bytes:
        out = b""
        while places and places[0][0] < last:
            begin, end, numbers = places.pop(0)
            choice = "".join(f"active_mutant == {n} ? ({mutants[n].text}) : " for n in numbers).encode()
            out += source[first:begin] + b"(" + choice + b"(" + render(begin, end) + b"))"
            first = end
        return out + source[first:last]

    return render(0, len(source))


# ---- the programs ----


def run(*command: str | Path) -> None:
    ended = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, timeout=120)
    if ended.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{ended.stdout}{ended.stderr}")


class Mutation:
    """The mutants of some C files, with the programs that run a suite against them."""

    def __init__(
        self, files: Sequence[Path], options: Sequence[str], rest: Sequence[str | Path], directory: Path
    ) -> None:
        """Find the mutants.

        Args:
            files: sources and private headers of one directory.
            options: of the compiler, to compile one of them.
            rest: objects, libraries and options that make a program of their objects.
            directory: for the programs.
        """
        self.files = {file.name: file.read_bytes() for file in files}
        self.options = ["-O1", "-w", *options, f"-I{files[0].parent}"]
        self.rest = list(rest)
        self.directory = directory
        names = frozenset().union(*(compile_time_names(source, name) for name, source in self.files.items()))
        self.mutants = [m for name, source in self.files.items() for m in mutants_of(name, source, names)]

    def _compile(self, name: str, folder: Path) -> Path:
        run("gcc", *self.options, "-include", self.directory / "active_mutant.h", "-c", folder / name,
            "-o", folder / f"{name}.o")  # fmt: skip
        return folder / f"{name}.o"

    def _write(self, folder: Path, files: dict[str, bytes]) -> Path:
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return folder

    @cached_property
    def _shared(self) -> list[Path]:
        """Objects of the program that has all mutants but those that need their own."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "active_mutant.h").write_text("extern int active_mutant;\n")
        numbered = {n: m for n, m in enumerate(self.mutants, 1) if not m.own_program}
        mutated = {
            name: with_all(source, {n: m for n, m in numbered.items() if m.file == name})
            for name, source in self.files.items()
        }
        folder = self._write(self.directory / "all", {**mutated, "chooser.c": CHOOSER.encode()})
        return [self._compile(name, folder) for name in (*mutated, "chooser.c") if name.endswith(".c")]

    def _link(self, objects: Sequence[Path], program: Path) -> Path:
        run("gcc", *objects, *self.rest, "-o", program)
        return program

    @cached_property
    def program(self) -> Path:
        """Program with the mutants that can share one.

        Raises:
            RuntimeError: its suite fails while no mutant is active.
        """
        program = self._link(self._shared, self.directory / "all.elf")
        if self._is_caught(program, 0):
            raise RuntimeError(f"the suite fails without any mutant: ACTIVE_MUTANT=0 {program} '*'")
        return program

    def _own_program(self, number: int, mutant: Mutant) -> Path | None:
        """Program of one mutant; none when it is no C."""
        source = self.files[mutant.file]
        mutated = source[: mutant.first] + b"(" + mutant.text.encode() + b")" + source[mutant.last :]
        folder = self._write(self.directory / str(number), {**self.files, mutant.file: mutated})
        changed = [mutant.file] if mutant.file.endswith(".c") else [n for n in self.files if n.endswith(".c")]
        try:
            objects = {name: self._compile(name, folder) for name in changed}
        except RuntimeError:
            return None
        others = [o for o in self._shared if o.name.removesuffix(".o") not in objects]
        return self._link([*objects.values(), *others], folder / "one.elf")

    def _is_caught(self, program: Path, number: int) -> bool:
        try:
            ended = subprocess.run(
                [program, "*"],
                env={**os.environ, "ACTIVE_MUTANT": str(number)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=RUN_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return True
        return ended.returncode != 0

    def run(self) -> "Outcome":
        """Run the suite once for each mutant."""
        shared = self.program

        def outcome(number: int, mutant: Mutant) -> bool | None:
            program = self._own_program(number, mutant) if mutant.own_program else shared
            return None if program is None else self._is_caught(program, number)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            caught = list(pool.map(outcome, range(1, len(self.mutants) + 1), self.mutants))
        return Outcome(
            [m for m, c in zip(self.mutants, caught, strict=True) if c],
            [m for m, c in zip(self.mutants, caught, strict=True) if c is False],
        )


def of_component(build: Path, component: str, directory: Path) -> Mutation:
    """Mutants of the sources and private headers of a component, against its Unity suite in a native build."""
    commands = [shlex.split(entry["command"]) for entry in json.loads((build / "compile_commands.json").read_text())]
    objects = {Path(c[-1]): build / c[c.index("-o") + 1] for c in commands}
    options = {Path(c[-1]): [option for option in c if option.startswith(("-D", "-I", "-std="))] for c in commands}
    ours = [source for source in objects if f"/components/{component}/" in str(source)]
    folder = next(source.parent for source in ours if source.parent.name == component)
    files = [f for pattern in COMPONENTS[component].files for f in sorted(folder.glob(pattern))]
    as_they_are = [objects[source] for source in ours if source not in files]
    suite = [o for o in objects.values() if f"/unit/CMakeFiles/unit_{component}.dir/" in str(o)]
    libraries = [lib for lib in build.glob("components/*/lib*.a") if lib.stem != f"lib{component}"]
    return Mutation(
        files,
        options[files[0]],
        [*suite, *as_they_are, "-Wl,--start-group", build / "libunity.a", build / "libhost_impl.a", *libraries,
         "-Wl,--end-group", "-pthread"],
        directory,
    )  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Mutants that the suite noticed, and those that it did not."""

    caught: list[Mutant]
    survived: list[Mutant]

    @property
    def score(self) -> float:
        return len(self.caught) / (len(self.caught) + len(self.survived))

    def __str__(self) -> str:
        return f"{len(self.caught)} of {len(self.caught) + len(self.survived)} mutants caught, {self.score:.1%}"


# ---- survivors that are known ----


def complaints(outcome: Outcome, listed: Path) -> list[str]:
    """What is wrong with a list of survivors: who is missing, and who is no survivor."""
    known = Counter(
        (entry["file"], entry["function"], entry["line"], entry["mutated"])
        for entry in tomllib.loads(listed.read_text()).get("survivor", [])
        if entry["why"]
    )
    caught = {mutant.key for mutant in outcome.caught}
    survived = {mutant.key: mutant for mutant in outcome.survived}
    said = [f"survived, and is not listed with a reason: {m}" for key, m in survived.items() if key not in known]
    said += [f"listed as a survivor more than once: {key}" for key, count in known.items() if count > 1]
    return said + [
        f"listed as a survivor, but {'caught' if key in caught else 'not there'}: {key}"
        for key in known
        if key not in survived
    ]

"""Hand-written YAML files, read so that nothing is silently lost."""

from typing import Any

import yaml

DEEPEST = 12


def parse_yaml(text: str | bytes) -> Any:
    """Plain data from YAML; bytes must be UTF-8.

    Raises:
        ValueError: it is not YAML, has an anchor, a key twice or too many levels; says where, as far as known.
    """
    try:
        return yaml.load(text.decode() if isinstance(text, bytes) else text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise ValueError(f"{where}{what}") from None
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:  # not UTF-8, no such date
        raise ValueError(f"not YAML: {error}") from None


class _Loader(yaml.SafeLoader):
    """PyYAML would take the last of two equal keys; anchors can make a small file huge."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(
                problem="anchors and aliases are not allowed; write the values out", problem_mark=event.start_mark
            )
        if self._depth == DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {DEEPEST}", problem_mark=event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(problem="a key must be plain text", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"key '{key.value}' occurs twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

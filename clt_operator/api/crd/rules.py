from typing import Any

Schema = dict[str, Any]
RULES: dict[str, tuple[Schema, ...]] = {}


def key_rule(pattern: str) -> Schema:
    return {"rule": f"self.all(k, k.matches(r'{pattern}'))", "message": "bad key"}

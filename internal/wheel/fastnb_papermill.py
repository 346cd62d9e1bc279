"""Lets papermill inject parameters as Go. Papermill finds this by its entry point; nobody imports it."""

import json
import math
import re

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators


class GoTranslator(Translator):
    """Values as Go: each line declares a name anew, with the type of its value."""

    @classmethod
    def translate_none(cls, val):
        return "any(nil)"

    @classmethod
    def translate_str(cls, val):
        # Go's strings take JSON's escapes but for the slash and pairs of surrogates.
        return json.dumps(val, ensure_ascii=False).replace("\x7f", "\\x7f")

    translate_escaped_str = translate_str

    @classmethod
    def translate_int(cls, val):
        return f"int64({val})" if abs(val) >= 2**31 else str(val)

    @classmethod
    def translate_float(cls, val):
        if math.isnan(val):
            return "math.NaN()"
        if math.isinf(val):
            return f"math.Inf({1 if val > 0 else -1})"
        text = repr(val)
        return text if re.search(r"[.e]", text) else text + ".0"

    @classmethod
    def element(cls, values):
        """The Go type of a list's elements."""
        kinds = {type(v) for v in values}
        names = {str: "string", bool: "bool", int: "int", float: "float64"}
        if len(kinds) == 1 and kinds <= set(names):
            return names[kinds.pop()]
        return "float64" if kinds == {int, float} else "any"

    @classmethod
    def translate_list(cls, val):
        return f"[]{cls.element(val)}{{{', '.join(cls.translate(v) for v in val)}}}"

    @classmethod
    def translate_dict(cls, val):
        pairs = ", ".join(f"{cls.translate_str(str(k))}: {cls.translate(v)}" for k, v in val.items())
        return f"map[string]{cls.element(list(val.values()))}{{{pairs}}}"

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}".strip()

    @classmethod
    def assign(cls, name, str_val):
        return f"{name} := {str_val}"

    @classmethod
    def inspect(cls, parameters_cell):
        found = []
        for line in parameters_cell["source"].splitlines():
            m = re.match(r'\s*(\w+)\s*:=\s*("(?:[^"\\]|\\.)*"|`[^`]*`|[^/]+?)\s*(?://\s*(.*))?$', line)
            if m:
                value = m[2].strip()
                kind = "str" if value[0] in '"`' else "bool" if value in ("true", "false") else "int" if re.fullmatch(r"-?\d+", value) else "float" if re.fullmatch(r"-?[\d.]+(e-?\d+)?", value) else "None"
                found.append(Parameter(name=m[1], inferred_type_name=kind, default=value, help=m[3] or ""))
        return found


papermill_translators.register("go", GoTranslator)


class Engine(NBClientEngine):
    """Papermill's own; its entry point is what has this file loaded."""

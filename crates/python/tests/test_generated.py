"""What is written from the module: the table of what it covers, and the types of its names. `UPDATE=1 cargo test -p
virtus-python` writes both."""

import importlib
import inspect
import os
import sys
import unittest

import libvirt

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
NAMES = os.path.join(HERE, "data", "names.txt")
TABLE = os.path.join(ROOT, "docs", "python.md")
TYPES = os.path.join(HERE, "..", "python", "libvirt", "__init__.pyi")
BEGIN, END = "<!-- the table is written by UPDATE=1 cargo test -p virtus-python -->\n", "<!-- end of the table -->\n"

# what libvirt-python has and this has not, each with the reason
LEFT_OUT = {}


def parameters(function):
    found = inspect.signature(function).parameters.values()
    return "(" + ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in found) + ")"


def here(line):
    """Whether the module has what the line says, as it says."""
    name, _, rest = line.partition("(")
    name = name.partition(" = ")[0]
    module, *path = name.split(".")
    thing = importlib.import_module(module)
    for part in path:
        thing = getattr(thing, part, None)
        if thing is None:
            return False
    return not rest or parameters(thing).replace('"', "'") == "(" + rest.replace('"', "'")


def names():
    with open(NAMES) as file:
        return [line.rstrip("\n") for line in file if not line.startswith("#")]


def table():
    groups = {}
    for line in names():
        name = line.partition("(")[0].partition(" = ")[0].split(".")
        if name[-1].startswith("VIR_"):
            group = f"`{name[0]}`: constants"
        elif len(name) == 2:
            group = f"`{name[0]}`: functions"
        else:
            group = f"`{'.'.join(name[:2])}`"
        groups.setdefault(group, []).append(line)
    rows = ["| what | names | here | not here, and why |\n", "|---|---:|---:|---|\n"]
    for group, lines in sorted(groups.items()):
        missing = [line for line in lines if not here(line)]
        why = "; ".join(f"`{line}`: {LEFT_OUT.get(line, '?')}" for line in missing)
        rows.append(f"| {group} | {len(lines)} | {len(lines) - len(missing)} | {why} |\n")
    everything = sum(map(len, groups.values()))
    covered = sum(here(line) for lines in groups.values() for line in lines)
    rows.append(f"| all | {everything} | {covered} | |\n")
    return "".join(rows)


def types():
    lines = [
        "# The names of the module with their types; written by UPDATE=1 cargo test -p virtus-python.\n",
        "from typing import Any, Callable\n\n",
    ]
    imported, functions, constants = {}, [], []
    for name, thing in sorted(vars(libvirt).items()):
        if name.startswith("__") or inspect.ismodule(thing):
            continue
        if isinstance(thing, (int, str)):
            constants.append(f"{name}: {type(thing).__name__}\n")
            continue
        if name.startswith("_") and name in vars(libvirt._types):
            imported.setdefault("_types", []).append(name)
            continue
        # classes and functions say that they are the module's own; where they are written, their code knows
        source = sys.modules.get(getattr(thing, "__module__", ""))
        if inspect.isclass(thing) and thing.__module__ == "libvirt":
            imported.setdefault(written_in(thing), []).append(name)
        elif inspect.isfunction(thing) and thing.__globals__["__name__"] != "libvirt":
            imported.setdefault(thing.__globals__["__name__"].rpartition(".")[2], []).append(name)
        elif inspect.isfunction(thing):
            functions.append(f"def {name}{inspect.signature(thing)}: ...\n".replace("'", ""))
        else:
            assert source is None or source.__name__ in ("typing", "__future__"), name
    for module, found in sorted(imported.items()):
        lines.append(f"from .{module} import (\n")
        lines.extend(f"    {name} as {name},\n" for name in found)
        lines.append(")\n")
    return "".join(lines + ["\n"] + functions + ["\n"] + constants)


def written_in(thing):
    for module in sys.modules.values():
        name = getattr(module, "__name__", "")
        if name.startswith("libvirt._") and vars(module).get("__all__", []) is not None:
            functions = [f for f in vars(thing).values() if inspect.isfunction(f)]
            if functions and functions[0].__globals__["__name__"] == name:
                return name.rpartition(".")[2]
    raise AssertionError(thing)


class Generated(unittest.TestCase):
    maxDiff = None

    def kept(self, path, text, cut, put=lambda whole, text: text):
        """Compares what a file has with what it should have, or with UPDATE writes that."""
        with open(path) as file:
            whole = file.read()
        present = cut(whole)
        if os.environ.get("UPDATE") and present != text:
            with open(path, "w") as file:
                file.write(put(whole, text))
            present = text
        self.assertEqual(present, text, f"{os.path.basename(path)} is stale")

    def test_the_table_is_what_there_is(self):
        text = table()
        self.assertNotIn("?", text, "what is not here needs a reason")
        def cut(whole):
            return whole.partition(BEGIN)[2].partition(END)[0]

        def put(whole, text):
            return whole.partition(BEGIN)[0] + BEGIN + text + END + whole.partition(END)[2]

        self.kept(TABLE, text, cut, put)

    def test_the_types_are_those_of_the_module(self):
        self.kept(TYPES, types(), lambda whole: whole)

"""Names of the modules, with signatures of functions and values of constants, as JSON."""

import inspect
import json

import libvirt
import libvirt_lxc
import libvirt_qemu
import libvirtaio


def signature(function):
    # the lists that classes have for themselves differ in what they annotate; names and defaults are the interface
    parameters = inspect.signature(function).parameters.values()
    return [[p.name, None if p.default is p.empty else repr(p.default)] for p in parameters]


found = {}
for module in (libvirt, libvirt_qemu, libvirt_lxc, libvirtaio):
    for name, thing in vars(module).items():
        key = f"{module.__name__}.{name}"
        if name.startswith("_") or inspect.ismodule(thing) or getattr(thing, "__module__", None) == "typing":
            continue
        if isinstance(thing, (int, str)):
            found[key] = thing
        elif inspect.isfunction(thing) and thing.__module__.split(".")[0] == module.__name__:
            found[key] = signature(thing)
        elif inspect.isclass(thing) and thing.__module__.split(".")[0] == module.__name__:
            for method in dir(thing):
                function = getattr(thing, method)
                if callable(function) and (not method.startswith("_") or method == "__del__"):
                    found[f"{key}.{method}"] = signature(function) if inspect.isfunction(function) else "other"
print(json.dumps(found))

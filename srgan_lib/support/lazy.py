"""Packages whose modules are imported when they are first named: quick to import, and all is there."""

import importlib
import pkgutil


def lazy_modules(package, names):
    """(``__getattr__``, ``__dir__``) for the package of that name, whose ``globals()`` are ``names``."""
    modules = [module.name for module in pkgutil.iter_modules(names["__path__"])]

    def get(name):
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get, lambda: sorted({*names, *modules})

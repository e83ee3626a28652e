"""The command line, a module a command; ``main`` runs it."""

from srgan_lib.cli.main import main

__all__ = ["main"]

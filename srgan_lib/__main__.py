"""``python -m srgan_lib`` is ``srgan``; ``torchrun -m srgan_lib train ...`` trains in several processes."""

import sys

from srgan_lib.cli import main

if __name__ == "__main__":
    sys.exit(main())

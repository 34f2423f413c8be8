"""In charge of `python -m core.cli`, which is `tabularium`."""

from core.cli import main

main()

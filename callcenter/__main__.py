"""``python -m callcenter``: the command line, where the console script is not on PATH."""

from callcenter.cli import main

main()

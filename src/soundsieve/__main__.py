"""`python -m soundsieve` is the command line."""

from soundsieve.cli import main

main()

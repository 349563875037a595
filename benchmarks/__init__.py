"""Benchmarks: Heron beside bare loops and its peers. `python -m benchmarks list` names them."""

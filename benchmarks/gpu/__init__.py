"""The parts of `benchmarks/on_gpu.py`, each a function that gives names of rows and what to do for them."""

"""What measures or judges: figures, mutants, sizes and stacks, fuzz targets, and watching the gateway from its bus.

An instrument takes what there is and says what it found; the limits are in the tests.
"""

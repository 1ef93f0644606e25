"""How much a test does, for scripts; sizes.h says what it means.
Relies on: the environment.
Relied on by: tests/train and tests/system."""
import os


def test_size(full, small):
    """`small` where SIPCNN_TEST_SIZE is "small", else `full`."""
    return small if os.environ.get("SIPCNN_TEST_SIZE") == "small" else full

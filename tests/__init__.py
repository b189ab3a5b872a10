"""The tests of the public package."""

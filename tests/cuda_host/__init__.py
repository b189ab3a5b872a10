"""Kernels on the CPU: the same source, by the system's C++ compiler and a shim."""

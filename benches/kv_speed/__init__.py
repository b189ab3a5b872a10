"""Speed of the KV cache on a CPU, one thread: Rust against NumPy, and PyTorch where it is installed."""

"""The KV cache on a GPU: arrays stay where they lie, and kernels of the folder ``cuda`` read them there.

Each file launches the kernels of one idea on a :class:`recollect.gpu.device.Device`; nothing here is imported
before a call works on a GPU. Layouts and codes are those of the other backends, bit for bit.
"""

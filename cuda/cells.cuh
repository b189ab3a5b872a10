// Copies of parts of rows, whatever their elements are.
#pragma once
#include "keys.cuh"

// A cell of a row: as many bytes as all addresses and steps are multiples of.
template <class T> __device__ __forceinline__ void copy_cell(u8* to, const u8* from) { *(T*)to = *(const T*)from; }

__device__ __forceinline__ void copy_bytes(u8* to, const u8* from, u32 cell) {
    if (cell == 16) copy_cell<uint4>(to, from);
    else if (cell == 8) copy_cell<u64>(to, from);
    else if (cell == 4) copy_cell<u32>(to, from);
    else if (cell == 2) copy_cell<u16>(to, from);
    else *to = *from;
}

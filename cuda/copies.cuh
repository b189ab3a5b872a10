// Copies to shared memory that nobody waits for, and how pieces of rows lie there. A host that runs these kernels brings
// bodies of its own for the copies.
#pragma once
#include "keys.cuh"

// A row has 128 bytes; its cells of 16 are turned by the row, so that eight rows meet in no bank.
__device__ __forceinline__ u32 cell(u32 row, u32 chunk) { return row * 128 + ((chunk ^ (row & 7)) << 4); }

#ifdef __CUDA_ARCH__

// 16 bytes from global to shared memory without waiting; zeros where `valid` is false.
__device__ __forceinline__ void copy16(u8* to, const u8* from, bool valid) {
#if __CUDA_ARCH__ >= 800
    u32 at = (u32)__cvta_generic_to_shared(to);
    int bytes = valid ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(at), "l"(from), "r"(bytes));
#else
    *(uint4*)to = valid ? *(const uint4*)from : make_uint4(0, 0, 0, 0);
#endif
}

// The same of 4 bytes.
__device__ __forceinline__ void copy4(u8* to, const u8* from, bool valid) {
#if __CUDA_ARCH__ >= 800
    u32 at = (u32)__cvta_generic_to_shared(to);
    int bytes = valid ? 4 : 0;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" :: "r"(at), "l"(from), "r"(bytes));
#else
    *(u32*)to = valid ? *(const u32*)from : 0u;
#endif
}

__device__ __forceinline__ void end_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;");
#endif
}

template <int PENDING> __device__ __forceinline__ void await_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" :: "n"(PENDING));
#endif
}

#endif

// CUDA as C++ of this CPU: what kernels call, one block at a time and one fiber a thread (machine.h).
#pragma once
#include <cmath>
#include <cstring>
#include "machine.h"

template <class T> const T& max(const T& a, const T& b) { return a < b ? b : a; }
template <class T> const T& min(const T& a, const T& b) { return b < a ? b : a; }

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(8) float2 { float x, y; };
inline float2 make_float2(float x, float y) { return {x, y}; }
struct alignas(16) float4 { float x, y, z, w; };
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace host {
inline char* dynamic() { return shared; }
template <class T> T poisoned() {
    T value;
    std::memset((void*)&value, 0xCD, sizeof(T));
    return value;
}
inline unsigned lane() { return current->place & 31; }
inline Slot& slot(unsigned lane) { return slots[(current->place & ~31u) + lane]; }
template <class T> T from_lane(T value, unsigned source) {
    std::memcpy(slot(lane()).bytes, &value, sizeof(T));
    pause(WARP);
    T other;
    std::memcpy(&other, slot(source & 31).bytes, sizeof(T));
    pause(WARP);
    return other;
}
}  // namespace host

#define threadIdx host::thread_at
#define blockIdx host::block_at
#define blockDim host::block_size
#define gridDim host::grid_size

inline void __syncthreads() {
    host::Thread* self = host::current;
    host::pause(host::BLOCK);
    host::thread_at = self->at;
}
inline int __syncthreads_or(int value) {
    host::vote |= value != 0;
    __syncthreads();
    return host::voted;
}
inline void __syncwarp(unsigned = 0xffffffffu) { host::pause(host::WARP); }
template <class T> T __shfl_sync(unsigned, T value, int lane) { return host::from_lane(value, lane); }
template <class T> T __shfl_xor_sync(unsigned, T value, int mask) { return host::from_lane(value, host::lane() ^ mask); }
template <class T> T __shfl_down_sync(unsigned, T value, unsigned by) {
    return host::from_lane(value, host::lane() + by < 32 ? host::lane() + by : host::lane());
}
inline int __any_sync(unsigned, int value) {
    for (int apart = 16; apart > 0; apart /= 2) value |= host::from_lane(value, host::lane() ^ apart);
    return value != 0;
}
template <class T> T atomicAdd(T* at, T by) {
    T old = *at;
    *at += by;
    return old;
}
inline int __ffs(unsigned bits) { return __builtin_ffs((int)bits); }
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
template <class To, class From> To bits_as(From value) {
    To result;
    std::memcpy(&result, &value, sizeof(To));
    return result;
}
inline unsigned __float_as_uint(float x) { return bits_as<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return bits_as<float>(x); }
inline float __int_as_float(int x) { return bits_as<float>(x); }
template <class T> T __ldg(const T* at) { return *at; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __saturatef(float x) { return std::fmin(std::fmax(x, 0.0f), 1.0f); }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return std::sqrt(a); }

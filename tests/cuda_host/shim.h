// Runs CUDA kernels on the CPU, one block at a time and one fiber a thread, in an order that the caller chooses: forward,
// backward or shuffled. Shared memory starts out poisoned. A barrier that some threads never reach ends the process.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <ucontext.h>
#include <vector>

using std::max;
using std::min;

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __noinline__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(8) float2 { float x, y; };
inline float2 make_float2(float x, float y) { return {x, y}; }
struct alignas(16) float4 { float x, y, z, w; };
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace host {
enum Wait { RUN, BLOCK, WARP };
struct Fiber {
#ifdef __x86_64__
    void* stack_pointer = nullptr;
#else
    ucontext_t context;
#endif
    std::vector<char> stack;
    bool done = false;
    Wait wait = RUN;
    unsigned place = 0;
    dim3 thread;
};
inline std::vector<Fiber> fibers;
inline Fiber* current;
inline dim3 thread_at, block_at, block_size, grid_size;
inline std::function<void()> body;
inline std::vector<char> shared;
struct Slot { alignas(16) unsigned char bytes[48]; };
inline std::vector<Slot> slots;
inline int voted, vote;

#ifdef __x86_64__
inline void* scheduler;
extern "C" void recollect_host_switch(void** save, void* load);
__asm__(".text\n.weak recollect_host_switch\n.type recollect_host_switch,@function\nrecollect_host_switch:\n"
        " push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n mov %rsp,(%rdi)\n mov %rsi,%rsp\n"
        " pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n ret\n");
inline void leave(Fiber* fiber) { recollect_host_switch(&fiber->stack_pointer, scheduler); }
inline void enter(Fiber* fiber) { recollect_host_switch(&scheduler, fiber->stack_pointer); }
#else
inline ucontext_t scheduler;
inline void leave(Fiber* fiber) { swapcontext(&fiber->context, &scheduler); }
inline void enter(Fiber* fiber) { swapcontext(&scheduler, &fiber->context); }
#endif

inline void start() {
    body();
    current->done = true;
    leave(current);
    __builtin_unreachable();
}
inline void prepare(Fiber& fiber, unsigned place) {
    if (fiber.stack.empty()) fiber.stack.resize(64 * 1024);
    fiber.done = false;
    fiber.wait = RUN;
    fiber.place = place;
    fiber.thread = dim3(place % block_size.x, place / block_size.x % block_size.y, place / (block_size.x * block_size.y));
#ifdef __x86_64__
    void** top = (void**)(((size_t)fiber.stack.data() + fiber.stack.size()) & ~(size_t)15);
    *--top = nullptr;
    *--top = (void*)start;
    for (int at = 0; at < 6; at++) *--top = nullptr;
    fiber.stack_pointer = top;
#else
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = fiber.stack.size();
    fiber.context.uc_link = &scheduler;
    makecontext(&fiber.context, (void (*)())start, 0);
#endif
}
inline void pause(Wait wait) {
    current->wait = wait;
    leave(current);
}
inline void run_block(unsigned seed) {
    unsigned count = block_size.x * block_size.y * block_size.z;
    fibers.resize(std::max<size_t>(fibers.size(), count));
    slots.resize(std::max<size_t>(slots.size(), count));
    std::vector<unsigned> order(count);
    for (unsigned at = 0; at < count; at++) {
        prepare(fibers[at], at);
        order[at] = at;
    }
    if (seed == 1) std::reverse(order.begin(), order.end());
    if (seed > 1) {
        std::mt19937 random(seed);
        std::shuffle(order.begin(), order.end(), random);
    }
    vote = voted = 0;
    for (;;) {
        bool moved = false;
        for (unsigned at : order) {
            Fiber& fiber = fibers[at];
            if (fiber.done || fiber.wait != RUN) continue;
            current = &fiber;
            thread_at = fiber.thread;
            enter(&fiber);
            moved = true;
        }
        unsigned alive = 0, at_barrier = 0;
        for (unsigned at = 0; at < count; at++) {
            alive += !fibers[at].done;
            at_barrier += !fibers[at].done && fibers[at].wait == BLOCK;
        }
        if (alive == 0) return;
        bool freed = false;
        for (unsigned warp = 0; warp < count; warp += 32) {
            unsigned end = std::min(warp + 32, count), in = 0, waiting = 0;
            for (unsigned at = warp; at < end; at++) {
                in += !fibers[at].done;
                waiting += !fibers[at].done && fibers[at].wait == WARP;
            }
            if (in == 0 || waiting != in) continue;
            for (unsigned at = warp; at < end; at++) fibers[at].wait = RUN;
            freed = true;
        }
        if (!freed && at_barrier == alive) {
            for (unsigned at = 0; at < count; at++) fibers[at].wait = RUN;
            voted = vote;
            vote = 0;
            freed = true;
        }
        if (!freed && !moved) {
            std::fprintf(stderr, "a barrier that not all threads reach, in block %u,%u\n", block_at.x, block_at.y);
            std::abort();
        }
    }
}
template <class F> void launch(dim3 grid, dim3 block, size_t bytes, unsigned seed, F kernel) {
    body = kernel;
    grid_size = grid;
    block_size = block;
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                block_at = dim3(x, y, z);
                shared.assign(bytes + 1024, (char)0xCD);
                run_block(seed);
            }
}
inline char* dynamic() { return (char*)(((size_t)shared.data() + 1023) & ~(size_t)1023); }
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
    host::Fiber* self = host::current;
    host::pause(host::BLOCK);
    host::thread_at = self->thread;
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

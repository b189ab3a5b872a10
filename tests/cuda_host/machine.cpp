// The threads of machine.h. Compiled once, since it takes longer than most kernels.
#include "machine.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <ucontext.h>
#include <vector>

namespace host {
struct Fiber : Thread {
#ifdef __x86_64__
    void* stack_pointer = nullptr;
#else
    ucontext_t context;
#endif
    std::vector<char> stack;
    bool done = false;
};

Thread* current;
dim3 thread_at, block_at, block_size, grid_size;
char* shared;
Slot* slots;
int voted, vote;

static std::vector<Fiber> fibers;
static std::vector<char> held;
static std::vector<Slot> exchanged;
static Fiber* running;
static void (*body)(void**);
static void** given;

#ifdef __x86_64__
static void* scheduler;
extern "C" void recollect_host_switch(void** save, void* load);
__asm__(".text\n.hidden recollect_host_switch\n.globl recollect_host_switch\n.type recollect_host_switch,@function\nrecollect_host_switch:\n"
        " push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n mov %rsp,(%rdi)\n mov %rsi,%rsp\n"
        " pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n ret\n");
static void leave(Fiber* fiber) { recollect_host_switch(&fiber->stack_pointer, scheduler); }
static void enter(Fiber* fiber) { recollect_host_switch(&scheduler, fiber->stack_pointer); }
#else
static ucontext_t scheduler;
static void leave(Fiber* fiber) { swapcontext(&fiber->context, &scheduler); }
static void enter(Fiber* fiber) { swapcontext(&scheduler, &fiber->context); }
#endif

static void start() {
    body(given);
    running->done = true;
    leave(running);
    __builtin_unreachable();
}
static void prepare(Fiber& fiber, unsigned place) {
    if (fiber.stack.empty()) fiber.stack.resize(64 * 1024);
    fiber.done = false;
    fiber.wait = RUN;
    fiber.place = place;
    fiber.at = dim3(place % block_size.x, place / block_size.x % block_size.y, place / (block_size.x * block_size.y));
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
void pause(Wait wait) {
    running->wait = wait;
    leave(running);
}
static void run_block(unsigned seed) {
    unsigned count = block_size.x * block_size.y * block_size.z;
    fibers.resize(std::max<size_t>(fibers.size(), count));
    exchanged.resize(std::max<size_t>(exchanged.size(), count));
    slots = exchanged.data();
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
            current = running = &fiber;
            thread_at = fiber.at;
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
void launch(dim3 grid, dim3 block, size_t bytes, unsigned seed, void (*kernel)(void**), void** arguments) {
    body = kernel;
    given = arguments;
    grid_size = grid;
    block_size = block;
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                block_at = dim3(x, y, z);
                held.assign(bytes + 1024, (char)0xCD);
                shared = (char*)(((size_t)held.data() + 1023) & ~(size_t)1023);
                run_block(seed);
            }
}
}  // namespace host

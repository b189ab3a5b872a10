// Threads of a block as fibers, in an order that the caller chooses: forward, backward or shuffled. Shared memory starts
// out poisoned. A barrier that some threads never reach ends the process.
#pragma once
#include <cstddef>

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

// Of each library its own.
#pragma GCC visibility push(hidden)
namespace host {
enum Wait { RUN, BLOCK, WARP };
struct Thread {
    unsigned place = 0;
    dim3 at;
    Wait wait = RUN;
};
struct Slot { alignas(16) unsigned char bytes[48]; };

extern Thread* current;
extern dim3 thread_at, block_at, block_size, grid_size;
extern char* shared;
extern Slot* slots;
extern int voted, vote;

void pause(Wait wait);
void launch(dim3 grid, dim3 block, size_t bytes, unsigned seed, void (*kernel)(void**), void** arguments);
}  // namespace host
#pragma GCC visibility pop

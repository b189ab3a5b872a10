// The numbers that codes stand for, as f32: the bits of NumPy, because every product and sum here is exact but for the
// last rounding.
#include "codes.cuh"
#include "eights_out.cuh"

#define THREADS 256

// Rows token by token: a thread takes eight channels.
extern "C" __global__ void __launch_bounds__(THREADS) decode_rows(CODES_PARAMETERS, float* out) {
    Codes c = CODES_GIVEN;
    u32 chunks = (width + 7) / 8, at = blockIdx.x * THREADS + threadIdx.x;
    const bool real = at < n * chunks;
    u32 t = real ? at / chunks : n - 1, channel = real ? at % chunks * 8 : 0;
    const u64 place = ((u64)blockIdx.y * n + t) * width + channel;
    float x[8];
    eight_numbers<CODEC, BITS>(c, blockIdx.y, t, channel, nullptr, x);
    if (width % 8 == 0) {
        write_in_pairs(out, real ? place : NO_PLACE, x);
    } else if (real) {
#pragma unroll
        for (int j = 0; j < 8; j++) {
            if (channel + j < width) out[place + j] = x[j];
        }
    }
}

// The numbers that codes stand for, as f32: the bits of NumPy, because every product and sum here is exact but for the
// last rounding.
#include "codes.cuh"

#define THREADS 256

// Rows token by token: a thread takes eight channels.
extern "C" __global__ void __launch_bounds__(THREADS) decode_rows(CODES_PARAMETERS, float* out) {
    Codes c = CODES_GIVEN;
    u32 chunks = (width + 7) / 8, at = blockIdx.x * THREADS + threadIdx.x;
    if (at >= n * chunks) return;
    u32 t = at / chunks, channel = at % chunks * 8;
    float* to = out + ((u64)blockIdx.y * n + t) * width + channel;
    float x[8];
    eight_numbers<CODEC, BITS>(c, blockIdx.y, t, channel, nullptr, x);
    if (channel + 8 <= width && ((u64)to & 15) == 0) {
        *(float4*)to = {x[0], x[1], x[2], x[3]};
        *(float4*)(to + 4) = {x[4], x[5], x[6], x[7]};
    } else {
#pragma unroll
        for (int j = 0; j < 8; j++) {
            if (channel + j < width) to[j] = x[j];
        }
    }
}

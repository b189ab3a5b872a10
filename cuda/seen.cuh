// The least and the greatest of channels over rows: two numbers of 16 bits are compared at once where the device can. A number
// that is not finite stays to be seen.
#pragma once
#include "eights.cuh"
#include "pieces.cuh"

#if IN_PAIRS
#define BOUNDS 4   // of a piece, each of two channels
typedef u32 Bound;
#define NO_LOW (FORM == F16 ? 0x7c007c00u : 0x7f807f80u)
#define NO_HIGH (FORM == F16 ? 0xfc00fc00u : 0xff80ff80u)
__device__ __forceinline__ Bound lesser(Bound a, Bound b) { return lesser_pair(a, b); }
__device__ __forceinline__ Bound greater(Bound a, Bound b) { return greater_pair(a, b); }
__device__ __forceinline__ float bound_of(Bound pair, u32 channel) { return number((u16)(pair >> (channel % 2 * 16))); }
#else
#define BOUNDS WIDE
typedef float Bound;
#define NO_LOW (-MINUS_INFINITY)
#define NO_HIGH MINUS_INFINITY
__device__ __forceinline__ Bound lesser(Bound a, Bound b) { return fminf(a, b); }
__device__ __forceinline__ Bound greater(Bound a, Bound b) { return fmaxf(a, b); }
__device__ __forceinline__ float bound_of(Bound one, u32) { return one; }
#endif

// What a lane has seen of a piece.
struct Seen {
    Bound low[BOUNDS], high[BOUNDS];
    float doubt;   // no number, as soon as one is not finite, where bounds do not tell

    __device__ __forceinline__ void begin() {
#pragma unroll
        for (int i = 0; i < BOUNDS; i++) low[i] = NO_LOW, high[i] = NO_HIGH;
        doubt = 0.0f;
    }
    __device__ __forceinline__ void add(Piece piece) {
#if IN_PAIRS
        const u32 x[BOUNDS] = {piece.x, piece.y, piece.z, piece.w};
#else
        float x[BOUNDS];
        spread(x, piece);
#endif
#pragma unroll
        for (int i = 0; i < BOUNDS; i++) {
            low[i] = lesser(low[i], x[i]), high[i] = greater(high[i], x[i]);
#if !IN_PAIRS
            doubt = __fmaf_rn(x[i], 0.0f, doubt);
#endif
        }
    }
    // Whether all that was seen is finite, of bounds that some row has.
    __device__ __forceinline__ bool ends(float (&least)[WIDE], float (&most)[WIDE]) const {
        bool sound = doubt == 0.0f;
#pragma unroll
        for (int e = 0; e < WIDE; e++) {
            least[e] = bound_of(low[e * BOUNDS / WIDE], e), most[e] = bound_of(high[e * BOUNDS / WIDE], e);
            sound = sound && finite(least[e]) && finite(most[e]);
        }
        return sound;
    }
};

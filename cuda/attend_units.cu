// Attention of few queries over parts of segments whose values are whole numbers token by token, on matrix units. Keys are
// such numbers channel by channel (KIVI's layout), or rotated rows. A part is taken in stages: what comes next is on its way
// while something else is looked at.
#ifndef KEY_BITS
#define KEY_CODEC CHANNEL
#define KEY_BITS 4
#define VALUE_BITS 4
#endif
#ifndef WIDTH
#define WIDTH 128  // channels of a key
#define UNITS 4    // of 32 channels of a value
#define GROUPS 4   // of units of a value that share a step
#endif
#define BLOCKS (UNITS > 4 ? 2 : 4)
#include "stage_values.cuh"
#if KEY_CODEC == ROTATED
#include "stage_turned.cuh"
#else
#include "stage_keys.cuh"
#endif

// Of arguments as `attend_to_codes` has them; a part of several stages is for at most four queries.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) attend_by_units(
    const float* queries, const int* until, u32 rows, const u64* segments, const u32* works, const u32* shape, u32 heads,
    u32 part, float* sums, float* stats) {
    extern __shared__ __align__(16) u8 shared[];
    __shared__ float tops[WARPS][AT_ONCE], totals[WARPS][AT_ONCE];
    const Work work = ((const Work*)works)[blockIdx.x];
    const Segment segment = ((const Segment*)segments)[work.segment];
    const Shape s = *(const Shape*)shape;
    const u32 end = min(work.first + part, (u32)segment.tokens);
    const u32 warp = threadIdx.x / 32, lane = threadIdx.x & 31, first_query = 2 * (lane & 1);
    // A lane is left with four tokens that follow one another, and two queries.
    const u32 token = 64 * warp + 32 * ((lane & 3) >> 1) + 4 * (lane >> 2);
    StageValues values(shared, segment, work, end);
    StageKeys keys(shared + StageValues::BYTES, segment, s, work, end);
    u16* paid = (u16*)(shared + StageValues::BYTES + StageKeys::BYTES);  // [2][AT_ONCE][PITCH], and what values join in
    keys.begin();
    values.bring(work.first);
    end_copies();
    for (u32 first_row = 0; first_row < rows; first_row += AT_ONCE) {
        const bool fresh = first_row == 0;
        keys.ask(queries + ((u64)work.head * rows + first_row) * WIDTH, rows - first_row);
        __syncthreads();
        int last[2];
#pragma unroll
        for (int e = 0; e < 2; e++) {
            const u32 of = first_row + first_query + e;
            last[e] = of < rows ? until[(u64)(work.head / heads) * rows + of] : -1;
        }
        float top[2] = {MINUS_INFINITY, MINUS_INFINITY}, total[2] = {0.0f, 0.0f};
        values.clear();
#pragma unroll 1
        for (u32 first = work.first; first < end; first += STAGE) {
            const u32 count = min((u32)STAGE, end - first);
            float logits[4][2];
            keys.weigh(first);
            if (first > work.first) await_copies<0>();
            else await_copies<1>();
            __syncthreads();
            // Its values are on their way while keys are looked at.
            if (first > work.first) {
                values.bring(first);
                end_copies();
            }
            keys.logits(logits, fresh);
            const int* positions = (const int*)segment.positions;
#pragma unroll
            for (int e = 0; e < 2; e++) {
                const int seen = positions == nullptr ? min((int)count, last[e] - (int)(segment.start + first) + 1) : (int)count;
#pragma unroll
                for (int j = 0; j < 4; j++) logits[j][e] = (int)(token + j) < seen ? logits[j][e] : MINUS_INFINITY;
            }
            if (positions != nullptr) {
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    const int position = positions[first + min(token + j, count - 1)];
#pragma unroll
                    for (int e = 0; e < 2; e++) logits[j][e] = position <= last[e] ? logits[j][e] : MINUS_INFINITY;
                }
            }
#pragma unroll
            for (int e = 0; e < 2; e++) {
                float most = fmaxf(fmaxf(logits[0][e], logits[1][e]), fmaxf(logits[2][e], logits[3][e]));
#pragma unroll
                for (int apart = 2; apart < 32; apart *= 2) most = fmaxf(most, __shfl_xor_sync(FULL, most, apart));
                if (lane < 2) tops[warp][first_query + e] = most;
            }
            __syncthreads();
            keys.bring_next(first);
#pragma unroll
            for (int e = 0; e < 2; e++) {
                const float before = top[e];
#pragma unroll
                for (int other = 0; other < WARPS; other++) top[e] = fmaxf(top[e], tops[other][first_query + e]);
                // Where nothing is seen yet, a difference of infinities would be no number.
                const float least = top[e] == MINUS_INFINITY ? 0.0f : top[e], factor = exp2f(before - least);
                total[e] *= factor;
                values.scale(e, factor);
                u16 halves[2][4];
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    const float weight = exp2f(logits[j][e] - least);
                    total[e] += weight;
                    write_halves(&halves[0][j], &halves[1][j], weight * power_of_two(FILLED));
                }
#pragma unroll
                for (int side = 0; side < 2; side++) {
                    uint2 four;
                    four.x = halves[side][0] | (u32)halves[side][1] << 16, four.y = halves[side][2] | (u32)halves[side][3] << 16;
                    *(uint2*)(paid + (side * AT_ONCE + first_query + e) * PITCH + token) = four;
                }
            }
            await_copies<1>();
            __syncthreads();
            values.add(paid, fresh);
        }
#pragma unroll
        for (int e = 0; e < 2; e++) {
#pragma unroll
            for (int apart = 2; apart < 32; apart *= 2) total[e] += __shfl_xor_sync(FULL, total[e], apart);
            if (lane < 2) totals[warp][first_query + e] = total[e], tops[warp][first_query + e] = top[e];
        }
        const u64 to = (u64)blockIdx.x * rows + first_row;
        values.write((float*)paid, sums + to * s.value_dim, s.value_dim, rows - first_row);
        if (threadIdx.x < AT_ONCE && first_row + threadIdx.x < rows) {
            float sum = 0.0f;
            for (int other = 0; other < WARPS; other++) sum += totals[other][threadIdx.x];
            stats[2 * (to + threadIdx.x)] = tops[0][threadIdx.x], stats[2 * (to + threadIdx.x) + 1] = sum;
        }
    }
}

// The least and the greatest of each channel in each page of tokens, with the rows read once.
#include "eights_out.cuh"
#include "seen.cuh"

#define NOBODY FULL
#define MOST_PAGES 64   // of a block

#if IN_PAIRS && ALIGNED
#define AT_ONCE 8   // rows
#else
#define AT_ONCE 4
#endif

// Marks the tokens of a page, from `first` of those of a block on, with a number of this piece that is not finite.
__device__ __noinline__ bool mark_broken(const Element* row, u64 step, u32 dim, u32 page, u8* left_out) {
    bool broken = false;
#pragma unroll 1
    for (u32 t = 0; t < page; t++, row += step) {
        if (left_out[t] & 1) continue;
#pragma unroll 1
        for (u32 e = 0; e < min(dim, (u32)WIDE); e++)
            if (!finite(number(row[e]))) left_out[t] = 2, broken = true;
    }
    return broken;
}

// A group takes a page of a head at a time. `low` and `high` are [batch][heads][pages][dim]; `counts` [batch][tokens],
// if given, says which tokens are looked at. Shared are the tokens of the `together` pages of a block, MOST_PAGES at most.
extern "C" __global__ void __launch_bounds__(THREADS, 3) bound_pages(ROWS_PARAMETERS, const u8* counts, u32 page, u32 pages,
                                                                  u32 together, float* low, float* high) {
    Rows rows = ROWS_GIVEN;
    extern __shared__ __align__(16) u8 left_out[];
    __shared__ u32 someone[MOST_PAGES];   // by page, a token that is looked at: it stands for those that are not
    const u32 lane = threadIdx.x % LANES, group = threadIdx.x / LANES;
    const u32 b = blockIdx.y, start = blockIdx.x * together * page, room = together * page;
    for (u32 at = threadIdx.x; at < room; at += THREADS)
        left_out[at] = start + at >= tokens || (counts != nullptr && counts[(u64)b * tokens + start + at] == 0);
    __syncthreads();
    // A token that is broken anywhere counts nowhere: where there is one, all is done again without it.
    for (int attempt = 0; attempt < 2; attempt++) {
        for (u32 mine = threadIdx.x; mine < together; mine += THREADS) {
            u32 t = mine * page;
            while (t < (mine + 1) * page && left_out[t] != 0) t++;
            someone[mine] = t < (mine + 1) * page ? t : NOBODY;
        }
        __syncthreads();
        bool broken = false;
        for (u32 first_at = 0; first_at < heads * together; first_at += GROUPS) {
            const u32 at = first_at + group, h = at / together, mine = at % together, p = blockIdx.x * together + mine;
            const bool has = at < heads * together && p < pages;
            const u32 stands = has ? someone[mine] : NOBODY;
            for (u32 piece = lane; piece < (rows.pieces() + LANES - 1) / LANES * LANES; piece += LANES) {
                Seen seen;
                seen.begin();
                for (u32 first = 0; stands != NOBODY && first < page; first += AT_ONCE) {
                    const Element* row[AT_ONCE];
                    Piece held[AT_ONCE];
#pragma unroll
                    for (int j = 0; j < AT_ONCE; j++) {
                        const u32 t = mine * page + first + j;
                        row[j] = rows.at(b, h, start + (first + j < page && (left_out[t] & 1) == 0 ? t : stands));
                    }
                    bring_pieces(held, rows, row, piece);
#pragma unroll
                    for (int j = 0; j < AT_ONCE; j++) seen.add(held[j]);
                }
                float least[WIDE], most[WIDE];
                const bool sound = seen.ends(least, most), there = has && piece < rows.pieces();
                if (!sound && there && stands != NOBODY) {
                    const Element* row = rows.at(b, h, start + mine * page) + piece * WIDE;
                    if (mark_broken(row, rows.token, dim - piece * WIDE, page, left_out + mine * page)) broken = true;
                }
                const u64 to = (((u64)b * heads + h) * pages + p) * dim + piece * WIDE;
#if FORM == F32
                if (there && rows.whole) {
                    *(float4*)(low + to) = {least[0], least[1], least[2], least[3]};
                    *(float4*)(high + to) = {most[0], most[1], most[2], most[3]};
                }
#else
                if (rows.whole) {
                    write_in_pairs(low, there ? to : NO_PLACE, least);
                    write_in_pairs(high, there ? to : NO_PLACE, most);
                }
#endif
#pragma unroll
                for (int e = 0; e < WIDE; e++)
                    if (there && !rows.whole && piece * WIDE + e < dim) low[to + e] = least[e], high[to + e] = most[e];
            }
        }
        if (!__syncthreads_or(broken)) break;
        for (u32 at = threadIdx.x; at < room; at += THREADS) left_out[at] = left_out[at] != 0;
        __syncthreads();
    }
}

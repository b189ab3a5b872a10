// What products of warpgroups do: a thread has two rows of its warp's sixteen, and two of every eight columns. Rows have
// 128 bytes, their cells of 16 turned by the row.
#pragma once

inline unsigned long long described(const u8* rows) { return (unsigned long long)rows; }
inline void begin_products() {}
inline void end_products() {}
template <int PENDING> inline void await_products() {}
inline void show_copies() {}
inline u8* rounded_up(u8* shared) { return (u8*)(((size_t)shared + 1023) & ~(size_t)1023); }

inline void thirty_two(u8 (&out)[32], unsigned long long rows, unsigned row) {
    unsigned part = (rows & 1023) / 2;
    const u8* base = (const u8*)(rows & ~1023ull) + row * 128;
    for (unsigned half = 0; half < 2; half++) std::memcpy(out + 16 * half, base + (((2 * part + half) ^ (row & 7)) << 4), 16);
}

template <class T, class F> void multiply_group(T (&d)[64], unsigned long long a, unsigned long long b, int add, F product) {
    unsigned warp = host::current->place / 32 % 4, lane = host::lane();
    u8 left[2][32], right[32];
    for (unsigned half = 0; half < 2; half++) thirty_two(left[half], a, warp * 16 + lane / 4 + 8 * half);
    for (unsigned tile = 0; tile < 16; tile++) {
        for (unsigned column = 0; column < 2; column++) {
            thirty_two(right, b, tile * 8 + lane % 4 * 2 + column);
            for (unsigned half = 0; half < 2; half++) {
                T& sum = d[tile * 4 + half * 2 + column];
                sum = product(add ? sum : T(0), left[half], right);
            }
        }
    }
}

template <float (*WIDEN)(u16)> struct Float16 {
    static constexpr bool SCALED = false;
    typedef float Sum;
    static float value(float sum) { return sum; }
    static void multiply(float (&d)[64], unsigned long long a, unsigned long long b, int add) {
        multiply_group(d, a, b, add, [](float sum, const u8* x, const u8* y) {
            u16 left[16], right[16];
            std::memcpy(left, x, 32);
            std::memcpy(right, y, 32);
            for (int at = 0; at < 16; at++) sum += WIDEN(left[at]) * WIDEN(right[at]);
            return sum;
        });
    }
};
typedef Float16<of_half> Half;
typedef Float16<brain> Brain;
struct Byte {
    static constexpr bool SCALED = true;
    typedef int Sum;
    static float value(int sum) { return (float)sum; }
    static void multiply(int (&d)[64], unsigned long long a, unsigned long long b, int add) {
        multiply_group(d, a, b, add, [](int sum, const u8* x, const u8* y) {
            for (int at = 0; at < 32; at++) sum += (signed char)x[at] * (signed char)y[at];
            return sum;
        });
    }
};

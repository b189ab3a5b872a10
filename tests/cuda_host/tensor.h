// What matrix units do, by the layout that the instruction set documents: a lane has row `lane / 4` and the four bytes at
// `4 * (lane % 4)` of it.
#pragma once

inline void load_matrices(u32 (&out)[4], const u8* row) {
    const u8* rows[32];
    std::memcpy(host::slot(host::lane()).bytes, &row, sizeof row);
    host::pause(host::WARP);
    for (int at = 0; at < 32; at++) std::memcpy(&rows[at], host::slot(at).bytes, sizeof row);
    for (int part = 0; part < 4; part++)
        std::memcpy(&out[part], rows[part * 8 + host::lane() / 4] + 4 * (host::lane() % 4), 4);
    host::pause(host::WARP);
}
// Calls `each` with the 32 bytes of a row of either side, for the four results of this lane.
template <class T, class F> void multiply_by(T (&c)[4], const u32 (&a)[4], u32 b0, u32 b1, F each) {
    u32 mine[6] = {a[0], a[1], a[2], a[3], b0, b1};
    std::memcpy(host::slot(host::lane()).bytes, mine, sizeof mine);
    host::pause(host::WARP);
    for (int at = 0; at < 4; at++) {
        unsigned row = host::lane() / 4 + (at >= 2 ? 8 : 0), column = host::lane() % 4 * 2 + at % 2;
        u32 left[8], right[8];
        for (int part = 0; part < 8; part++) {
            u32 theirs[6];
            std::memcpy(theirs, host::slot(row % 8 * 4 + part % 4).bytes, sizeof theirs);
            left[part] = theirs[(row >= 8 ? 1 : 0) + (part >= 4 ? 2 : 0)];
            std::memcpy(theirs, host::slot(column * 4 + part % 4).bytes, sizeof theirs);
            right[part] = theirs[4 + (part >= 4 ? 1 : 0)];
        }
        c[at] = each(c[at], left, right);
    }
    host::pause(host::WARP);
}

template <float (*WIDEN)(u16)> struct Float16 {
    static constexpr bool SCALED = false;
    typedef float Sum;
    static float value(float sum) { return sum; }
    static void multiply(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
        multiply_by(c, a, b0, b1, [](float sum, const u32* x, const u32* y) {
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
    static void multiply(int (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
        multiply_by(c, a, b0, b1, [](int sum, const u32* x, const u32* y) {
            signed char left[32], right[32];
            std::memcpy(left, x, 32);
            std::memcpy(right, y, 32);
            for (int at = 0; at < 32; at++) sum += left[at] * right[at];
            return sum;
        });
    }
};
struct Bit {
    static constexpr bool SCALED = false;
    typedef int Sum;
    static float value(int sum) { return -(float)sum; }
    static void multiply(int (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
        multiply_by(c, a, b0, b1, [](int sum, const u32* x, const u32* y) {
            for (int at = 0; at < 8; at++) sum += __builtin_popcount(x[at] ^ y[at]);
            return sum;
        });
    }
};

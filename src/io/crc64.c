/* crc64.c - the checksum of our files: CRC-64 of ECMA-182, bits reflected, as
 * xz uses it. Eight bytes a step ("slicing by 8": Kounavis and Berry, "A
 * systematic approach to building high performance software-based CRC
 * generators", ISCC 2005). */
#include "io/io.h"

/* A table entry is linear in the bits of its index, so eight constants give a
 * row: those of row k are the CRCs of one bit followed by k zero bytes. */
#define BIT(x, n, c) (((x) >> (n) & 1) ? UINT64_C(c) : 0)
#define E1(x, c0, c1, c2, c3, c4, c5, c6, c7)                                                     \
    (BIT(x, 0, c0) ^ BIT(x, 1, c1) ^ BIT(x, 2, c2) ^ BIT(x, 3, c3) ^ BIT(x, 4, c4) ^ BIT(x, 5, c5) ^ \
     BIT(x, 6, c6) ^ BIT(x, 7, c7))
#define E4(x, ...) E1(x, __VA_ARGS__), E1((x) + 1, __VA_ARGS__), E1((x) + 2, __VA_ARGS__), E1((x) + 3, __VA_ARGS__)
#define E16(x, ...) E4(x, __VA_ARGS__), E4((x) + 4, __VA_ARGS__), E4((x) + 8, __VA_ARGS__), E4((x) + 12, __VA_ARGS__)
#define E64(x, ...) E16(x, __VA_ARGS__), E16((x) + 16, __VA_ARGS__), E16((x) + 32, __VA_ARGS__), E16((x) + 48, __VA_ARGS__)
#define ROW(...) { E64(0, __VA_ARGS__), E64(64, __VA_ARGS__), E64(128, __VA_ARGS__), E64(192, __VA_ARGS__) }

static const uint64_t table[8][256] = {
    ROW(0xb32e4cbe03a75f6f, 0xf4843657a840a05b, 0x7bd0c384ff8f5e33, 0xf7a18709ff1ebc66,
        0x7d9ba13851336649, 0xfb374270a266cc92, 0x64b62bcaebc387a1, 0xc96c5795d7870f42),
    ROW(0x54e979925cd0f10d, 0xa9d2f324b9a1e21a, 0xc17d4962dc4ddab1, 0x10223dee1795abe7,
        0x20447bdc2f2b57ce, 0x4088f7b85e56af9c, 0x8111ef70bcad5f38, 0x90fb71cad654a0f5),
    ROW(0x3f0be14a916a6dcb, 0x7e17c29522d4db96, 0xfc2f852a45a9b72c, 0x6a87a57f245d70dd,
        0xd50f4afe48bae1ba, 0x38c63ad73e7bddf1, 0x718c75ae7cf7bbe2, 0xe318eb5cf9ef77c4),
    ROW(0x1dee8a5e222ca1dc, 0x3bdd14bc445943b8, 0x77ba297888b28770, 0xef7452f111650ee0,
        0x4c300ac98dc40345, 0x986015931b88068a, 0xa218840d981e1391, 0xd6e9a7309f3239a7),
    ROW(0x5c2d776033c4205e, 0xb85aeec0678840bc, 0xe26d72ab601e9ffd, 0x56024a7d6f33217f,
        0xac0494fade6642fe, 0xcad186de13c29b79, 0x077ba297888b2877, 0x0ef7452f111650ee),
    ROW(0x6184d55f721267c6, 0xc309aabee424cf8c, 0x14cbfa566747819d, 0x2997f4acce8f033a,
        0x532fe9599d1e0674, 0xa65fd2b33a3c0ce8, 0xde670a4ddb760755, 0x2e16bbb019e2102f),
    ROW(0x22ef0d5934f964ec, 0x45de1ab269f2c9d8, 0x8bbc3564d3e593b0, 0x85a0c5e208c539e5,
        0x999924efbe846d4f, 0xa1eae6f4d206c41b, 0xd10d62c20b0396b3, 0x30c26aafb90933e3),
    ROW(0xdabe95afc7875f40, 0x27a584742000a005, 0x4f4b08e84001400a, 0x9e9611d080028014,
        0xaff48c8aaf0b1ead, 0xcd31b63ef11823df, 0x08bbc3564d3e593b, 0x117786ac9a7cb276),
};

uint64_t gm__crc64(uint64_t crc, const void *p, size_t n)
{
    const uint8_t *b = p;
    crc = ~crc;
    for (; n >= 8; n -= 8, b += 8) {
        uint64_t v = crc ^ ((uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 |
                            (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56);
        crc = table[7][v & 255] ^ table[6][v >> 8 & 255] ^ table[5][v >> 16 & 255] ^ table[4][v >> 24 & 255] ^
              table[3][v >> 32 & 255] ^ table[2][v >> 40 & 255] ^ table[1][v >> 48 & 255] ^ table[0][v >> 56];
    }
    for (; n; n--) crc = table[0][(crc ^ *b++) & 255] ^ crc >> 8;
    return ~crc;
}

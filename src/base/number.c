/* number.c - numbers read from and written as text: no locale, no rounding
 * mode, exact. Reading rounds correctly; writing gives the shortest digits that
 * read back the same (Steele & White 1990, with big integers). */
#include "base/number.h"
#include "base/base.h"
#include "base/bignum.h"
#include <string.h>

__extension__ typedef unsigned __int128 u128;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* ---- reading ---------------------------------------------------------------- */

const char *gm__read_u64(const char *p, const char *end, uint64_t *v)
{
    uint64_t x = 0;
    if (p == end || !is_digit(*p)) return NULL;
    for (; p < end && is_digit(*p); p++)
        if (__builtin_mul_overflow(x, 10u, &x) || __builtin_add_overflow(x, (uint64_t)(*p - '0'), &x)) return NULL;
    *v = x;
    return p;
}

const char *gm__read_i64(const char *p, const char *end, int64_t *v)
{
    bool neg = p < end && *p == '-';
    uint64_t x;
    if (p < end && (*p == '-' || *p == '+')) p++;
    p = gm__read_u64(p, end, &x);
    if (!p || x > (uint64_t)INT64_MAX + neg) return NULL;
    *v = neg ? (int64_t)(0 - x) : (int64_t)x;
    return p;
}

static double from_bits(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* (m + something below 1 if sticky) * 2^e to the nearest double, ties to even;
 * m has its top bit set. False on overflow. */
static bool round_to_double(uint64_t m, int e, bool sticky, double *v)
{
    int drop = 11;                        /* 64 bits to 53 */
    if (e < -1074 - 11) drop = -1074 - e; /* subnormal: fewer */
    if (drop > 64) return *v = 0, true;
    uint64_t kept = drop == 64 ? 0 : m >> drop, half = (uint64_t)1 << (drop - 1);
    uint64_t rest = drop == 64 ? m : m & (((uint64_t)1 << drop) - 1);
    if (rest > half || (rest == half && (sticky || (kept & 1)))) kept++;
    e += drop;
    if (kept == (uint64_t)1 << 53) kept >>= 1, e++;
    if (e > 971) return false;
    if (kept < (uint64_t)1 << 52)
        *v = from_bits(kept); /* subnormal or zero: e is -1074 */
    else
        *v = from_bits((uint64_t)(e + 1075) << 52 | (kept & (((uint64_t)1 << 52) - 1)));
    return true;
}

/* w * 10^e for |e| <= 27, where 5^|e| fits 63 bits: exact in 128 bits */
static bool scale_small(uint64_t w, int e, double *v)
{
    uint64_t p5 = 1;
    for (int i = e < 0 ? -e : e; i > 0; i--) p5 *= 5;
    int up = __builtin_clzll(w);
    w <<= up;
    u128 q;
    bool sticky = false;
    int shift = e - up;
    if (e >= 0) {
        q = (u128)w * p5;
    } else {
        u128 num = (u128)w << 64;
        q = num / p5;
        sticky = q * p5 != num;
        shift -= 64;
    }
    uint64_t hi = (uint64_t)(q >> 64), lo = (uint64_t)q;
    if (!hi) return round_to_double(lo << __builtin_clzll(lo), shift - __builtin_clzll(lo), sticky, v);
    int lz = __builtin_clzll(hi);
    uint64_t m = lz ? hi << lz | lo >> (64 - lz) : hi;
    return round_to_double(m, shift + 64 - lz, sticky || (lo << lz) != 0, v);
}

/* Digits kept for the exact comparison: no midpoint of two doubles has more
 * than 768; what follows only says "a little more". */
enum { DIGITS_MAX = 800 };

typedef struct decimal { /* digits (without point) * 10^exponent */
    const char *first, *end; /* from the first non-zero digit; a '.' may lie within */
    size_t n;                /* digits in [first,end) */
    long exponent;           /* of the last digit */
} decimal;

static bool scale_big(const decimal *d, double *v)
{
    gm__big num, den;
    long exponent = d->exponent;
    size_t used = 0;
    bool more = false;
    gm__big_set(&num, 0);
    for (const char *p = d->first; p < d->end; p++) {
        if (*p == '.') continue;
        if (used < DIGITS_MAX) {
            gm__big_mul_add(&num, 10, (uint32_t)(*p - '0'));
            used++;
        } else {
            more |= *p != '0';
            exponent++;
        }
    }
    gm__big_set(&den, 1);
    gm__big_mul_pow5(exponent < 0 ? &den : &num, (int)(exponent < 0 ? -exponent : exponent));
    /* Align so that 1 <= num/den < 2, then draw 64 bits of the quotient. */
    int shift = gm__big_bits(&num) - gm__big_bits(&den);
    gm__big_shl(shift < 0 ? &num : &den, shift < 0 ? -shift : shift);
    if (gm__big_cmp(&num, &den) < 0) {
        gm__big_shl(&num, 1);
        shift--;
    }
    uint64_t m = 0;
    for (int i = 0; i < 64; i++) {
        m <<= 1;
        if (gm__big_cmp(&num, &den) >= 0) {
            gm__big_sub(&num, &den);
            m |= 1;
        }
        gm__big_shl(&num, 1);
    }
    return round_to_double(m, shift + (int)exponent - 63, more || num.n > 0, v);
}

/* Reads digits[.digits][e[+-]digits]; NULL if there is no digit. */
static const char *read_decimal(const char *p, const char *end, decimal *d)
{
    long exponent = 0;
    bool any = false, point = false;
    *d = (decimal){ 0 };
    for (; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        any = true;
        if (point) exponent--;
        if (!d->n && *p == '0') continue;
        if (!d->n) d->first = p;
        d->n++;
        d->end = p + 1;
    }
    if (!any) return NULL;
    d->exponent = exponent;
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *q = p + 1;
        bool neg = q < end && *q == '-';
        long e = 0;
        if (q < end && (*q == '-' || *q == '+')) q++;
        if (q < end && is_digit(*q)) {
            const long most = 1L << 28; /* a text long enough to matter against it is no number */
            for (; q < end && is_digit(*q); q++)
                if (e < most) e = e * 10 + (*q - '0');
            d->exponent += neg ? -e : e;
            p = q;
        }
    }
    return p;
}

static const char *word(const char *p, const char *end, const char *w)
{
    size_t n = strlen(w);
    return (size_t)(end - p) >= n && !memcmp(p, w, n) ? p + n : NULL;
}

const char *gm__read_double(const char *p, const char *end, double *out)
{
    if (p == end) return NULL;
    const char *q = word(p, end, "nan");
    if (q) return *out = __builtin_nan(""), q;
    bool neg = *p == '-';
    if (neg && (q = word(p + 1, end, "inf"))) return *out = -__builtin_inf(), q;
    if (!neg && (q = word(p, end, "inf"))) return *out = __builtin_inf(), q;
    if (*p == '-' || *p == '+') p++;
    decimal d;
    double v = 0;
    p = read_decimal(p, end, &d);
    if (!p) return NULL;
    if (d.n) {
        long lead = d.exponent + (long)d.n; /* value in [10^(lead-1), 10^lead) */
        if (lead > 310) return NULL;
        if (lead < -330) {
            v = 0;
        } else if (d.n <= 19 && d.exponent >= -27 && d.exponent <= 27) {
            uint64_t w = 0;
            for (const char *c = d.first; c < d.end; c++)
                if (*c != '.') w = w * 10 + (uint64_t)(*c - '0');
            if (!scale_small(w, (int)d.exponent, &v)) return NULL;
        } else if (!scale_big(&d, &v)) {
            return NULL;
        }
    }
    *out = neg ? -v : v;
    return p;
}

/* ---- writing ---------------------------------------------------------------- */

/* Shortest digits of f * 2^e (f > 0) within its rounding interval, which below
 * f is half as wide if `narrow`. Returns their number; the value is
 * 0.d1d2d3... * 10^*point. */
static int shortest(uint64_t f, int e, bool narrow, char *digits, int *point)
{
    gm__big r, s, up, down; /* value r/s; half gaps up/s and down/s */
    gm__big_set(&r, f);
    gm__big_set(&s, 1);
    gm__big_set(&up, 1);
    gm__big_set(&down, 1);
    gm__big_shl(&r, (e > 0 ? e : 0) + 1 + narrow);
    gm__big_shl(&s, (e < 0 ? -e : 0) + 1 + narrow);
    gm__big_shl(&up, (e > 0 ? e : 0) + narrow);
    gm__big_shl(&down, e > 0 ? e : 0);
    bool even = !(f & 1); /* then the ends of the interval read back as f, too */

    /* k = ceil(log10(value)), possibly one too small */
    double log10v = (double)(63 - __builtin_clzll(f) + e) * 0.30102999566398120 - 1e-9;
    int k = (int)log10v;
    if ((double)k < log10v) k++;
    if (k >= 0) {
        gm__big_mul_pow5(&s, k);
        gm__big_shl(&s, k);
    } else {
        gm__big *scaled[3] = { &r, &up, &down };
        for (int i = 0; i < 3; i++) {
            gm__big_mul_pow5(scaled[i], -k);
            gm__big_shl(scaled[i], -k);
        }
    }
    int high = gm__big_cmp_sum(&r, &up, &s);
    if (high > 0 || (high == 0 && even)) {
        k++;
    } else {
        gm__big_mul_add(&r, 10, 0);
        gm__big_mul_add(&up, 10, 0);
        gm__big_mul_add(&down, 10, 0);
    }
    *point = k;

    for (int n = 0;; n++) {
        int digit = 0;
        while (gm__big_cmp(&r, &s) >= 0) {
            gm__big_sub(&r, &s);
            digit++;
        }
        int low = gm__big_cmp(&r, &down);
        high = gm__big_cmp_sum(&r, &up, &s);
        bool at_low = low < 0 || (low == 0 && even), at_high = high > 0 || (high == 0 && even);
        if (at_low || at_high) {
            int twice = gm__big_cmp_sum(&r, &r, &s);
            bool round_up = at_low && at_high ? twice > 0 || (twice == 0 && (digit & 1)) : at_high;
            digits[n] = (char)('0' + digit + round_up);
            return n + 1;
        }
        digits[n] = (char)('0' + digit);
        gm__big_mul_add(&r, 10, 0);
        gm__big_mul_add(&up, 10, 0);
        gm__big_mul_add(&down, 10, 0);
    }
}

/* The same for floats of middle size, in double arithmetic; 0 where its rounding errors could matter. With k digits after the point the
 * nearest number reads back as v if it lies within half a gap of it. What k digits tell k + 1 do, too: so from as many as always do, down. */
static int shortest_float(float v, char *digits, int *point)
{
    static const double power[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10 };
    const double unsure = 1e-6; /* products below 2^30 are off by less than 2^-23 */
    uint32_t b, best = 0;
    memcpy(&b, &v, sizeof b);
    if (!(v >= 1e-3f && v < 1e6f) || !(b & 0x7fffff)) return 0; /* below a power of two the gap is half as wide */
    uint32_t half = (b & 0x7f800000) - (24u << 23); /* v's exponent, 24 places down */
    float gap;
    memcpy(&gap, &half, sizeof gap);
    int least = -1, k = ((150 - (int)(b >> 23)) * 1233 + 4095) >> 12; /* gap 10^k >= 1/2, 1233/4096 for log10(2) */
    for (; k >= 0; least = k--) {
        double scaled = (double)v * power[k], most = (double)gap * power[k];
        uint32_t near = (uint32_t)(scaled + 0.5);
        double off = scaled > near ? scaled - near : near - scaled;
        if (off > 0.5 - unsure || (off < most + unsure && off > most - unsure)) return 0;
        if (off > most) break;
        best = near;
    }
    if (least < 0) return 0;
    char t[10];
    int n = 0;
    for (; best; best /= 10) t[n++] = (char)('0' + best % 10);
    for (int i = 0; i < n; i++) digits[i] = t[n - 1 - i];
    *point = n - least;
    return n;
}

static size_t emit(char *out, size_t cap, const char *text, size_t n)
{
    if (cap) {
        size_t fits = n < cap ? n : cap - 1;
        memcpy(out, text, fits);
        out[fits] = 0;
    }
    return n;
}

/* Lays digits out: plain for 1e-4 <= v < 1e17, else d.ddde+XX. */
static size_t layout(char *out, size_t cap, bool neg, const char *digits, int n, int point)
{
    char t[48];
    size_t len = 0;
    if (neg) t[len++] = '-';
    if (point > -4 && point <= 17) {
        if (point <= 0) {
            t[len++] = '0', t[len++] = '.';
            for (int i = point; i < 0; i++) t[len++] = '0';
            memcpy(t + len, digits, (size_t)n);
            len += (size_t)n;
        } else for (int i = 0; i < n || i < point; i++) {
            if (i == point && i > 0) t[len++] = '.';
            t[len++] = i < n ? digits[i] : '0';
        }
    } else {
        t[len++] = digits[0];
        if (n > 1) t[len++] = '.';
        for (int i = 1; i < n; i++) t[len++] = digits[i];
        int x = point - 1;
        t[len++] = 'e', t[len++] = x < 0 ? '-' : '+';
        if (x < 0) x = -x;
        if (x >= 100) t[len++] = (char)('0' + x / 100);
        t[len++] = (char)('0' + x / 10 % 10), t[len++] = (char)('0' + x % 10);
    }
    return emit(out, cap, t, len);
}

/* Sign, NaN and infinities; NULL if v is an ordinary number. */
static const char *special(double v)
{
    if (v != v) return "nan";
    if (v > 1.7976931348623157e308) return "inf";
    if (v < -1.7976931348623157e308) return "-inf";
    return NULL;
}

static uint64_t bits_of(double v)
{
    uint64_t b;
    memcpy(&b, &v, sizeof b);
    return b;
}

/* v = *f * 2^(*e) */
static void split(double v, uint64_t *f, int *e)
{
    uint64_t b = bits_of(v);
    int x = (int)(b >> 52 & 0x7ff);
    *f = (b & (((uint64_t)1 << 52) - 1)) | (x ? (uint64_t)1 << 52 : 0);
    *e = (x ? x : 1) - 1075;
}

size_t gm__write_double(char *out, size_t cap, double v)
{
    const char *name = special(v);
    if (name) return emit(out, cap, name, strlen(name));
    bool neg = bits_of(v) >> 63;
    uint64_t f;
    int e, point;
    char digits[24];
    split(v, &f, &e);
    if (!f) return emit(out, cap, neg ? "-0" : "0", neg ? 2 : 1);
    int n = shortest(f, e, f == (uint64_t)1 << 52 && e > -1074, digits, &point);
    return layout(out, cap, neg, digits, n, point);
}

size_t gm__write_float(char *out, size_t cap, float v)
{
    uint32_t b;
    memcpy(&b, &v, sizeof b);
    int x = (int)(b >> 23 & 0xff), point;
    uint64_t f = (b & 0x7fffff) | (x ? 1u << 23 : 0);
    if (x == 0xff || !f) return gm__write_double(out, cap, (double)v);
    int e = (x ? x : 1) - 150;
    char digits[24];
    int n = shortest_float(v < 0 ? -v : v, digits, &point);
    if (!n) n = shortest(f, e, f == 1u << 23 && e > -149, digits, &point);
    return layout(out, cap, b >> 31, digits, n, point);
}

size_t gm__write_fixed(char *out, size_t cap, double v, size_t digits)
{
    const char *name = special(v);
    if (name) return emit(out, cap, name, strlen(name));
    if (digits > GM__FIXED_DIGITS) digits = GM__FIXED_DIGITS;
    uint64_t f;
    int e;
    split(v, &f, &e);
    gm__big q;
    gm__big_set(&q, f);
    for (size_t i = 0; i < digits; i++) gm__big_mul_add(&q, 10, 0);
    if (e >= 0)
        gm__big_shl(&q, e);
    else
        gm__big_shr_round(&q, -e);
    char t[GM__FIXED_MAX];
    size_t at = sizeof t, n = 0; /* filled from the end */
    while (q.n || n <= digits) {
        if (n == digits && digits) t[--at] = '.';
        t[--at] = (char)('0' + gm__big_div_small(&q, 10));
        n++;
    }
    if (bits_of(v) >> 63) t[--at] = '-';
    return emit(out, cap, t + at, sizeof t - at);
}

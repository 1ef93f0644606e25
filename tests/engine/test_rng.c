/* Random numbers: known answers of Philox, ranges, and that every argument matters.
 * Relies on: engine/rng.h, Check.
 * Relied on by: test_engine.c. */
#include "engine/rng.h"

#include "tests/engine/suites.h"

/* Known answers of Random123 (Salmon et al.), file kat_vectors, philox4x32 10. */
START_TEST(philox_known_answers) {
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } answers[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        uint32_t out[4];
        rng_philox(answers[i].key, answers[i].counter, out);
        ck_assert_mem_eq(out, answers[i].out, sizeof out);
    }
}
END_TEST

START_TEST(every_argument_matters) {
    const uint64_t base = rng_bits(1, 2, 3, 4);
    ck_assert_uint_eq(base, rng_bits(1, 2, 3, 4));
    ck_assert_uint_ne(base, rng_bits(1 + (1ull << 40), 2, 3, 4));
    ck_assert_uint_ne(base, rng_bits(2, 2, 3, 4));
    ck_assert_uint_ne(base, rng_bits(1, 3, 3, 4));
    ck_assert_uint_ne(base, rng_bits(1, 2, 4, 4));
    ck_assert_uint_ne(base, rng_bits(1, 2, 3 + (1ull << 40), 4));
    ck_assert_uint_ne(base, rng_bits(1, 2, 3, 5));
}
END_TEST

START_TEST(uniform_fills_its_range) {
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        const float value = rng_uniform(7, 1, 2, i);
        ck_assert(value >= 0 && value < 1);
        sum += (double)value;
        squares += (double)value * (double)value;
    }
    ck_assert_double_eq_tol(sum / 100000, 0.5, 0.005);
    ck_assert_double_eq_tol(squares / 100000, 1.0 / 3, 0.005);
}
END_TEST

START_TEST(uniform4_is_four_words) {
    float four[4];
    double sum[4] = {0};
    for (uint32_t i = 0; i < 5000; i++) {
        rng_uniform4(7, 1, 2, i, four);
        ck_assert_float_eq(four[1], rng_uniform(7, 1, 2, i)); /* the high word of rng_bits */
        for (int k = 0; k < 4; k++)
            sum[k] += (double)four[k];
    }
    for (int k = 0; k < 4; k++)
        ck_assert_double_eq_tol(sum[k] / 5000, 0.5, 0.02);
}
END_TEST

START_TEST(below_is_below) {
    int seen[7] = {0};
    for (uint32_t i = 0; i < 7000; i++)
        seen[rng_below(7, 3, 0, 0, i)]++;
    for (int i = 0; i < 7; i++)
        ck_assert_msg(seen[i] > 850 && seen[i] < 1150, "%d occurs %d times in 7000", i, seen[i]);
    ck_assert_uint_eq(rng_below(1, 3, 0, 0, 0), 0);
    const uint64_t wide = 0xfffffffffffffff1ull;
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_lt(rng_below(wide, 3, 0, 0, i), wide);
}
END_TEST

/* The high half of bits * bound, worked out byte by byte. */
START_TEST(below_is_the_high_product) {
    for (uint32_t i = 0; i < 200; i++) {
        const uint64_t bits = rng_bits(5, 1, 0, i), bound = rng_bits(6, 1, 0, i) | 1;
        uint32_t digits[16] = {0};
        for (int a = 0; a < 8; a++) {
            uint32_t carry = 0;
            for (int b = 0; b < 8; b++) {
                const uint32_t sum = digits[a + b] + carry +
                                     (uint32_t)(bits >> 8 * a & 255) * (uint32_t)(bound >> 8 * b & 255);
                digits[a + b] = sum & 255;
                carry = sum >> 8;
            }
            digits[a + 8] = carry;
        }
        uint64_t high = 0;
        for (int d = 15; d >= 8; d--)
            high = high << 8 | digits[d];
        ck_assert_uint_eq(rng_below(bound, 5, 1, 0, i), high);
    }
}
END_TEST

TCase *rng_tests(void) {
    TCase *tcase = tcase_create("rng");
    tcase_add_test(tcase, philox_known_answers);
    tcase_add_test(tcase, every_argument_matters);
    tcase_add_test(tcase, uniform_fills_its_range);
    tcase_add_test(tcase, uniform4_is_four_words);
    tcase_add_test(tcase, below_is_below);
    tcase_add_test(tcase, below_is_the_high_product);
    return tcase;
}

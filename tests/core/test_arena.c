/* The arena: alignment, capacity, planning, reset.
 * Relies on: Check, engine/core.
 * Relied on by: ctest. */
#include <string.h>

#include "engine/core/arena.h"
#include "tests/core/suites.h"

START_TEST(blocks_are_aligned_and_apart) {
    CoreArena arena;
    ck_assert_int_eq(core_arena_new(&arena, 1 << 16, NULL), CORE_OK);
    uint8_t *last = NULL;
    size_t last_size = 0;
    for (size_t size = 0; size < 200; size += 7) {
        uint8_t *block = core_arena_take(&arena, size, 1);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % CORE_ARENA_ALIGNMENT, 0);
        ck_assert(!last || block >= last + last_size);
        memset(block, 0xa5, size);
        last = block;
        last_size = size;
    }
    core_arena_free(&arena);
}
END_TEST

START_TEST(footprints_plan_the_capacity_exactly) {
    const size_t sizes[] = {1, 63, 64, 65, 0, 1000};
    size_t capacity = 0;
    for (size_t i = 0; i < 6; i++)
        capacity += core_arena_footprint(sizes[i], 4);
    CoreArena arena;
    ck_assert_int_eq(core_arena_new(&arena, capacity, NULL), CORE_OK);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 6; i++)
            ck_assert_ptr_nonnull(core_arena_take(&arena, sizes[i], 4));
        ck_assert_uint_eq(arena.used, capacity);
        ck_assert_ptr_null(core_arena_take(&arena, 1, 1));
        ck_assert_uint_eq(arena.used, capacity);
        core_arena_reset(&arena);
        ck_assert_uint_eq(arena.used, 0);
        ck_assert_uint_eq(arena.high_water, capacity);
    }
    core_arena_free(&arena);
}
END_TEST

START_TEST(sizes_beyond_memory_are_refused) {
    CoreArena arena;
    CoreError error = {.status = CORE_OK};
    ck_assert_int_eq(core_arena_new(&arena, SIZE_MAX, &error), CORE_MEMORY);
    ck_assert(error.text[0] != '\0');
    core_arena_free(&arena);
    ck_assert_int_eq(core_arena_new(&arena, 0, NULL), CORE_OK);
    ck_assert_ptr_null(core_arena_take(&arena, 1, 1));
    core_arena_free(&arena);
    ck_assert_int_eq(core_arena_new(&arena, 4096, NULL), CORE_OK);
    ck_assert_ptr_null(core_arena_take(&arena, SIZE_MAX, 1));
    ck_assert_ptr_null(core_arena_take(&arena, SIZE_MAX / 2, 4));
    ck_assert_ptr_null(core_arena_take(&arena, (SIZE_MAX >> 2) + 2, 4)); /* the product wraps to 4 */
    ck_assert_uint_eq(core_arena_footprint(SIZE_MAX, 2), SIZE_MAX);
    core_arena_free(&arena);
    core_arena_free(&arena);
    ck_assert_ptr_null(core_arena_take(&arena, 0, 1));
}
END_TEST

Suite *arena_suite(void) {
    Suite *suite = suite_create("core: arena");
    TCase *tests = tcase_create("arena");
    tcase_add_test(tests, blocks_are_aligned_and_apart);
    tcase_add_test(tests, footprints_plan_the_capacity_exactly);
    tcase_add_test(tests, sizes_beyond_memory_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

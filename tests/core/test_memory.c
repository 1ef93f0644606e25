/* Out of memory: each allocation of core fails once, and says so without a leak or half a result.
 * Relies on: Check, engine/core, the linker's --wrap.
 * Relied on by: ctest. */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "data/digest/digest.h"
#include "engine/core/arena.h"
#include "engine/core/file.h"
#include "tests/core/model_fixture.h"
#include "tests/core/suites.h"

void *__real_malloc(size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool failing;

void *__wrap_malloc(size_t size) {
    return failing ? NULL : __real_malloc(size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return failing ? NULL : __real_aligned_alloc(alignment, size);
}

START_TEST(each_allocation_may_fail) {
    CoreError error = {.status = CORE_OK};
    CoreArena arena;
    ModelFixture fixture;
    const CoreModelDims dims = model_fixture_small_dims();
    uint8_t *data = NULL;
    size_t size = 0;
    ck_assert(model_fixture_new(&fixture, &dims, 1, 1));
    failing = true;
    CoreStatus arena_status = core_arena_new(&arena, 4096, &error);
    CoreStatus write_status = core_model_write(&fixture.model, digest_sha256, &data, &size, &error);
    CoreStatus read_status = core_file_read("/proc/self/exe", SIZE_MAX, &data, &size, &error);
    CoreStatus file_status = core_file_write("/tmp/sipcnn-never-made", "", 0, &error);
    failing = false;
    ck_assert_int_eq(arena_status, CORE_MEMORY);
    ck_assert_ptr_null(arena.base);
    ck_assert_int_eq(write_status, CORE_MEMORY);
    ck_assert_int_eq(read_status, CORE_MEMORY);
    ck_assert_int_eq(file_status, CORE_MEMORY);
    ck_assert_ptr_null(data);
    ck_assert_int_ne(access("/tmp/sipcnn-never-made", F_OK), 0);
    model_fixture_free(&fixture);
}
END_TEST

Suite *memory_suite(void) {
    Suite *suite = suite_create("core: out of memory");
    TCase *tests = tcase_create("memory");
    tcase_add_test(tests, each_allocation_may_fail);
    suite_add_tcase(suite, tests);
    return suite;
}

/* Working ahead: order, ends, errors, and leaving early.
 * Relies on: data/dataset/ahead.h.
 * Relied on by: tests/dataset/test_dataset.c. */
#include "data/dataset/ahead.h"

#include "tests/dataset/suites.h"

#include <string.h>
#include <time.h>

static CoreError error;

typedef struct Work {
    uint32_t next, last; /* numbers to deliver */
    CoreStatus end;
    long pause_ns; /* before each fill */
} Work;

static CoreStatus count_up(void *user, void *slot, CoreError *failure) {
    Work *work = user;
    struct timespec pause = {0, work->pause_ns};
    if (work->pause_ns) nanosleep(&pause, NULL);
    if (work->next == work->last)
        return work->end == CORE_END ? CORE_END : core_fail(failure, work->end, "broke at %u", work->last);
    *(uint32_t *)slot = work->next++;
    return CORE_OK;
}

static void take_all(Work *work, uint32_t slots, long pause_ns) {
    Ahead *ahead;
    void *slot;
    struct timespec pause = {0, pause_ns};
    ck_assert_int_eq(ahead_new(count_up, work, sizeof(uint32_t), slots, &ahead, &error), CORE_OK);
    for (uint32_t i = 0; i < work->last; i++) {
        ck_assert_int_eq(ahead_next(ahead, &slot, &error), CORE_OK);
        ck_assert_uint_eq(*(uint32_t *)slot, i);
        if (pause_ns) nanosleep(&pause, NULL);
        ck_assert_uint_eq(*(uint32_t *)slot, i); /* still ours */
    }
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(ahead_next(ahead, &slot, &error), work->end);
    ahead_free(ahead);
}

START_TEST(slots_come_in_order) {
    static const uint32_t slots[] = {2, 3, 8};
    take_all(&(Work){.last = 5000, .end = CORE_END}, slots[_i], 0);
    take_all(&(Work){.last = 40, .end = CORE_END, .pause_ns = 300000}, slots[_i], 0);
    take_all(&(Work){.last = 40, .end = CORE_END}, slots[_i], 300000);
    take_all(&(Work){.end = CORE_END}, slots[_i], 0);
}
END_TEST

START_TEST(an_error_comes_in_its_place) {
    take_all(&(Work){.last = 7, .end = CORE_IO}, 3, 0);
    ck_assert_str_eq(error.text, "broke at 7");
}
END_TEST

START_TEST(it_can_be_left_at_any_time) {
    for (uint32_t taken = 0; taken < 20; taken++) {
        Work work = {.last = taken < 10 ? 12 : UINT32_MAX, .end = CORE_END};
        Ahead *ahead;
        void *slot;
        ck_assert_int_eq(ahead_new(count_up, &work, 100, 4, &ahead, &error), CORE_OK);
        for (uint32_t i = 0; i < taken; i++)
            ck_assert_int_eq(ahead_next(ahead, &slot, &error), CORE_OK);
        ahead_free(ahead);
        ck_assert_uint_le(work.next, taken + 5); /* no further ahead than the ring is long */
    }
    ahead_free(NULL);
}
END_TEST

START_TEST(waiting_is_counted) {
    Work work = {.last = 3, .end = CORE_END, .pause_ns = 20000000};
    Ahead *ahead;
    void *slot;
    ck_assert_int_eq(ahead_new(count_up, &work, sizeof(uint32_t), 2, &ahead, &error), CORE_OK);
    ck_assert(ahead_waited(ahead) == 0);
    ck_assert_int_eq(ahead_next(ahead, &slot, &error), CORE_OK);
    ck_assert_double_gt(ahead_waited(ahead), .01);
    ahead_free(ahead);
}
END_TEST

Suite *ahead_suite(void) {
    Suite *suite = suite_create("ahead");
    TCase *cases = tcase_create("ring");
    tcase_add_loop_test(cases, slots_come_in_order, 0, 3);
    tcase_add_test(cases, an_error_comes_in_its_place);
    tcase_add_test(cases, it_can_be_left_at_any_time);
    tcase_add_test(cases, waiting_is_counted);
    suite_add_tcase(suite, cases);
    return suite;
}

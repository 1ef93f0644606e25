/* Schedules: points of each curve, refused options, and what a plateau does.
 * Relies on: engine/schedule.h, Check.
 * Relied on by: test_engine.c. */
#include "engine/schedule.h"

#include "tests/engine/suites.h"

#include <math.h>

static const struct {
    Schedule schedule;
    uint64_t step;
    double factor;
} points[] = {
    {{0}, 1, 1},
    {{0}, 1000000, 1},
    {{.warmup_steps = 4}, 1, 0.25},
    {{.warmup_steps = 4}, 3, 0.75},
    {{.warmup_steps = 4}, 4, 1},
    {{.warmup_steps = 4}, 5, 1},
    {{.warmup_steps = 10, .total_steps = 110, .final_fraction = 0.25f}, 5, 0.5},
    {{.warmup_steps = 10, .total_steps = 110, .final_fraction = 0.25f}, 10, 1},
    {{.warmup_steps = 10, .total_steps = 110, .final_fraction = 0.25f}, 35, 0.25 + 0.75 * 0.8535533905932737},
    {{.warmup_steps = 10, .total_steps = 110, .final_fraction = 0.25f}, 60, 0.625},
    {{.warmup_steps = 10, .total_steps = 110, .final_fraction = 0.25f}, 110, 0.25},
    {{.warmup_steps = 10, .total_steps = 110, .final_fraction = 0.25f}, 1000, 0.25},
    {{.kind = SCHEDULE_STEP, .step_length = 5, .step_factor = 0.5f}, 1, 1},
    {{.kind = SCHEDULE_STEP, .step_length = 5, .step_factor = 0.5f}, 5, 1},
    {{.kind = SCHEDULE_STEP, .step_length = 5, .step_factor = 0.5f}, 6, 0.5},
    {{.kind = SCHEDULE_STEP, .step_length = 5, .step_factor = 0.5f}, 16, 0.125},
    {{.kind = SCHEDULE_STEP, .warmup_steps = 2, .step_length = 1, .step_factor = 0.5f}, 1, 0.5},
    {{.kind = SCHEDULE_STEP, .warmup_steps = 2, .step_length = 1, .step_factor = 0.5f}, 2, 1},
    {{.kind = SCHEDULE_STEP, .warmup_steps = 2, .step_length = 1, .step_factor = 0.5f}, 3, 1},
    {{.kind = SCHEDULE_STEP, .warmup_steps = 2, .step_length = 1, .step_factor = 0.5f}, 4, 0.5},
};

START_TEST(points_of_the_curves) {
    ck_assert_int_eq(schedule_check(&points[_i].schedule, NULL), CORE_OK);
    ck_assert_double_eq_tol(schedule_factor(&points[_i].schedule, points[_i].step), points[_i].factor, 1e-12);
}
END_TEST

START_TEST(options_are_checked) {
    static const struct {
        Schedule schedule;
        const char *text;
    } bad[] = {
        {{.kind = (ScheduleKind)7}, "schedule: kind 7 is unknown"},
        {{.final_fraction = NAN}, "schedule: final_fraction is nan, but must be in [0, 1]"},
        {{.kind = SCHEDULE_STEP, .step_factor = 1}, "schedule: step_length is 0, but must be >= 1"},
        {{.kind = SCHEDULE_STEP, .step_length = 1}, "schedule: step_factor is 0, but must be > 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CoreError error = {0};
        ck_assert_int_eq(schedule_check(&bad[i].schedule, &error), CORE_ARGUMENT);
        ck_assert_str_eq(error.text, bad[i].text);
    }
}
END_TEST

START_TEST(plateau_waits_then_falls) {
    static const struct {
        double measure, scale;
    } course[] = {{NAN, 1},    {5, 1},    {4, 1},     {3.95, 1},  {4, 1},     {3.85, 1}, /* better by 0.15 */
                  {3.85, 1},   {9, 1},    {3.8, 0.5}, {3.8, 0.5}, {3.8, 0.5}, {3.8, 0.25},
                  {NAN, 0.25}, {1, 0.25}, {1, 0.25},  {1, 0.25},  {1, 0.125}};
    Plateau plateau = {.factor = 0.5f, .patience = 2, .least = 0.1f, .scale = 1};
    for (size_t i = 0; i < sizeof course / sizeof course[0]; i++)
        ck_assert_msg(plateau_observe(&plateau, course[i].measure) == course[i].scale,
                      "observation %zu: scale %g instead of %g", i, plateau.scale, course[i].scale);
}
END_TEST

TCase *schedule_tests(void) {
    TCase *tcase = tcase_create("schedule");
    tcase_add_loop_test(tcase, points_of_the_curves, 0, sizeof points / sizeof points[0]);
    tcase_add_test(tcase, options_are_checked);
    tcase_add_test(tcase, plateau_waits_then_falls);
    return tcase;
}

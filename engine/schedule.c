/* Learning rate schedules.
 * Relies on: libm.
 * Relied on by: engine/optimiser.c, train, through schedule.h. */
#include "engine/schedule.h"

#include <math.h>

double schedule_factor(const Schedule *schedule, uint64_t step) {
    const uint64_t warmup = schedule->warmup_steps, total = schedule->total_steps;
    const double pi = 3.14159265358979323846, final_fraction = (double)schedule->final_fraction;
    if (step < warmup) return (double)step / (double)warmup;
    if (schedule->kind == SCHEDULE_STEP) {
        const uint64_t done = step > warmup ? (step - warmup - 1) / schedule->step_length : 0;
        return pow((double)schedule->step_factor, (double)done);
    }
    if (total <= warmup) return 1;
    const double done = (double)(step - warmup) / (double)(total - warmup);
    return final_fraction + (1 - final_fraction) * (done < 1 ? 0.5 * (1 + cos(pi * done)) : 0);
}

/* Written so that NaN fails too. */
CoreStatus schedule_check(const Schedule *schedule, CoreError *error) {
    if (schedule->kind != SCHEDULE_COSINE && schedule->kind != SCHEDULE_STEP)
        return core_fail(error, CORE_ARGUMENT, "schedule: kind %d is unknown", (int)schedule->kind);
    if (!(schedule->final_fraction >= 0 && schedule->final_fraction <= 1))
        return core_fail(error, CORE_ARGUMENT, "schedule: final_fraction is %g, but must be in [0, 1]",
                         (double)schedule->final_fraction);
    if (schedule->kind != SCHEDULE_STEP) return CORE_OK;
    if (schedule->step_length < 1)
        return core_fail(error, CORE_ARGUMENT, "schedule: step_length is 0, but must be >= 1");
    if (!(schedule->step_factor > 0 && isfinite(schedule->step_factor)))
        return core_fail(error, CORE_ARGUMENT, "schedule: step_factor is %g, but must be > 0",
                         (double)schedule->step_factor);
    return CORE_OK;
}

double plateau_observe(Plateau *plateau, double measure) {
    const bool better =
        !plateau->measured ? !isnan(measure) : measure < plateau->best - (double)plateau->least;
    if (better) {
        plateau->best = measure;
        plateau->measured = true;
        plateau->waited = 0;
    } else if (++plateau->waited > plateau->patience) {
        plateau->scale *= (double)plateau->factor;
        plateau->waited = 0;
    }
    return plateau->scale;
}

/* All attack builders.
 * Relies on: attack_builders.h.
 * Relied on by: world.c (the plan), tools/data. */
#include "data/synth/attack_builders.h"

const SynthAttackBuilder *const synth_attack_builders[] = {
#define ATTACK_ROW(name) &attack_##name,
    ATTACK_BUILDER_MAP(ATTACK_ROW)
#undef ATTACK_ROW
};

const uint32_t synth_attack_count = sizeof synth_attack_builders / sizeof *synth_attack_builders;

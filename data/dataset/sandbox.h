/* A process that gives up what it does not need before it touches a hostile file.
 * Relies on: POSIX limits; on Linux, no_new_privs and seccomp.
 * Relied on by: store_child.c, reader.c. Internal to data/dataset. */
#ifndef SIPCNN_DATASET_SANDBOX_H
#define SIPCNN_DATASET_SANDBOX_H

#include "engine/core/status.h"

#include <stdint.h>
#include <sys/types.h>

/* For a process with one thread, for good: at most `memory` bytes of address space beyond what it has,
 * `seconds` of processor time, no core file, no new processes, no file grown; on Linux (x86-64 and arm64)
 * only the system calls that reading files, memory and an open pipe need. Not under AddressSanitizer, whose
 * shadow memory needs more. CORE_UNAVAILABLE names what the system refused. */
CORE_NODISCARD CoreStatus sandbox_enter(uint64_t memory, uint64_t seconds, CoreError *error);

/* For its parent: the child may use `seconds` of processor time in all from now on. Where the system cannot
 * (it is Linux that can) the first limit stays. */
void sandbox_allow(pid_t child, uint64_t seconds);

#endif

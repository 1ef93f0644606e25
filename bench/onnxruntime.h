/* Runs ONNX models in ONNX Runtime, whose library is looked for at run time.
 * Relies on: engine/core, dlopen.
 * Relied on by: bench/peer_onnxruntime.c, tests. */
#ifndef SIPCNN_BENCH_ONNXRUNTIME_H
#define SIPCNN_BENCH_ONNXRUNTIME_H

#include "engine/core/status.h"

#include <stddef.h>
#include <stdint.h>

/* The library. One thread at a time. */
typedef struct OnnxRuntime OnnxRuntime;

/* Loads the library `path`, or NULL: the environment's SIPCNN_ONNXRUNTIME, else libonnxruntime.so.1 of the
 * system. The caller closes it after its sessions. CORE_UNAVAILABLE: there is none, or it is none. */
CORE_NODISCARD CoreStatus onnxruntime_open(const char *path, OnnxRuntime **runtime, CoreError *error);
/* NULL is allowed. */
void onnxruntime_close(OnnxRuntime *runtime);
/* "1.30.0", borrowed. */
const char *onnxruntime_version(const OnnxRuntime *runtime);

/* A model ready to run. One thread at a time. */
typedef struct OnnxSession OnnxSession;

/* Loads the model in `bytes` (not needed afterwards) for `threads` threads, with all of the library's graph
 * optimisations. The caller frees *session. CORE_FORMAT with the library's words: it refuses the model. */
CORE_NODISCARD CoreStatus onnxruntime_load(OnnxRuntime *runtime, const void *bytes, size_t size, int threads,
                                           OnnxSession **session, CoreError *error);
/* NULL is allowed. */
void onnxruntime_free(OnnxSession *session);

typedef enum OnnxType { ONNX_F32 = 1, ONNX_U8 = 2 } OnnxType; /* numbers of onnx.proto */

enum { ONNX_RANK_MAX = 4, ONNX_TENSORS_MAX = 16 };

/* An input or output; the memory stays the caller's. */
typedef struct OnnxTensor {
    const char *name; /* as in the model */
    OnnxType type;
    int rank;
    int64_t shape[ONNX_RANK_MAX]; /* of the whole batch, row-major */
    void *data;
} OnnxTensor;

/* Where the runs to come read and write: names and data must stay until the next bind or onnxruntime_free. At
 * most ONNX_TENSORS_MAX each. CORE_ARGUMENT, CORE_FORMAT. */
CORE_NODISCARD CoreStatus onnxruntime_bind(OnnxSession *session, const OnnxTensor *inputs, size_t n_inputs,
                                           const OnnxTensor *outputs, size_t n_outputs, CoreError *error);
/* Computes the bound outputs of the bound inputs. CORE_FORMAT: it failed, in the library's words. */
CORE_NODISCARD CoreStatus onnxruntime_run(OnnxSession *session, CoreError *error);

#endif

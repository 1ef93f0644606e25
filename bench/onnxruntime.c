/* Runs ONNX models in ONNX Runtime, whose library is looked for at run time.
 * Relies on: engine/core, dlopen, ONNX Runtime's C interface (version 1, with which each later one begins).
 * Relied on by: bench/peer_onnxruntime.c, tests. */
#include "bench/onnxruntime.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* Debian has no header of the library. Its interface is a table of functions that only ever grows at the end;
 * these are the places of those that are called here, all within version 1, which ends before place 101. */
enum OrtPlace {
    ORT_GET_ERROR_MESSAGE = 2,
    ORT_CREATE_ENV = 3,
    ORT_CREATE_SESSION_FROM_ARRAY = 8,
    ORT_RUN = 9,
    ORT_CREATE_SESSION_OPTIONS = 10,
    ORT_SET_GRAPH_OPTIMIZATION_LEVEL = 23,
    ORT_SET_INTRA_OP_NUM_THREADS = 24,
    ORT_CREATE_TENSOR_WITH_DATA = 49,
    ORT_CREATE_CPU_MEMORY_INFO = 69,
    ORT_RELEASE_ENV = 92,
    ORT_RELEASE_STATUS = 93,
    ORT_RELEASE_MEMORY_INFO = 94,
    ORT_RELEASE_SESSION = 95,
    ORT_RELEASE_VALUE = 96,
    ORT_RELEASE_SESSION_OPTIONS = 100
};
enum { ORT_API_VERSION = 1, ORT_LOG_ERROR = 3, ORT_OPTIMISE_ALL = 99, ORT_DEVICE_ALLOCATOR = 0 };

/* All objects of the library are opaque; a status is NULL when all went well. */
typedef void OrtObject;
typedef void (*OrtFunction)(void);

typedef const char *OrtGetErrorMessage(const OrtObject *status);
typedef OrtObject *OrtCreateEnv(int level, const char *name, OrtObject **env);
typedef OrtObject *OrtCreateSessionFromArray(const OrtObject *env, const void *bytes, size_t size,
                                             const OrtObject *options, OrtObject **session);
typedef OrtObject *OrtRun(OrtObject *session, const OrtObject *options, const char *const *input_names,
                          OrtObject *const *inputs, size_t n_inputs, const char *const *output_names,
                          size_t n_outputs, OrtObject **outputs);
typedef OrtObject *OrtCreateSessionOptions(OrtObject **options);
typedef OrtObject *OrtSetInt(OrtObject *options, int value);
typedef OrtObject *OrtCreateTensor(const OrtObject *memory, void *data, size_t bytes, const int64_t *shape,
                                   size_t rank, int type, OrtObject **value);
typedef OrtObject *OrtCreateCpuMemoryInfo(int allocator, int kind, OrtObject **memory);
typedef void OrtRelease(OrtObject *object);

/* What the library's one exported function returns. */
typedef struct OrtApiBase {
    const OrtFunction *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
} OrtApiBase;

/* The function at a place, as the type that it has there. */
#define ORT(runtime, Type, place) ((Type *)(runtime)->api[place])

struct OnnxRuntime {
    void *library;
    const OrtApiBase *base;
    const OrtFunction *api;
    OrtObject *env, *memory;
};

typedef struct OnnxBinding {
    size_t count;
    const char *names[ONNX_TENSORS_MAX];
    OrtObject *values[ONNX_TENSORS_MAX];
} OnnxBinding;

struct OnnxSession {
    OnnxRuntime *runtime;
    OrtObject *session;
    OnnxBinding inputs, outputs;
};

/* Takes over a status of the library. */
static CoreStatus check(const OnnxRuntime *runtime, OrtObject *result, const char *what, CoreError *error) {
    if (!result) return CORE_OK;
    const CoreStatus status = core_fail(error, CORE_FORMAT, "ONNX Runtime, %s: %s", what,
                                        ORT(runtime, OrtGetErrorMessage, ORT_GET_ERROR_MESSAGE)(result));
    ORT(runtime, OrtRelease, ORT_RELEASE_STATUS)(result);
    return status;
}

static void release(const OnnxRuntime *runtime, enum OrtPlace place, OrtObject *object) {
    if (object) ORT(runtime, OrtRelease, place)(object);
}

/* ---- the library ---- */

static CoreStatus find_api(OnnxRuntime *runtime, const char *path, CoreError *error) {
    const OrtApiBase *(*get_base)(void);
    runtime->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!runtime->library) return core_fail(error, CORE_UNAVAILABLE, "%s", dlerror());
    void *symbol = dlsym(runtime->library, "OrtGetApiBase");
    if (!symbol) return core_fail(error, CORE_UNAVAILABLE, "%s is not ONNX Runtime", path);
    memcpy(&get_base, &symbol, sizeof get_base); /* ISO C has no cast from data to function */
    runtime->base = get_base();
    runtime->api = runtime->base ? runtime->base->get_api(ORT_API_VERSION) : NULL;
    return runtime->api ? CORE_OK
                        : core_fail(error, CORE_UNAVAILABLE, "%s: no API version %d", path, ORT_API_VERSION);
}

CoreStatus onnxruntime_open(const char *path, OnnxRuntime **runtime, CoreError *error) {
    if (!path) path = getenv("SIPCNN_ONNXRUNTIME");
    OnnxRuntime *made = calloc(1, sizeof *made);
    if (!made) return core_fail(error, CORE_MEMORY, "out of memory");
    CoreStatus status = find_api(made, path ? path : "libonnxruntime.so.1", error);
    if (status == CORE_OK)
        status = check(made, ORT(made, OrtCreateEnv, ORT_CREATE_ENV)(ORT_LOG_ERROR, "sipcnn", &made->env),
                       "environment", error);
    if (status == CORE_OK)
        status = check(made,
                       ORT(made, OrtCreateCpuMemoryInfo, ORT_CREATE_CPU_MEMORY_INFO)(ORT_DEVICE_ALLOCATOR, 0,
                                                                                     &made->memory),
                       "memory", error);
    if (status)
        onnxruntime_close(made);
    else
        *runtime = made;
    return status;
}

void onnxruntime_close(OnnxRuntime *runtime) {
    if (!runtime) return;
    release(runtime, ORT_RELEASE_MEMORY_INFO, runtime->memory);
    release(runtime, ORT_RELEASE_ENV, runtime->env);
    if (runtime->library) dlclose(runtime->library);
    free(runtime);
}

const char *onnxruntime_version(const OnnxRuntime *runtime) {
    return runtime->base->get_version();
}

/* ---- sessions ---- */

static CoreStatus set_options(const OnnxRuntime *runtime, int threads, OrtObject **options,
                              CoreError *error) {
    CoreStatus status =
        check(runtime, ORT(runtime, OrtCreateSessionOptions, ORT_CREATE_SESSION_OPTIONS)(options), "options",
              error);
    if (status == CORE_OK)
        status = check(runtime, ORT(runtime, OrtSetInt, ORT_SET_INTRA_OP_NUM_THREADS)(*options, threads),
                       "threads", error);
    if (status == CORE_OK)
        status = check(runtime,
                       ORT(runtime, OrtSetInt, ORT_SET_GRAPH_OPTIMIZATION_LEVEL)(*options, ORT_OPTIMISE_ALL),
                       "optimisation", error);
    return status;
}

CoreStatus onnxruntime_load(OnnxRuntime *runtime, const void *bytes, size_t size, int threads,
                            OnnxSession **session, CoreError *error) {
    OrtObject *options = NULL;
    OnnxSession *made = calloc(1, sizeof *made);
    if (!made) return core_fail(error, CORE_MEMORY, "out of memory");
    made->runtime = runtime;
    CoreStatus status = set_options(runtime, threads, &options, error);
    if (status == CORE_OK)
        status = check(runtime,
                       ORT(runtime, OrtCreateSessionFromArray,
                           ORT_CREATE_SESSION_FROM_ARRAY)(runtime->env, bytes, size, options, &made->session),
                       "model", error);
    release(runtime, ORT_RELEASE_SESSION_OPTIONS, options);
    if (status)
        free(made);
    else
        *session = made;
    return status;
}

static void unbind(const OnnxRuntime *runtime, OnnxBinding *binding) {
    while (binding->count > 0)
        release(runtime, ORT_RELEASE_VALUE, binding->values[--binding->count]);
}

void onnxruntime_free(OnnxSession *session) {
    if (!session) return;
    unbind(session->runtime, &session->inputs);
    unbind(session->runtime, &session->outputs);
    release(session->runtime, ORT_RELEASE_SESSION, session->session);
    free(session);
}

static CoreStatus bind_tensors(const OnnxRuntime *runtime, const OnnxTensor *tensors, size_t count,
                               OnnxBinding *binding, CoreError *error) {
    unbind(runtime, binding);
    if (count > ONNX_TENSORS_MAX)
        return core_fail(error, CORE_ARGUMENT, "%zu tensors, more than %d", count, ONNX_TENSORS_MAX);
    for (size_t i = 0; i < count; i++) {
        const OnnxTensor *tensor = &tensors[i];
        size_t bytes = tensor->type == ONNX_F32 ? sizeof(float) : 1;
        for (int d = 0; d < tensor->rank; d++)
            bytes *= (size_t)tensor->shape[d];
        const CoreStatus status = check(runtime,
                                        ORT(runtime, OrtCreateTensor, ORT_CREATE_TENSOR_WITH_DATA)(
                                            runtime->memory, tensor->data, bytes, tensor->shape,
                                            (size_t)tensor->rank, (int)tensor->type, &binding->values[i]),
                                        tensor->name, error);
        if (status) return status;
        binding->names[i] = tensor->name;
        binding->count = i + 1;
    }
    return CORE_OK;
}

CoreStatus onnxruntime_bind(OnnxSession *session, const OnnxTensor *inputs, size_t n_inputs,
                            const OnnxTensor *outputs, size_t n_outputs, CoreError *error) {
    CoreStatus status = bind_tensors(session->runtime, inputs, n_inputs, &session->inputs, error);
    if (status == CORE_OK)
        status = bind_tensors(session->runtime, outputs, n_outputs, &session->outputs, error);
    return status;
}

CoreStatus onnxruntime_run(OnnxSession *session, CoreError *error) {
    const OnnxBinding *in = &session->inputs;
    OnnxBinding *out = &session->outputs;
    return check(session->runtime,
                 ORT(session->runtime, OrtRun, ORT_RUN)(session->session, NULL, in->names, in->values,
                                                        in->count, out->names, out->count, out->values),
                 "run", error);
}

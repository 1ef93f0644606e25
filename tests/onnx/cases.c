/* Writes ONNX models with inputs and what our engine makes of them, for check_cases.py: every case of
 * tests/engine/cases.def but the losses, a small network with every branch of the SIP CNN, and a shipped
 * model. With SIPCNN_ONNXRUNTIME=LIBRARY it runs each in ONNX Runtime as well and compares. Relies on:
 * engine/onnx.h, train/onnx.h, bench/onnxruntime.h, tests/engine (problem.h, network.h), Check. Relied on by:
 * ctest (tests/onnx).
 *
 * usage: onnx_cases FOLDER
 * writes FOLDER/CASE/model.onnx and, as raw little-endian values, FOLDER/CASE/NAME.bin of each input and
 * output. */
#include "bench/onnxruntime.h"
#include "data/digest/digest.h"
#include "engine/core/file.h"
#include "engine/onnx.h"
#include "engine/rng.h"
#include "tests/engine/network.h"
#include "tests/engine/problem.h"
#include "train/export.h"
#include "train/onnx.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const OpCase cases[] = {
#define CASE(name, ...) {.op = #name, __VA_ARGS__},
#include "tests/engine/cases.def"
#undef CASE
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static const char *root;
static CoreError error;

/* A model and the graph that it came from, after a graph_forward. */
typedef struct Case {
    const char *name;
    const Graph *graph;
    uint8_t *bytes;
    size_t size;
    const GraphOnnxOutput *outputs;
    int32_t n_outputs;
} Case;

/* ---- in ONNX Runtime ---- */

static OnnxTensor tensor(const Graph *graph, const Node *node, const char *name, void *data) {
    OnnxTensor result = {.name = name,
                         .type = node->type == GRAPH_U8 ? ONNX_U8 : ONNX_F32,
                         .rank = 1 + node->shape.rank,
                         .data = data};
    result.shape[0] = graph->batch;
    for (int32_t d = 0; d < node->shape.rank; d++)
        result.shape[1 + d] = node->shape.size[d];
    return result;
}

static bool is_needed(const Graph *graph, const Case *c, const Node *input) {
    bool needed[GRAPH_MAX_NODES] = {0};
    for (int32_t i = 0; i < c->n_outputs; i++)
        needed[c->outputs[i].node] = true;
    for (int32_t i = graph->n_nodes - 1; i >= 0; i--)
        for (int32_t k = 0; needed[i] && k < graph->nodes[i].n_inputs; k++)
            needed[graph->nodes[i].inputs[k]] = true;
    return needed[input - graph->nodes];
}

static void compare(const Case *c, const char *output, const float *got, const float *want, size_t count) {
    float scale = 1;
    for (size_t i = 0; i < count; i++)
        scale = fmaxf(scale, fabsf(want[i]));
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabsf(got[i] - want[i]) <= 1e-5f * scale,
                      "%s: %s[%zu] is %.9g in ONNX Runtime, not %.9g", c->name, output, i, (double)got[i],
                      (double)want[i]);
}

static void run_elsewhere(const Case *c) {
    OnnxRuntime *runtime;
    OnnxSession *session;
    OnnxTensor inputs[ONNX_TENSORS_MAX], outputs[2];
    size_t n_inputs = 0;
    for (int32_t i = 0; i < c->graph->n_nodes; i++) {
        const Node *node = &c->graph->nodes[i];
        if ((node->op == &op_input_u8 || node->op == &op_input_f32) && is_needed(c->graph, c, node))
            inputs[n_inputs++] = tensor(c->graph, node, node->name,
                                        node->type == GRAPH_U8 ? (void *)node->bytes : (void *)node->value);
    }
    for (int32_t i = 0; i < c->n_outputs; i++) {
        const Node *node = &c->graph->nodes[c->outputs[i].node];
        outputs[i] = tensor(c->graph, node, c->outputs[i].name,
                            calloc((size_t)c->graph->batch * node_size(node), sizeof(float)));
    }
    ck_assert_msg(onnxruntime_open(NULL, &runtime, &error) == CORE_OK, "%s", error.text);
    ck_assert_msg(onnxruntime_load(runtime, c->bytes, c->size, 1, &session, &error) == CORE_OK, "%s: %s",
                  c->name, error.text);
    ck_assert_msg(onnxruntime_bind(session, inputs, n_inputs, outputs, (size_t)c->n_outputs, &error) ==
                      CORE_OK,
                  "%s: %s", c->name, error.text);
    ck_assert_msg(onnxruntime_run(session, &error) == CORE_OK, "%s: %s", c->name, error.text);
    for (int32_t i = 0; i < c->n_outputs; i++) {
        const Node *node = &c->graph->nodes[c->outputs[i].node];
        compare(c, c->outputs[i].name, outputs[i].data, node->value,
                (size_t)c->graph->batch * node_size(node));
        free(outputs[i].data);
    }
    onnxruntime_free(session);
    onnxruntime_close(runtime);
}

/* ---- as files ---- */

static void write_file(const Case *c, const char *name, const char *end, const void *data, size_t size) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s/%s%s", root, c->name, name, end);
    ck_assert_msg(core_file_write(path, data, size, &error) == CORE_OK, "%s", error.text);
}

static void write_node(const Case *c, const Node *node, const char *name) {
    const size_t count = (size_t)c->graph->batch * node_size(node);
    if (node->type == GRAPH_U8)
        write_file(c, name, ".bin", node->bytes, count);
    else
        write_file(c, name, ".bin", node->value, count * sizeof(float));
}

static void write_case(const Case *c) {
    char folder[512];
    snprintf(folder, sizeof folder, "%s/%s", root, c->name);
    ck_assert_int_eq(mkdir(folder, 0777), 0);
    write_file(c, "model", ".onnx", c->bytes, c->size);
    for (int32_t i = 0; i < c->graph->n_nodes; i++) {
        const Node *node = &c->graph->nodes[i];
        if (node->op == &op_input_u8 || node->op == &op_input_f32) write_node(c, node, node->name);
    }
    for (int32_t i = 0; i < c->n_outputs; i++)
        write_node(c, &c->graph->nodes[c->outputs[i].node], c->outputs[i].name);
    if (getenv("SIPCNN_ONNXRUNTIME")) run_elsewhere(c);
}

static void export_case(const char *name, const Graph *graph, const GraphOnnx *wanted) {
    Case c = {.name = name, .graph = graph, .outputs = wanted->outputs, .n_outputs = wanted->n_outputs};
    ck_assert_msg(graph_onnx(graph, wanted, &c.bytes, &c.size, &error) == CORE_OK, "%s", error.text);
    write_case(&c);
    free(c.bytes);
}

/* ---- the cases ---- */

START_TEST(every_op) {
    Problem problem;
    char name[64];
    if (strstr(cases[_i].op, "_loss")) return;
    problem_new(&problem, &cases[_i], 1000 + (uint64_t)_i);
    ck_assert_int_eq(graph_forward(problem.graph, problem.shape.n, false, &error), CORE_OK);
    const GraphOnnxOutput output = {.node = problem.output, .name = "result"};
    snprintf(name, sizeof name, "%02d-%s", _i, problem.shape.op);
    export_case(name, problem.graph, &(GraphOnnx){.name = "case", .outputs = &output, .n_outputs = 1});
    problem_free(&problem);
}
END_TEST

START_TEST(network) {
    static NetRow rows[NET_ROWS];
    Net net;
    net_rows(rows, 5);
    net_new(&net, 3, 0.2f);
    net_train(&net, rows, 0, 20);
    net_set_rows(&net, rows);
    ck_assert_int_eq(graph_forward(net.graph, NET_BATCH, false, &error), CORE_OK);
    const GraphOnnxOutput outputs[] = {{.node = net.logits, .name = "logits", .doc = "one of each class"},
                                       {.node = net.hidden, .name = "features"}};
    const GraphOnnxText inputs[] = {{"text", "the first bytes"}};
    const GraphOnnxText metadata[] = {{"classes", "a,b,c"}, {"empty", ""}};
    export_case("network", net.graph,
                &(GraphOnnx){.name = "network",
                             .doc = "A network for the test.",
                             .outputs = outputs,
                             .n_outputs = 2,
                             .inputs = inputs,
                             .n_inputs = 1,
                             .metadata = metadata,
                             .n_metadata = 2});
    net_free(&net);
}
END_TEST

/* Random bytes; without tokens, text and events, and with one of each, too. */
static void draw_rows(FeatureRow *rows, uint32_t count) {
    for (uint32_t r = 0; r < count; r++) {
        for (uint32_t i = 0; i < sizeof rows[r]; i++)
            ((uint8_t *)&rows[r])[i] = (uint8_t)rng_below(256, 7, 1, r, i);
        if (r < 2) rows[r].n_tokens = rows[r].n_text = rows[r].n_events = (uint8_t)r;
    }
}

START_TEST(shipped_model) {
    enum { ROWS = 24 };
    static FeatureRow rows[ROWS];
    static const float unused[ROWS * CORE_MODEL_CLASSES_MAX]; /* of the loss */
    uint8_t *bytes;
    size_t size;
    CoreModel *file = calloc(1, sizeof *file);
    TrainModel model;
    TrainCalibration calibration;
    ck_assert_msg(core_file_read(SIPCNN_SOURCE_DIR "/models/first-light.sipcnn", CORE_MODEL_SIZE_MAX, &bytes,
                                 &size, &error) == CORE_OK,
                  "%s", error.text);
    ck_assert_msg(core_model_read(bytes, size, digest_sha256, file, &error) == CORE_OK, "%s", error.text);
    ck_assert_msg(train_import(file, 1, &model, &calibration, &error) == CORE_OK, "%s", error.text);
    draw_rows(rows, ROWS);
    const TrainBatch batch = {.rows = rows, .targets = unused, .mask = unused, .weights = unused};
    ck_assert_int_eq(train_model_bind(&model, &batch, &error), CORE_OK);
    ck_assert_int_eq(graph_forward(model.graph, ROWS, false, &error), CORE_OK);
    const GraphOnnxOutput outputs[] = {{.node = model.logits, .name = "logits"},
                                       {.node = model.hidden, .name = "hidden"}};
    Case c = {.name = "sipcnn", .graph = model.graph, .outputs = outputs, .n_outputs = 2};
    ck_assert_msg(train_onnx(&model, file, &c.bytes, &c.size, &error) == CORE_OK, "%s", error.text);
    write_case(&c);
    free(c.bytes);
    train_calibration_free(&calibration);
    train_model_free(&model);
    free(file);
    free(bytes);
}
END_TEST

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: onnx_cases FOLDER\n");
        return 2;
    }
    root = argv[1];
    TCase *tcase = tcase_create("cases");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, every_op, 0, N_CASES);
    tcase_add_test(tcase, network);
    tcase_add_test(tcase, shipped_model);
    Suite *suite = suite_create("onnx_cases");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

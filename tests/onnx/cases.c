/* Writes ONNX models with inputs and what our engine makes of them, for check_cases.py: every case of
 * tests/engine/cases.def but the losses, and a small network with every branch of the SIP CNN.
 * Relies on: engine/onnx.h, tests/engine (problem.h, network.h), engine/core/file.h, Check.
 * Relied on by: ctest (tests/onnx).
 *
 * usage: onnx_cases FOLDER
 * writes FOLDER/CASE/model.onnx and, as raw little-endian values, FOLDER/CASE/NAME.bin of each input and
 * output. */
#include "engine/core/file.h"
#include "engine/onnx.h"
#include "tests/engine/network.h"
#include "tests/engine/problem.h"

#include <check.h>
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

static const char *folder_of_all;
static CoreError error;

static void write_file(const char *folder, const char *name, const char *end, const void *data, size_t size) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s%s", folder, name, end);
    ck_assert_msg(core_file_write(path, data, size, &error) == CORE_OK, "%s", error.text);
}

/* The model, and what the last graph_forward read and computed. */
static void write_case(const char *folder, const Graph *graph, const GraphOnnx *wanted) {
    uint8_t *bytes;
    size_t size;
    ck_assert_int_eq(mkdir(folder, 0777), 0);
    ck_assert_msg(graph_onnx(graph, wanted, &bytes, &size, &error) == CORE_OK, "%s", error.text);
    write_file(folder, "model", ".onnx", bytes, size);
    free(bytes);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const Node *node = &graph->nodes[i];
        const size_t count = (size_t)graph->batch * node_size(node);
        if (node->op == &op_input_u8) write_file(folder, node->name, ".bin", node->bytes, count);
        if (node->op == &op_input_f32)
            write_file(folder, node->name, ".bin", node->value, count * sizeof(float));
    }
    for (int32_t i = 0; i < wanted->n_outputs; i++) {
        const Node *node = &graph->nodes[wanted->outputs[i].node];
        write_file(folder, wanted->outputs[i].name, ".bin", node->value,
                   (size_t)graph->batch * node_size(node) * sizeof(float));
    }
}

static void write_op(const char *root, int index) {
    Problem problem;
    char folder[512];
    problem_new(&problem, &cases[index], 1000 + (uint64_t)index);
    ck_assert_int_eq(graph_forward(problem.graph, problem.shape.n, false, &error), CORE_OK);
    const GraphOnnxOutput output = {.node = problem.output, .name = "result"};
    snprintf(folder, sizeof folder, "%s/%02d-%s", root, index, problem.shape.op);
    write_case(folder, problem.graph, &(GraphOnnx){.name = "case", .outputs = &output, .n_outputs = 1});
    problem_free(&problem);
}

static void write_network(const char *root) {
    static NetRow rows[NET_ROWS];
    Net net;
    char folder[512];
    net_rows(rows, 5);
    net_new(&net, 3, 0.2f);
    net_train(&net, rows, 0, 20);
    net_set_rows(&net, rows);
    ck_assert_int_eq(graph_forward(net.graph, NET_BATCH, false, &error), CORE_OK);
    const GraphOnnxOutput outputs[] = {{.node = net.logits, .name = "logits", .doc = "one of each class"},
                                       {.node = net.hidden, .name = "features"}};
    const GraphOnnxText inputs[] = {{"text", "the first bytes"}};
    const GraphOnnxText metadata[] = {{"classes", "a,b,c"}, {"empty", ""}};
    snprintf(folder, sizeof folder, "%s/network", root);
    write_case(folder, net.graph,
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

START_TEST(write_every_op) {
    if (!strstr(cases[_i].op, "_loss")) write_op(folder_of_all, _i);
}
END_TEST

START_TEST(write_whole_network) {
    write_network(folder_of_all);
}
END_TEST

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: onnx_cases FOLDER\n");
        return 2;
    }
    folder_of_all = argv[1];
    TCase *tcase = tcase_create("cases");
    tcase_add_loop_test(tcase, write_every_op, 0, N_CASES);
    tcase_add_test(tcase, write_whole_network);
    Suite *suite = suite_create("onnx_cases");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

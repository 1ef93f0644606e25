/* What graph_onnx refuses, and that no op was forgotten.
 * Relies on: engine/onnx.h, engine/onnx_write.h, Check.
 * Relied on by: ctest. */
#include "engine/onnx.h"

#include "engine/onnx_write.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static CoreError error;
static Graph *graph;
static uint8_t *bytes;
static size_t size;

static void set_up(void) {
    ck_assert_int_eq(graph_new(4, 1, &graph, &error), CORE_OK);
    bytes = NULL;
}

static void tear_down(void) {
    graph_free(graph);
    free(bytes);
}

static CoreStatus export_node(GraphNode node, const char *name) {
    const GraphOnnxOutput output = {.node = node, .name = name};
    return graph_onnx(graph, &(GraphOnnx){.name = "g", .outputs = &output, .n_outputs = 1}, &bytes, &size,
                      &error);
}

static void finish(void) {
    ck_assert_msg(graph_finish(graph, &error) == CORE_OK, "%s", error.text);
}

/* A new op cannot be forgotten here. */
START_TEST(every_op_has_a_form) {
    for (int32_t i = 0; i < n_op_classes; i++) {
        const OnnxOp *op = onnx_find(op_classes[i]);
        ck_assert_msg(op, "op %s is not in the list of engine/onnx_ops.c", op_classes[i]->name);
        ck_assert_msg(!op->emit == (strstr(op_classes[i]->name, "_loss") != NULL), "op %s",
                      op_classes[i]->name);
    }
}
END_TEST

START_TEST(an_op_without_a_form_is_refused) {
    const OpClass foreign = {.name = "foreign"};
    const GraphNode x = graph_input_f32(graph, "x", graph_vector(3)), y = graph_relu(graph, x);
    finish();
    graph->nodes[y].op = &foreign;
    ck_assert_int_eq(export_node(y, "y"), CORE_UNAVAILABLE);
    ck_assert_msg(strstr(error.text, "foreign"), "%s", error.text);
}
END_TEST

START_TEST(only_values_of_a_finished_graph_are_exported) {
    const GraphNode ids = graph_input_u8(graph, "ids", graph_vector(3));
    const GraphNode x = graph_input_f32(graph, "x", graph_vector(3));
    const GraphNode targets = graph_input_f32(graph, "t", graph_vector(3));
    const GraphNode loss = graph_sigmoid_loss(graph, x, targets, GRAPH_NONE, GRAPH_NONE, NULL, NULL);
    ck_assert_int_eq(export_node(x, "y"), CORE_ARGUMENT);
    finish();
    ck_assert_int_eq(export_node(ids, "y"), CORE_ARGUMENT);
    ck_assert_int_eq(export_node(loss, "y"), CORE_ARGUMENT);
    ck_assert_msg(strstr(error.text, "loss"), "%s", error.text);
    ck_assert_int_eq(export_node(99, "y"), CORE_ARGUMENT);
    ck_assert_int_eq(export_node(GRAPH_NONE, "y"), CORE_ARGUMENT);
    ck_assert_int_eq(graph_onnx(graph, &(GraphOnnx){.name = "g"}, &bytes, &size, &error), CORE_ARGUMENT);
    ck_assert_ptr_null(bytes);
    ck_assert_msg(export_node(x, "y") == CORE_OK, "%s", error.text);
}
END_TEST

START_TEST(names_that_clash_are_refused) {
    GraphNode x = graph_input_f32(graph, "x", graph_sequence(5, 2));
    const GraphNode a =
        graph_conv1d(graph, x, &(GraphConv1d){.out_channels = 2, .taps = 1, .relu = true}, "a");
    const GraphNode b = graph_conv1d(graph, x, &(GraphConv1d){.out_channels = 2, .taps = 1}, "a/sum");
    const GraphNode last = graph_linear(graph, graph_last(graph, a), 2, false, "out");
    const GraphNode named = graph_linear(graph, last, 2, false, "out.weight");
    finish();
    ck_assert_int_eq(export_node(a, "y"), CORE_ARGUMENT); /* "a/sum" is a part of a */
    ck_assert_msg(strstr(error.text, "\"a/sum\""), "%s", error.text);
    ck_assert_int_eq(export_node(named, "y"), CORE_ARGUMENT);
    ck_assert_int_eq(export_node(b, "a/sum"), CORE_ARGUMENT); /* a sequence is turned: two tensors */
    ck_assert_int_eq(export_node(b, "a/sum.bias"), CORE_ARGUMENT);
    ck_assert_int_eq(export_node(b, "x"), CORE_ARGUMENT);
    ck_assert_msg(export_node(b, "y") == CORE_OK, "%s", error.text);
}
END_TEST

START_TEST(a_vector_may_keep_its_name) {
    const GraphNode x = graph_input_f32(graph, "x", graph_vector(2));
    const GraphNode y = graph_linear(graph, x, 2, true, "out");
    finish();
    ck_assert_msg(export_node(y, "out") == CORE_OK, "%s", error.text);
    const GraphOnnxOutput twice[] = {{.node = y, .name = "out"}, {.node = x, .name = "out"}};
    uint8_t *none = NULL;
    ck_assert_int_eq(
        graph_onnx(graph, &(GraphOnnx){.name = "g", .outputs = twice, .n_outputs = 2}, &none, &size, &error),
        CORE_ARGUMENT);
}
END_TEST

/* A mask of the input may be longer than any u8. */
START_TEST(long_inputs_are_exported) {
    static const uint16_t vocabulary[1] = {9};
    const GraphNode ids = graph_input_u8(graph, "ids", graph_sequence(1000, 1));
    const GraphMask mask = {.lengths = graph_input_u8(graph, "n", graph_vector(1)), .stride = 4};
    const GraphConv1d conv = {
        .out_channels = 2, .taps = 3, .stride = 4, .padding = GRAPH_TAIL, .mask = &mask};
    const GraphNode y = graph_embed_conv1d(graph, ids, vocabulary, &conv, "layer");
    finish();
    ck_assert_msg(export_node(y, "y") == CORE_OK, "%s", error.text);
}
END_TEST

/* The first pass counts what the second writes. */
START_TEST(the_same_graph_gives_the_same_bytes) {
    const GraphNode x = graph_input_f32(graph, "x", graph_vector(200));
    const GraphNode y = graph_linear(graph, x, 3, false, "out");
    uint8_t *again;
    size_t again_size;
    finish();
    ck_assert_int_eq(export_node(y, "y"), CORE_OK);
    const GraphOnnxOutput output = {.node = y, .name = "y"};
    ck_assert_int_eq(graph_onnx(graph, &(GraphOnnx){.name = "g", .outputs = &output, .n_outputs = 1}, &again,
                                &again_size, &error),
                     CORE_OK);
    ck_assert_uint_eq(size, again_size);
    ck_assert(memcmp(bytes, again, size) == 0);
    ck_assert_uint_gt(size, 603 * sizeof(float));
    free(again);
}
END_TEST

int main(void) {
    TCase *tcase = tcase_create("onnx");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, every_op_has_a_form);
    tcase_add_test(tcase, an_op_without_a_form_is_refused);
    tcase_add_test(tcase, only_values_of_a_finished_graph_are_exported);
    tcase_add_test(tcase, names_that_clash_are_refused);
    tcase_add_test(tcase, a_vector_may_keep_its_name);
    tcase_add_test(tcase, long_inputs_are_exported);
    tcase_add_test(tcase, the_same_graph_gives_the_same_bytes);
    Suite *suite = suite_create("onnx");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

/* The bounded table against a plain list.
 * Relies on: infer/table, Check.
 * Relied on by: tests/infer/test_infer. */
#include <stdlib.h>
#include <string.h>

#include "infer/table.h"
#include "tests/infer/suites.h"

enum { CAPACITY = 37, KEYS = 80, STEPS = 50000 };

static SipcnnKey key_number(unsigned number) {
    SipcnnKey key = {.role = (uint8_t)(number % 2), .class_index = (uint8_t)(number % 3)};
    key.ip[15] = (uint8_t)number;
    return key;
}

/* The list: numbers in order of use, oldest first. */
static unsigned list[CAPACITY];
static size_t count;

static void list_remove(size_t at) {
    memmove(&list[at], &list[at + 1], (count - at - 1) * sizeof list[0]);
    count--;
}

static size_t list_find(unsigned number) {
    size_t at = 0;
    while (at < count && list[at] != number)
        at++;
    return at;
}

START_TEST(behaves_like_a_list) {
    SipcnnTable table;
    ck_assert_int_eq(sipcnn_table_init(&table, CAPACITY, 16, NULL), CORE_OK);
    srand(7);
    count = 0;
    for (int step = 0; step < STEPS; step++) {
        unsigned number = (unsigned)rand() % KEYS;
        SipcnnKey key = key_number(number);
        uint64_t *record = sipcnn_table_find(&table, &key);
        size_t at = list_find(number);
        ck_assert_int_eq(record != NULL, at < count);
        if (record != NULL) {
            ck_assert_uint_eq(*record, number + 1);
            list_remove(at);
            if (rand() % 4 == 0)
                sipcnn_table_remove(&table, record);
            else
                sipcnn_table_use(&table, record), list[count++] = number;
        } else if (sipcnn_table_full(&table)) {
            ck_assert_ptr_null(sipcnn_table_add(&table, &key));
            uint64_t *oldest = sipcnn_table_oldest(&table);
            ck_assert_uint_eq(*oldest, list[0] + 1);
            sipcnn_table_remove(&table, oldest);
            list_remove(0);
        } else {
            record = sipcnn_table_add(&table, &key);
            ck_assert_uint_eq(record[0] | record[1], 0);
            *record = number + 1;
            list[count++] = number;
        }
        ck_assert_uint_eq(table.used, count);
    }
    sipcnn_table_free(&table);
    sipcnn_table_free(&table);
}
END_TEST

TCase *table_cases(void) {
    TCase *cases = tcase_create("table");
    tcase_add_test(cases, behaves_like_a_list);
    return cases;
}

/* Whole files: limits, what is not a file, and that a failed write leaves the old one.
 * Relies on: Check, engine/core, POSIX.
 * Relied on by: ctest. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/file.h"
#include "tests/core/suites.h"

static char folder[64];

static void enter_folder(void) {
    snprintf(folder, sizeof folder, "/tmp/sipcnn-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void leave_folder(void) {
    unlink("a");
    unlink("pipe");
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0); /* fails if a temporary file was left behind */
}

START_TEST(what_is_written_is_read) {
    uint8_t *data = NULL;
    size_t size = 1;
    ck_assert_int_eq(core_file_write("a", "", 0, NULL), CORE_OK);
    ck_assert_int_eq(core_file_read("a", 0, &data, &size, NULL), CORE_OK);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(size, 0);
    free(data);
    ck_assert_int_eq(core_file_write("a", "second", 6, NULL), CORE_OK);
    ck_assert_int_eq(core_file_read("a", 6, &data, &size, NULL), CORE_OK);
    ck_assert_uint_eq(size, 6);
    ck_assert_mem_eq(data, "second", 6);
    free(data);
}
END_TEST

START_TEST(new_files_follow_the_umask) {
    struct stat info;
    umask(027);
    ck_assert_int_eq(core_file_write("a", "x", 1, NULL), CORE_OK);
    ck_assert_int_eq(stat("a", &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0640);
}
END_TEST

START_TEST(refusals_name_the_file) {
    uint8_t *data = NULL;
    size_t size = 0;
    CoreError error;
    ck_assert_int_eq(core_file_read("a", 10, &data, &size, &error), CORE_IO);
    ck_assert_str_eq(error.text, "a: cannot open: No such file or directory");
    ck_assert_int_eq(core_file_read(".", 10, &data, &size, &error), CORE_IO);
    ck_assert_str_eq(error.text, ".: not a regular file");
    ck_assert_int_eq(mkfifo("pipe", 0600), 0);
    ck_assert_int_eq(core_file_read("pipe", 10, &data, &size, &error), CORE_IO); /* and does not wait */
    ck_assert_str_eq(error.text, "pipe: not a regular file");
    ck_assert_int_eq(core_file_write("a", "12345", 5, NULL), CORE_OK);
    ck_assert_int_eq(core_file_read("a", 4, &data, &size, &error), CORE_LIMIT);
    ck_assert_str_eq(error.text, "a: 5 bytes, more than the limit of 4");
    ck_assert_int_eq(core_file_write("none/a", "x", 1, &error), CORE_IO);
    ck_assert_str_eq(error.text, "none/a: cannot create: No such file or directory");
    ck_assert_ptr_null(data);
}
END_TEST

START_TEST(failed_write_leaves_the_old_file) {
    static const uint8_t large[8192];
    CoreError error;
    ck_assert_int_eq(core_file_write("a", "old", 3, NULL), CORE_OK);
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(core_file_write("a", large, sizeof large, &error), CORE_IO);
    ck_assert_str_eq(error.text, "a: cannot write: File too large");
    uint8_t *data = NULL;
    size_t size = 0;
    ck_assert_int_eq(core_file_read("a", 10, &data, &size, NULL), CORE_OK);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(data, "old", 3);
    free(data);
}
END_TEST

Suite *file_suite(void) {
    Suite *suite = suite_create("core: file");
    TCase *tests = tcase_create("file");
    tcase_add_checked_fixture(tests, enter_folder, leave_folder);
    tcase_add_test(tests, what_is_written_is_read);
    tcase_add_test(tests, new_files_follow_the_umask);
    tcase_add_test(tests, refusals_name_the_file);
    tcase_add_test(tests, failed_write_leaves_the_old_file);
    suite_add_tcase(suite, tests);
    return suite;
}

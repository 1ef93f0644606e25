/* The parts of an import that can be resumed: a sealed dataset for each capture, in a folder beside the
 * output. Relies on: data/dataset (import, reader), tools/data/classes.h, POSIX files. Relied on by:
 * tools/data/import. */
#include "tools/data/parts.h"

#include "data/dataset/reader.h"
#include "tools/data/classes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIGITS = 32 }; /* of the fingerprint in a name */
#define SUFFIX ".h5"

/* "0123…ef.h5": a part; longer: one that was being written. Nothing else in the folder is ours. */
static bool is_ours(const char *name, bool whole) {
    size_t length = strlen(name), part = DIGITS + sizeof SUFFIX - 1;
    return length >= part && strspn(name, "0123456789abcdef") == DIGITS &&
           strncmp(name + DIGITS, SUFFIX, sizeof SUFFIX - 1) == 0 &&
           (whole ? length == part : length > part && name[part] == '.');
}

static void remove_files(const char *folder, bool whole) {
    char path[PARTS_PATH_ROOM];
    struct dirent *entry;
    DIR *entries = opendir(folder);
    if (!entries) return;
    while ((entry = readdir(entries))) {
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (is_ours(entry->d_name, whole) && length > 0 && (size_t)length < sizeof path) unlink(path);
    }
    closedir(entries);
}

CoreStatus parts_open(Parts *parts, const char *output, CoreError *error) {
    int length = snprintf(parts->folder, sizeof parts->folder, "%s.parts", output);
    if (length < 0 || (size_t)length >= sizeof parts->folder ||
        (size_t)snprintf(parts->result, sizeof parts->result, "%s/%0*d" SUFFIX, parts->folder, DIGITS, 0) >=
            sizeof parts->result)
        return core_fail(error, CORE_ARGUMENT, "%.80s...: too long a name", output);
    if (mkdir(parts->folder, 0777) != 0 && errno != EEXIST)
        return core_fail(error, CORE_IO, "%s: cannot create: %s", parts->folder, strerror(errno));
    parts->lock = open(parts->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parts->lock < 0)
        return core_fail(error, CORE_IO, "%s: cannot open: %s", parts->folder, strerror(errno));
    if (flock(parts->lock, LOCK_EX | LOCK_NB) != 0) {
        close(parts->lock);
        return core_fail(error, CORE_IO, "%s: another import is at work there", parts->folder);
    }
    remove_files(parts->folder, false);
    return CORE_OK;
}

CoreStatus parts_path(const Parts *parts, const char *capture, const DatasetImportOptions *options,
                      char path[PARTS_PATH_ROOM], CoreError *error) {
    uint8_t fingerprint[DATASET_HASH_SIZE];
    char digits[DIGITS + 1];
    Dataset head;
    CoreStatus status = dataset_init(&head, default_classes, default_class_count, error);
    if (status != CORE_OK) return status;
    status = dataset_import_fingerprint(capture, options, &head, fingerprint, error);
    dataset_free(&head);
    if (status != CORE_OK) return status;
    for (size_t i = 0; i < DIGITS / 2; i++)
        snprintf(digits + 2 * i, 3, "%02x", fingerprint[i]);
    int length = snprintf(path, PARTS_PATH_ROOM, "%s/%s" SUFFIX, parts->folder, digits);
    if (length > 0 && length < PARTS_PATH_ROOM) return CORE_OK;
    return core_fail(error, CORE_ARGUMENT, "%.80s...: too long a name", parts->folder);
}

bool parts_find(const char *path, uint64_t *messages) {
    DatasetReader *reader;
    CoreError error;
    if (dataset_reader_open(path, &reader, &error) != CORE_OK) return false;
    bool whole = dataset_reader_head(reader)->n_captures == 1;
    *messages = dataset_reader_count(reader);
    dataset_reader_close(reader);
    return whole;
}

void parts_close(Parts *parts, bool done) {
    if (done) remove_files(parts->folder, true);
    if (done) rmdir(parts->folder); /* stays if somebody put something into it */
    close(parts->lock);
}

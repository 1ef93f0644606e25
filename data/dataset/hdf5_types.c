/* The schema's types as HDF5 types.
 * Relies on: data/dataset/schema.h, HDF5.
 * Relied on by: store_write.c, store_child.c. */
#include "data/dataset/hdf5_types.h"

static hid_t text_type(size_t size) {
    hid_t text = H5Tcopy(H5T_C_S1);
    if (text >= 0 && (H5Tset_size(text, size) < 0 || H5Tset_strpad(text, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(text);
        return -1;
    }
    return text;
}

hid_t hdf5_file_type(SchemaType type, size_t width) {
    switch (type) {
    case SCHEMA_U8: return H5Tcopy(H5T_STD_U8LE);
    case SCHEMA_U32: return H5Tcopy(H5T_STD_U32LE);
    case SCHEMA_U64: return H5Tcopy(H5T_STD_U64LE);
    case SCHEMA_I64: return H5Tcopy(H5T_STD_I64LE);
    case SCHEMA_TEXT: return text_type(width);
    }
    return -1;
}

hid_t hdf5_memory_type(SchemaType type, size_t width) {
    switch (type) {
    case SCHEMA_U8: return H5Tcopy(H5T_NATIVE_UINT8);
    case SCHEMA_U32: return H5Tcopy(H5T_NATIVE_UINT32);
    case SCHEMA_U64: return H5Tcopy(H5T_NATIVE_UINT64);
    case SCHEMA_I64: return H5Tcopy(H5T_NATIVE_INT64);
    case SCHEMA_TEXT: return text_type(width);
    }
    return -1;
}

int hdf5_rank(SchemaType type, uint32_t width) {
    return width > 1 && type != SCHEMA_TEXT ? 2 : 1;
}

bool hdf5_start(void) {
    (void)H5dont_atexit(); /* refuses when called again, which is fine */
    return H5open() >= 0 && H5Eset_auto2(H5E_DEFAULT, NULL, NULL) >= 0 && H5PLset_loading_state(0) >= 0;
}

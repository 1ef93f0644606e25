/* The web page, made from page.html at build time by embed.cmake.
 * Relies on: nothing.
 * Relied on by: tools/collector/server. */
#ifndef SIPCNN_COLLECTOR_PAGE_H
#define SIPCNN_COLLECTOR_PAGE_H

#include <stddef.h>

extern const unsigned char collector_page[]; /* HTML, UTF-8, followed by a NUL that is not counted */
extern const size_t collector_page_size;

#endif

/* Sizes that kernels and their plans share.
 * Relies on: nothing.
 * Relied on by: dispatch.c, winograd.inc, peaks.inc. */
#ifndef SIPCNN_KERNELS_SIZES_H
#define SIPCNN_KERNELS_SIZES_H

/* Minimal filtering (winograd.inc). */
enum {
    WINOGRAD_OUT = 4,       /* outputs of a tile, */
    WINOGRAD_PLANES = 6,    /* which take so many products */
    WINOGRAD_TILES = 64,    /* at most, done at once: planes of 64 channels are 96 KiB */
    WINOGRAD_GAP = 64,      /* floats between planes */
    WINOGRAD_CHANNELS = 32, /* at least: with fewer, the transforms cost what they save */
    WINOGRAD_MULTIPLE = 16  /* of channels: whole vectors on every instruction set */
};

/* Channels whose gradients of the weights come together before they go to their places (peaks.inc). */
enum { PEAKS_CHANNELS = 16 };

#endif

/* Sizes of minimal filtering, which its kernels and their plan share.
 * Relies on: nothing.
 * Relied on by: dispatch.c, winograd.inc. */
#ifndef SIPCNN_KERNELS_WINOGRAD_H
#define SIPCNN_KERNELS_WINOGRAD_H

enum {
    WINOGRAD_OUT = 4,       /* outputs of a tile, */
    WINOGRAD_PLANES = 6,    /* which take so many products */
    WINOGRAD_TILES = 64,    /* at most, done at once: planes of 64 channels are 96 KiB */
    WINOGRAD_CHANNELS = 32, /* at least: with fewer, the transforms cost what they save */
    WINOGRAD_MULTIPLE = 16  /* of channels: whole vectors on every instruction set */
};

#endif

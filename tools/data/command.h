/* The subcommands of sipcnn-data.
 * Relies on: libc.
 * Relied on by: tools/data. */
#ifndef SIPCNN_TOOLS_DATA_COMMAND_H
#define SIPCNN_TOOLS_DATA_COMMAND_H

/* Each takes its own arguments (argv[0] is its name) and returns the process's exit status: 0 done, 1 failed,
 * 2 wrong usage. */
int command_import(int count, char **arguments);
int command_check(int count, char **arguments);
int command_merge(int count, char **arguments);
int command_augment(int count, char **arguments);
int command_pseudonymise(int count, char **arguments);
int command_encrypt(int count, char **arguments);
int command_decrypt(int count, char **arguments);
int command_label(int count, char **arguments);
int command_export(int count, char **arguments);
int command_info(int count, char **arguments);
int command_split(int count, char **arguments);
int command_synth(int count, char **arguments);

#endif

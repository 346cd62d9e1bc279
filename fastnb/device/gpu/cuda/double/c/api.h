// What the entry points share.
#ifndef FASTNB_API_H
#define FASTNB_API_H
#include "internal.h"

int forbidden(void);
int shared_most(void);

int module_load(const char *text, Module **out, char *log, size_t room);
Module *module_of(void *h);
void module_unload(Module *m);
Func *module_func(Module *m, const char *name);
int module_global(Module *m, const char *name, uint64_t *at, size_t *size);

Stream *stream_new(int blocking);
int stream_follow(Stream *s, Point p);

int capture_begin(Stream *s, int mode);
int capture_end(Stream *s, Graph **out);
int capture_spoil(void);
Graph *graph_of(void *h, int exec);
Graph *graph_exec(Graph *g);
int graph_count(Graph *g);
void graph_drop(Graph *g);
void graph_reset(void);
#endif

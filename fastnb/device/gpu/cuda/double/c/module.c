// Modules: the text of PTX, cut into its entries. An entry is translated and compiled when it is first
// launched, by ptx2c and the C compiler, and what was compiled is kept under the hash of its text.
#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "internal.h"

extern char **environ;

#define MODULE 0x6d6f64756c65ull
typedef struct Global Global;
struct Global { char *name; uint64_t at; uint32_t size; Global *next; };
struct Module {
  uint64_t magic;
  Module *next;
  char *outside; // the text that belongs to no entry
  int lines;     // of it
  Func *funcs;
  Global *globals;
  int dead;
};
static Module *modules;

// skip goes past a comment, or stays.
static const char *skip(const char *p) {
  if (p[0] == '/' && p[1] == '/') while (*p && *p != '\n') p++;
  if (p[0] == '/' && p[1] == '*') {
    p = strstr(p, "*/");
    return p ? p + 2 : "";
  }
  return p;
}

static int word(const char *p, const char *w) {
  size_t n = strlen(w);
  return !strncmp(p, w, n) && !isalnum((unsigned char)p[n]) && p[n] != '_';
}

// body finds the end of an entry that begins at p: the brace that closes its body.
static const char *body(const char *p) {
  int depth = 0;
  for (; *p; p++) {
    p = skip(p);
    if (*p == '{') depth++;
    if (*p == '}' && --depth == 0) return p + 1;
  }
  return 0;
}

static char *copy(const char *p, size_t n) {
  char *s = malloc(n + 1);
  memcpy(s, p, n);
  s[n] = 0;
  return s;
}

static int lines_of(const char *p) {
  int n = 0;
  for (; *p; p++) n += *p == '\n';
  return n;
}

// edit makes the mistake that options.edit asks for: tests see whether it is found.
static char *edit(char *text, const char *name) {
  char entry[128], from[256], to[256];
  int n = 1;
  char *mark = strstr(options.edit, ": "), *arrow = strstr(options.edit, " => "), *number = strstr(options.edit, " #");
  if (!mark || !arrow || arrow < mark) return text;
  snprintf(entry, sizeof entry, "%.*s", (int)(mark - options.edit), options.edit);
  snprintf(from, sizeof from, "%.*s", (int)(arrow - mark - 2), mark + 2);
  snprintf(to, sizeof to, "%.*s", number ? (int)(number - arrow - 4) : 255, arrow + 4);
  if (number) n = atoi(number + 2);
  if (strcmp(entry, name)) return text;
  char *p = text;
  while ((p = strstr(p, from)) && --n > 0) p++;
  if (!p) return text;
  char *out = malloc(strlen(text) + strlen(to) + 1);
  sprintf(out, "%.*s%s%s", (int)(p - text), text, to, p + strlen(from));
  fprintf(stderr, "CUDA double: edited %s\n", name);
  free(text);
  return out;
}

// module_load cuts a text into pieces.
int module_load(const char *text, Module **out, char *log, size_t room) {
  int major = 0, minor = 0;
  const char *v = strstr(text, ".version"), *t = strstr(text, ".target");
  int arch = 0;
  if (!v || !t || sscanf(v, ".version %d.%d", &major, &minor) != 2 || sscanf(t, ".target sm_%d", &arch) != 1 || !strstr(text, ".address_size 64")) {
    if (log) snprintf(log, room, "no PTX of 64 bits");
    say("what was loaded is no PTX of 64 bits");
    return INVALID_PTX;
  }
  if (major * 10 + minor > 78) { // what the driver of cuDriverGetVersion reads
    if (log) snprintf(log, room, "PTX %d.%d", major, minor);
    say("PTX %d.%d is newer than drivers of CUDA 11.8 read", major, minor);
    return UNSUPPORTED_PTX_VERSION;
  }
  if (arch > options.major * 10 + options.minor) {
    if (log) snprintf(log, room, "PTX for sm_%d on a card of sm_%d%d", arch, options.major, options.minor);
    say("PTX for sm_%d on a card of sm_%d%d", arch, options.major, options.minor);
    return INVALID_PTX;
  }
  Module *m = calloc(1, sizeof *m);
  m->magic = MODULE;
  char *outside = malloc(strlen(text) + 1), *o = outside;
  for (const char *p = text; *p;) {
    const char *q = skip(p);
    if (q != p) {
      p = q;
      continue;
    }
    const char *e = p;
    if (word(e, ".visible") || word(e, ".weak")) for (e += 5; *e && !isspace((unsigned char)*e); e++) {}
    while (isspace((unsigned char)*e)) e++;
    if (*p == '.' && word(e, ".entry")) {
      const char *end = body(e);
      const char *name = e + 6;
      while (isspace((unsigned char)*name)) name++;
      size_t n = strcspn(name, " \t\r\n(");
      if (!end) return INVALID_PTX;
      Func *f = calloc(1, sizeof *f);
      *f = (Func){.next = m->funcs, .module = m, .name = copy(name, n)};
      f->text = edit(copy(p, end - p), f->name);
      m->funcs = f;
      p = end;
      continue;
    }
    *o++ = *p++;
  }
  *o++ = '\n', *o = 0;
  m->outside = outside;
  m->lines = lines_of(outside);
  m->next = modules;
  modules = m;
  *out = m;
  return OK;
}

Module *module_of(void *h) {
  for (Module *m = modules; m; m = m->next)
    if (m == h && !m->dead) return m;
  return 0;
}

void module_unload(Module *m) { m->dead = 1; }

Func *module_func(Module *m, const char *name) {
  for (Func *f = m->funcs; f; f = f->next)
    if (!strcmp(f->name, name)) return f;
  return 0;
}

int func_ok(Func *f) {
  for (Module *m = modules; m; m = m->next)
    for (Func *g = m->funcs; g; g = g->next)
      if (g == f) return !m->dead;
  return 0;
}

void module_reset(void) {
  for (Module *m = modules; m; m = m->next) m->dead = 1;
}

// func_line is a line of what was compiled, for messages.
const char *func_line(Func *f, int line) {
  static char text[200];
  const char *p = f->text;
  for (line -= f->module->lines + 1; line > 0 && p; line--) p = strchr(p, '\n') ? strchr(p, '\n') + 1 : 0;
  if (!p) return "?";
  while (isspace((unsigned char)*p)) p++;
  size_t n = strcspn(p, "\n");
  snprintf(text, sizeof text, "%.*s", (int)(n < 190 ? n : 190), p);
  return text;
}

static uint64_t fnv(uint64_t h, const char *p) {
  for (; *p; p++) h = (h ^ (uint8_t)*p) * 0x100000001b3ull;
  return h;
}

static int run(char *const argv[]) {
  pid_t pid;
  int status;
  if (posix_spawn(&pid, argv[0], 0, 0, argv, environ)) return -1;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// build translates and compiles an entry to a file.
static int build(Func *f, const char *dir, const char *so) {
  char in[4096], tmp[4200];
  mkdir(dir, 0755);
  snprintf(tmp, sizeof tmp, "%s.%d.tmp", so, (int)getpid());
  snprintf(in, sizeof in, "%s.%d.ptx", so, (int)getpid());
  FILE *o = fopen(in, "w");
  if (!o) {
    say("%s cannot be written", in);
    return INVALID_PTX;
  }
  fputs(f->module->outside, o);
  fputs(f->text, o);
  fclose(o);
  char *argv[] = {PTX2C, "-o", tmp, in, 0};
  int r = run(argv);
  if (r == 0 && rename(tmp, so) == 0) {
    unlink(in);
    return OK;
  }
  say("kernel %s cannot be translated (%d); its PTX is %s", f->name, r, in);
  return INVALID_PTX;
}

static Global *global(Module *m, Var *v) {
  for (Global *g = m->globals; g; g = g->next)
    if (!strcmp(g->name, v->name)) return g;
  Global *g = malloc(sizeof *g);
  *g = (Global){strdup(v->name), memory_alloc(v->size ? v->size : 1), v->size, m->globals};
  if (!g->at) return 0;
  memory_module(g->at);
  if (v->init) memcpy(memory_host(g->at), v->init, v->size);
  else memset(memory_host(g->at), 0, v->size);
  m->globals = g;
  return g;
}

int module_global(Module *m, const char *name, uint64_t *at, size_t *size) {
  for (Global *g = m->globals; g; g = g->next)
    if (!strcmp(g->name, name)) {
      if (at) *at = g->at;
      if (size) *size = g->size;
      return OK;
    }
  return NOT_FOUND;
}

int func_ready(Func *f) {
  if (!f->kern) {
    uint64_t a = fnv(fnv(0xcbf29ce484222325ull, f->module->outside), f->text), b = fnv(fnv(0x84222325cbf29ce4ull, f->text), f->module->outside);
    char dir[2048], so[2200];
    snprintf(dir, sizeof dir, "%s/%02x", CACHE, (unsigned)(a & 255));
    mkdir(CACHE, 0755);
    snprintf(so, sizeof so, "%s/%016llx%016llx.so", dir, (unsigned long long)a, (unsigned long long)b);
    if (access(so, R_OK)) {
      int e = build(f, dir, so);
      if (e) return e;
    }
    void *h = dlopen(so, RTLD_NOW | RTLD_LOCAL);
    Kern *k = h ? dlsym(h, "kernel") : 0;
    if (!k) {
      say("kernel %s: %s", f->name, dlerror());
      return INVALID_PTX;
    }
    f->kern = k;
  }
  for (Var *v = f->kern->vars; v && v->name; v++) {
    Global *g = global(f->module, v);
    if (!g) return OUT_OF_MEMORY;
    *v->at = g->at;
  }
  return OK;
}

// The driver's entry points for the device, its context and errors, and the double's own: doubleConfigure,
// doubleError and doubleReset, for tests.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "api.h"

Options options;
int sticky;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int initialised, retained;
static char context; // its address is the handle
static __thread void *current;
static char said[4096];

void say(const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (!said[0]) snprintf(said, sizeof said, "%s", text);
  if (!options.quiet) fprintf(stderr, "CUDA double: %s\n", text);
}

static int configure(const char *key, const char *value) {
  if (!strcmp(key, "seed")) options.seed = strtoull(value, 0, 10);
  else if (!strcmp(key, "check")) options.check = atoi(value);
  else if (!strcmp(key, "twice")) options.twice = atoi(value);
  else if (!strcmp(key, "quiet")) options.quiet = atoi(value);
  else if (!strcmp(key, "threads")) options.threads = atoi(value) > 0 ? atoi(value) : (int)sysconf(_SC_NPROCESSORS_ONLN);
  else if (!strcmp(key, "memory")) options.memory = strtoull(value, 0, 10);
  else if (!strcmp(key, "capability")) return sscanf(value, "%d.%d", &options.major, &options.minor) == 2 ? OK : INVALID_VALUE;
  else if (!strcmp(key, "deaf")) options.deaf = atoi(value);
  else if (!strcmp(key, "edit")) snprintf(options.edit, sizeof options.edit, "%s", value);
  else return NOT_FOUND;
  return OK;
}

static void defaults(void) {
  static const char *keys[][2] = {{"seed", "SEED"}, {"check", "CHECK"}, {"twice", "TWICE"}, {"quiet", "QUIET"}, {"threads", "THREADS"}, {"memory", "MEMORY"}, {"capability", "CAPABILITY"}, {"deaf", "DEAF"}, {"edit", "EDIT"}};
  options = (Options){.check = 1, .major = 8, .minor = 0, .memory = 4ull << 30};
  configure("threads", "0");
  for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
    char name[64];
    snprintf(name, sizeof name, "FASTNB_DOUBLE_%s", keys[i][1]);
    const char *v = getenv(name);
    if (v && *v) configure(keys[i][0], v);
  }
}

int enter_any(void) {
  pthread_mutex_lock(&lock);
  return initialised ? OK : NOT_INITIALIZED;
}

int enter(void) {
  int e = enter_any();
  if (e) return e;
  if (!current || !retained) return INVALID_CONTEXT;
  return sticky;
}

int leave(int e) {
  pthread_mutex_unlock(&lock);
  return e;
}

static void reset(void) {
  stream_reset();
  graph_reset();
  module_reset();
  memory_reset();
  sticky = 0;
}

int doubleConfigure(const char *key, const char *value) {
  pthread_mutex_lock(&lock);
  return leave(configure(key, value));
}

// doubleError is what was said of the first error since the reset.
const char *doubleError(void) { return said; }

// doubleReset makes everything as it was before cuInit, but for what was compiled.
int doubleReset(void) {
  pthread_mutex_lock(&lock);
  if (initialised) reset();
  initialised = retained = 0;
  said[0] = 0;
  current = 0;
  defaults();
  return leave(OK);
}

int cuInit(unsigned flags) {
  pthread_mutex_lock(&lock);
  if (flags) return leave(INVALID_VALUE);
  if (!initialised) {
    if (!options.major) defaults();
    int e = memory_init();
    if (e) return leave(e);
    stream_reset();
    graph_reset();
    initialised = 1;
  }
  return leave(OK);
}

int cuDriverGetVersion(int *v) { return *v = 11080, OK; }

int cuDeviceGetCount(int *n) {
  int e = enter_any();
  *n = 1;
  return leave(e);
}

int cuDeviceGet(int *d, int i) {
  int e = enter_any();
  *d = 0;
  return leave(e ? e : i ? INVALID_DEVICE : OK);
}

int cuDeviceGetName(char *name, int n, int d) {
  int e = enter_any();
  if (!e && d) e = INVALID_DEVICE;
  if (!e) snprintf(name, n, "CUDA test double %d.%d", options.major, options.minor);
  return leave(e);
}

static int uuid(unsigned char *u, int d) {
  int e = enter_any();
  memcpy(u, "fastnb-double-00", 16);
  return leave(e ? e : d ? INVALID_DEVICE : OK);
}
int cuDeviceGetUuid(unsigned char *u, int d) { return uuid(u, d); }
int cuDeviceGetUuid_v2(unsigned char *u, int d) { return uuid(u, d); }

int shared_most(void) { return options.major >= 9 ? 232448 : options.major == 8 ? 166912 : 65536; }

int cuDeviceGetAttribute(int *v, int a, int d) {
  static const int table[][2] = {{1, 1024}, {2, 1024}, {3, 1024}, {4, 64}, {5, 2147483647}, {6, 65535}, {7, 65535}, {8, 49152}, {9, 65536}, {10, 32}, {12, 65536}, {13, 1410000}, {14, 512}, {15, 1}, {16, 8}, {19, 1}, {31, 1}, {36, 1215000}, {37, 256}, {38, 4 << 20}, {39, 2048}, {40, 2}, {41, 1}, {82, 65536}, {106, 32}};
  int e = enter_any();
  if (!e && d) e = INVALID_DEVICE;
  *v = 0;
  for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i][0] == a) *v = table[i][1];
  if (a == 75) *v = options.major;
  if (a == 76) *v = options.minor;
  if (a == 81) *v = shared_most() + 1024;
  if (a == 97) *v = shared_most();
  if (a == 111) *v = options.major >= 8 ? 1024 : 0;
  return leave(e);
}

int cuDeviceTotalMem_v2(size_t *n, int d) {
  int e = enter_any();
  *n = options.memory;
  return leave(e ? e : d ? INVALID_DEVICE : OK);
}

int cuDevicePrimaryCtxRetain(void **c, int d) {
  int e = enter_any();
  if (!e && d) e = INVALID_DEVICE;
  if (!e) retained++, *c = &context;
  return leave(e);
}

int cuDevicePrimaryCtxRelease_v2(int d) {
  int e = enter_any();
  if (!e && d) e = INVALID_DEVICE;
  if (!e && !retained) e = INVALID_CONTEXT;
  if (!e && --retained == 0) reset();
  return leave(e);
}

int cuDevicePrimaryCtxReset_v2(int d) {
  int e = enter_any();
  if (!e && d) e = INVALID_DEVICE;
  if (!e) reset();
  return leave(e);
}

int cuCtxSetCurrent(void *c) {
  int e = enter_any();
  if (!e && c && (c != &context || !retained)) e = INVALID_CONTEXT;
  if (!e) current = c;
  return leave(e);
}

int cuCtxGetCurrent(void **c) {
  int e = enter_any();
  *c = current;
  return leave(e);
}

// forbidden says whether a capture is under way that a call like this one would spoil; it does.
int forbidden(void) { return capture_spoil(); }

int cuCtxSynchronize(void) {
  int e = enter();
  if (!e) e = forbidden();
  return leave(e ? e : run_all());
}

static const struct { int code; const char *name, *text; } errors[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {4, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain."},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {600, "CUDA_ERROR_NOT_READY", "device not ready"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {716, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"},
    {902, "CUDA_ERROR_STREAM_CAPTURE_MERGE", "operation would result in a merge of separate capture sequences"},
    {903, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not ended in the same stream as it began"},
    {904, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"},
    {905, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION", "dependency created on uncaptured work in another stream"},
    {906, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT", "operation would make the legacy stream depend on a capturing blocking stream"},
    {907, "CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream"},
};

static int describe(int code, const char **out, int name) {
  *out = 0;
  for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++)
    if (errors[i].code == code) return *out = name ? errors[i].name : errors[i].text, OK;
  return INVALID_VALUE;
}
int cuGetErrorName(int code, const char **out) { return describe(code, out, 1); }
int cuGetErrorString(int code, const char **out) { return describe(code, out, 0); }

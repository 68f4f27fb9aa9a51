/* The release callbacks of Arrow's C structs, and how often each struct was released. Not in Python, which cannot be
   called while one of its exceptions is on its way, as a consumer in Python lets go of what it has just refused. */
#include <stdint.h>

struct schema {
  const void *format, *name, *metadata;
  int64_t flags, n_children;
  void *children, *dictionary;
  void (*release)(struct schema *);
  void *mark;
};

struct array {
  int64_t length, null_count, offset, n_buffers, n_children;
  void *buffers, *children, *dictionary;
  void (*release)(struct array *);
  void *mark;
};

struct stream {
  void *get_schema, *get_next, *get_last_error;
  void (*release)(struct stream *);
  void *mark;
};

int64_t released[1 << 16];

#define RELEASE(kind)                                                           \
  void release_##kind(struct kind *it) {                                        \
    __atomic_fetch_add(&released[(uintptr_t)it->mark & 0xffff], 1, __ATOMIC_RELAXED); \
    it->release = 0;                                                            \
  }

RELEASE(schema)
RELEASE(array)
RELEASE(stream)

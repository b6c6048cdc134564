#include <stdlib.h>
void *fovea_rt_alloc(size_t bytes) { return aligned_alloc(64, (bytes + 63) & ~(size_t)63); }

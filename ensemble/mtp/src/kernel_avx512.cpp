#define ENSEMBLE_MTP_LANES 8
#include "kernel_impl.hpp"
#include "jacobian_impl.hpp"

namespace ensemble::mtp {
extern const Backend backend_avx512{W, slots_at_once, compute, jacobian};
}

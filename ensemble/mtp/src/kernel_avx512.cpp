#define ENSEMBLE_MTP_LANES 8
#include "kernel_impl.hpp"
#include "jacobian_impl.hpp"

namespace ensemble::mtp {
extern const Backend backend_avx512{W, forward_slots, compute, jacobian};
}

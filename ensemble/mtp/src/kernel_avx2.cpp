#define ENSEMBLE_MTP_LANES 4
#include "kernel_impl.hpp"
#include "jacobian_impl.hpp"

namespace ensemble::mtp {
extern const Backend backend_avx2{W, slots_at_once, compute, jacobian};
}

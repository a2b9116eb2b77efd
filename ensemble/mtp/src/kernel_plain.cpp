#define ENSEMBLE_MTP_LANES 2
#include "kernel_impl.hpp"
#include "jacobian_impl.hpp"

namespace ensemble::mtp {
extern const Backend backend_plain{W, slots_at_once, compute, jacobian};
}

// Memory for vectors.
#pragma once

#include <algorithm>
#include <memory>
#include <new>

namespace ensemble::mtp {

// Grows, never shrinks; aligned to a cache line, which is also the widest vector.
class Buffer {
 public:
  double *reserve(size_t size) {
    if (size > size_) {
      data_.reset(static_cast<double *>(::operator new(size * sizeof(double), std::align_val_t{64})));
      size_ = size;
      std::fill_n(data_.get(), size, 0.0);
    }
    return data_.get();
  }
  double *get() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(double *p) const { ::operator delete(p, std::align_val_t{64}); }
  };
  std::unique_ptr<double, Free> data_;
  size_t size_ = 0;
};

}  // namespace ensemble::mtp

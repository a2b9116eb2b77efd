// The vector type of one instruction set, chosen by ENSEMBLE_MTP_LANES, on GCC/Clang vector
// extensions; intrinsics only where the extensions have no word for the instruction.
// Everything is in an unnamed namespace: each instruction set has its own copy.
#pragma once

#if ENSEMBLE_MTP_LANES == 8
#include <immintrin.h>
#endif

namespace {

constexpr int W = ENSEMBLE_MTP_LANES;
typedef double V __attribute__((vector_size(8 * W)));
typedef long long VI __attribute__((vector_size(8 * W)));

inline V &at(double *p) { return *reinterpret_cast<V *>(p); }
inline const V &at(const double *p) { return *reinterpret_cast<const V *>(p); }
inline VI &ints_at(double *p) { return *reinterpret_cast<VI *>(p); }
inline const VI &ints_at(const double *p) { return *reinterpret_cast<const VI *>(p); }

inline V splat(double x) { return x - V{}; }

inline double sum(V v) {
  double s = 0;
  for (int l = 0; l < W; ++l) s += v[l];
  return s;
}

#if ENSEMBLE_MTP_LANES == 8

inline V inverse_sqrt(V x) {
  // 14 bits, doubled twice by Newton's iteration: to the last bit or two, at a third of the cost of
  // a square root and a division.
  V y = (V)_mm512_maskz_rsqrt14_pd(0xff, (__m512d)x);
  const V half = 0.5 * x;
  y += y * (0.5 - half * y * y);
  y += y * (0.5 - half * y * y);
  return y;
}
// table[index] for each lane; table has species_stride = 8 entries.
inline V lookup(const double *table, VI index) {
  return (V)_mm512_maskz_permutexvar_pd(0xff, (__m512i)index, _mm512_loadu_pd(table));
}

#else

inline V inverse_sqrt(V x) {
  V y;
  for (int l = 0; l < W; ++l) y[l] = __builtin_sqrt(x[l]);
  return 1.0 / y;
}
inline V lookup(const double *table, VI index) {
  V y;
  for (int l = 0; l < W; ++l) y[l] = table[index[l]];
  return y;
}

#endif

inline V maximum(V a, V b) { return a > b ? a : b; }

}  // namespace

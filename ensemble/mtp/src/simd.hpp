// The vector type of one instruction set, chosen by ENSEMBLE_MTP_LANES, on GCC/Clang vector
// extensions; intrinsics only where the extensions have no word for the instruction.
// Everything is in an unnamed namespace: each instruction set has its own copy.
#pragma once

#if ENSEMBLE_MTP_LANES == 8
#include <immintrin.h>
#endif

namespace {

constexpr int W = ENSEMBLE_MTP_LANES;
typedef double V __attribute__((vector_size(8 * W), may_alias));
typedef long long VI __attribute__((vector_size(8 * W), may_alias));

inline V &at(double *p) { return *reinterpret_cast<V *>(p); }
inline const V &at(const double *p) { return *reinterpret_cast<const V *>(p); }
inline VI &ints_at(double *p) { return *reinterpret_cast<VI *>(p); }
inline const VI &ints_at(const double *p) { return *reinterpret_cast<const VI *>(p); }

// Position and species of an atom in one vector, whatever the instruction set.
typedef double Packed __attribute__((vector_size(32), may_alias));
inline const Packed &packed_at(const double *p) { return *reinterpret_cast<const Packed *>(p); }
inline Packed &packed_at(double *p) { return *reinterpret_cast<Packed *>(p); }

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
// table[index % 8] for each lane; table has species_stride = 8 entries.
inline V lookup(const double *table, VI index) {
  return (V)_mm512_maskz_permutexvar_pd(0xff, (__m512i)index, _mm512_load_pd(table));
}

#else

inline V inverse_sqrt(V x) {
  V y;
  for (int l = 0; l < W; ++l) y[l] = __builtin_sqrt(x[l]);
  return 1.0 / y;
}
inline V lookup(const double *table, VI index) {
  V y;
  for (int l = 0; l < W; ++l) y[l] = table[index[l] & 7];
  return y;
}

#endif

inline V maximum(V a, V b) { return a > b ? a : b; }


// Component by component from one packed atom per lane, `pitch` doubles apart.
#if ENSEMBLE_MTP_LANES == 8

inline V joined(const double *a, const double *b) {
  return __builtin_shufflevector(packed_at(a), packed_at(b), 0, 1, 2, 3, 4, 5, 6, 7);
}
inline void transpose(const double *atom, long pitch, V &x, V &y, V &z, V &species) {
  V rows[4];
  for (int l = 0; l < 4; ++l) rows[l] = joined(atom + l * pitch, atom + (l + 4) * pitch);
  const V xz01 = __builtin_shufflevector(rows[0], rows[1], 0, 8, 2, 10, 4, 12, 6, 14);
  const V ys01 = __builtin_shufflevector(rows[0], rows[1], 1, 9, 3, 11, 5, 13, 7, 15);
  const V xz23 = __builtin_shufflevector(rows[2], rows[3], 0, 8, 2, 10, 4, 12, 6, 14);
  const V ys23 = __builtin_shufflevector(rows[2], rows[3], 1, 9, 3, 11, 5, 13, 7, 15);
  x = __builtin_shufflevector(xz01, xz23, 0, 1, 8, 9, 4, 5, 12, 13);
  z = __builtin_shufflevector(xz01, xz23, 2, 3, 10, 11, 6, 7, 14, 15);
  y = __builtin_shufflevector(ys01, ys23, 0, 1, 8, 9, 4, 5, 12, 13);
  species = __builtin_shufflevector(ys01, ys23, 2, 3, 10, 11, 6, 7, 14, 15);
}

#elif ENSEMBLE_MTP_LANES == 4

inline void transpose(const double *atom, long pitch, V &x, V &y, V &z, V &species) {
  const V a = packed_at(atom), b = packed_at(atom + pitch), c = packed_at(atom + 2 * pitch),
          d = packed_at(atom + 3 * pitch);
  const V xz01 = __builtin_shufflevector(a, b, 0, 4, 2, 6), ys01 = __builtin_shufflevector(a, b, 1, 5, 3, 7);
  const V xz23 = __builtin_shufflevector(c, d, 0, 4, 2, 6), ys23 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
  x = __builtin_shufflevector(xz01, xz23, 0, 1, 4, 5);
  z = __builtin_shufflevector(xz01, xz23, 2, 3, 6, 7);
  y = __builtin_shufflevector(ys01, ys23, 0, 1, 4, 5);
  species = __builtin_shufflevector(ys01, ys23, 2, 3, 6, 7);
}

#else

inline void transpose(const double *atom, long pitch, V &x, V &y, V &z, V &species) {
  for (int l = 0; l < W; ++l) {
    const double *row = atom + l * pitch;
    x[l] = row[0], y[l] = row[1], z[l] = row[2], species[l] = row[3];
  }
}

#endif

}  // namespace

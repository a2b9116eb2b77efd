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

typedef double Unaligned __attribute__((vector_size(8 * W), may_alias, aligned(8)));

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
inline V reciprocal(V x) {
  V y = (V)_mm512_maskz_rcp14_pd(0xff, (__m512d)x);
  y += y * (1.0 - x * y);
  y += y * (1.0 - x * y);
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
inline V reciprocal(V x) { return 1.0 / x; }
inline V lookup(const double *table, VI index) {
  V y;
  for (int l = 0; l < W; ++l) y[l] = table[index[l] & 7];
  return y;
}

#endif

inline V maximum(V a, V b) { return a > b ? a : b; }

// Component by component from one packed atom per lane, row(lane).
#if ENSEMBLE_MTP_LANES == 8

inline V joined(Packed a, Packed b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7); }

template <class Row>
inline void transpose(Row row, V &x, V &y, V &z, V &species) {
  const V a = joined(row(0), row(4)), b = joined(row(1), row(5)), c = joined(row(2), row(6)), d = joined(row(3), row(7));
  const V xz01 = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
  const V ys01 = __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  const V xz23 = __builtin_shufflevector(c, d, 0, 8, 2, 10, 4, 12, 6, 14);
  const V ys23 = __builtin_shufflevector(c, d, 1, 9, 3, 11, 5, 13, 7, 15);
  x = __builtin_shufflevector(xz01, xz23, 0, 1, 8, 9, 4, 5, 12, 13);
  z = __builtin_shufflevector(xz01, xz23, 2, 3, 10, 11, 6, 7, 14, 15);
  y = __builtin_shufflevector(ys01, ys23, 0, 1, 8, 9, 4, 5, 12, 13);
  species = __builtin_shufflevector(ys01, ys23, 2, 3, 10, 11, 6, 7, 14, 15);
}

#elif ENSEMBLE_MTP_LANES == 4

template <class Row>
inline void transpose(Row row, V &x, V &y, V &z, V &species) {
  const Packed a = row(0), b = row(1), c = row(2), d = row(3);
  const V xz01 = __builtin_shufflevector(a, b, 0, 4, 2, 6), ys01 = __builtin_shufflevector(a, b, 1, 5, 3, 7);
  const V xz23 = __builtin_shufflevector(c, d, 0, 4, 2, 6), ys23 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
  x = __builtin_shufflevector(xz01, xz23, 0, 1, 4, 5);
  z = __builtin_shufflevector(xz01, xz23, 2, 3, 6, 7);
  y = __builtin_shufflevector(ys01, ys23, 0, 1, 4, 5);
  species = __builtin_shufflevector(ys01, ys23, 2, 3, 6, 7);
}

#else

template <class Row>
inline void transpose(Row row, V &x, V &y, V &z, V &species) {
  for (int l = 0; l < W; ++l) {
    const Packed d = row(l);
    x[l] = d[0], y[l] = d[1], z[l] = d[2], species[l] = d[3];
  }
}

#endif

// Turns W components of W lanes into W rows of one lane each.
inline void transpose_square(V *m) {
#if ENSEMBLE_MTP_LANES == 8
  V a[8], b[8];
  for (int k = 0; k < 8; k += 2) {
    a[k] = __builtin_shufflevector(m[k], m[k + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    a[k + 1] = __builtin_shufflevector(m[k], m[k + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (int k = 0; k < 8; k += 4)
    for (int i = k; i < k + 2; ++i) {
      b[i] = __builtin_shufflevector(a[i], a[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      b[i + 2] = __builtin_shufflevector(a[i], a[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int k = 0; k < 4; ++k) {
    m[k] = __builtin_shufflevector(b[k], b[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    m[k + 4] = __builtin_shufflevector(b[k], b[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
#else
  for (int k = 0; k < W; ++k)
    for (int l = 0; l < k; ++l) {
      const double swapped = m[k][l];
      m[k][l] = m[l][k];
      m[l][k] = swapped;
    }
#endif
}

// Appends those of the W indices for which a < b; returns how many. May write W entries.
inline int append_where_less(V a, V b, const int *index, int *out) {
#if ENSEMBLE_MTP_LANES == 8
  const __mmask8 keep = _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ);
  const __m256i all = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(index));
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(out), _mm256_maskz_compress_epi32(keep, all));
  return __builtin_popcount(keep);
#else
  int n = 0;
  for (int l = 0; l < W; ++l) {   // written always, kept only if inside: no branch to mispredict
    out[n] = index[l];
    n += a[l] < b[l];
  }
  return n;
#endif
}

}  // namespace

// Fused multiply-adds per second of one core: what the kernel's speed is a fraction of.
// Prints 1e9 operations per second, one lane counted as one operation; compiled with LANES.
#include <chrono>
#include <cstdio>

typedef double V __attribute__((vector_size(8 * LANES)));

int main() {
  constexpr int chains = 12;   // enough to hide the latency of two units, few enough for 16 registers
  constexpr long rounds = 20'000'000;
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    V x[chains];
    for (V &v : x) v = V{} + 1.0;
    V a = V{} + 0.999999, b = V{} + 1e-6;
    asm volatile("" : "+v"(a), "+v"(b));   // not known to the compiler
    const auto start = std::chrono::steady_clock::now();
    for (long k = 0; k < rounds; ++k) {
#pragma GCC unroll 12
      for (V &v : x) v = v * a + b;
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (V &v : x) asm volatile("" : : "v"(v));
    const double rate = 1e-9 * rounds * chains * LANES / seconds;
    if (rate > best) best = rate;
  }
  std::printf("%.6g\n", best);
}

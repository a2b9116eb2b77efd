// Where the parts of a potential came from, so that every complaint can name its file and line.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "error.hpp"
#include "potential.hpp"

namespace ensemble::mtp {

class Source {
 public:
  explicit Source(std::string file) : file_(std::move(file)) {}

  // Notes the line of a key; false if the key was there before.
  bool note(const std::string &key, int line) { return lines_.emplace(key, line).second; }
  bool has(const std::string &key) const { return lines_.count(key) > 0; }
  int line_of(const std::string &key) const { return has(key) ? lines_.at(key) : 0; }

  [[noreturn]] void fail(int line, const std::string &what) const { throw FormatError(file_, line, what); }
  [[noreturn]] void fail(const std::string &key, const std::string &what) const {
    throw FormatError(file_, line_of(key), key + ": " + what);
  }

 private:
  std::string file_;
  std::map<std::string, int> lines_;
};

// validate() with line numbers.
void check(const Potential &potential, const Source &source);

}  // namespace ensemble::mtp

// The one error that reading or using a potential may end in.
#pragma once

#include <stdexcept>
#include <string>

namespace ensemble::mtp {

// `line` is 1-based; 0 where the fault is not in one line (a key that never came, a count).
class FormatError : public std::runtime_error {
 public:
  FormatError(const std::string &file, int line, const std::string &what)
      : std::runtime_error(line > 0 ? file + ":" + std::to_string(line) + ": " + what : file + ": " + what),
        line(line) {}
  int line;
};

}  // namespace ensemble::mtp

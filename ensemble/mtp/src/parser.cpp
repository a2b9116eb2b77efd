// MLIP's text format. Keys come as `key = value`, one a line; the radial coefficients as a block of
// rows under the line `radial_coeffs`. An MLIP-3 file may go on with its active set behind a line
// `#MVS...`; that part is partly binary and nothing here reads it.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "potential.hpp"
#include "source.hpp"

namespace ensemble::mtp {
namespace {

using std::string;
using std::string_view;
using std::to_string;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

string_view trim(string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// What was found, short and printable: the file may hold anything.
string quote(string_view found) {
  constexpr size_t longest = 32;
  string text;
  for (char c : found.substr(0, longest)) text += c >= ' ' && c <= '~' ? c : '?';
  if (found.size() > longest) text += "...";
  return text.empty() ? "the end of the line" : "'" + text + "'";
}

// Reads the value of one key from left to right.
class Cursor {
 public:
  Cursor(string_view text, string_view key, int line, const Source &source)
      : rest_(trim(text)), key_(key), line_(line), source_(source) {}

  bool take(char c) {
    rest_ = trim(rest_);
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail(string("expected '") + c + "', found " + quote(rest_));
  }

  void end() {
    if (!trim(rest_).empty()) fail("found " + quote(trim(rest_)) + " behind the value");
  }

  // std::from_chars: the same in every locale, and it never reads past the end.
  template <class T>
  T number() {
    constexpr bool real = std::is_floating_point_v<T>;
    const string kind = real ? "a number" : "an integer";
    take('+');
    rest_ = trim(rest_);
    T value{};
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    const string_view found = rest_.substr(0, stop - rest_.data());
    if (error == std::errc::result_out_of_range) fail(quote(found) + " is out of range");
    if (error != std::errc()) fail("expected " + kind + ", found " + quote(rest_));
    if constexpr (real)
      if (!std::isfinite(value)) fail("found " + quote(found) + ", must be finite");
    rest_.remove_prefix(found.size());
    return value;
  }

  // {1, 2, 3}
  template <class T>
  std::vector<T> list() {
    std::vector<T> values;
    expect('{');
    if (take('}')) return values;
    do values.push_back(number<T>());
    while (take(','));
    if (!take('}')) fail("expected ',' or '}', found " + quote(rest_));
    return values;
  }

  // {{1, 2, 3, 4}, {5, 6, 7, 8}}
  std::vector<std::array<int, 4>> quadruples() {
    std::vector<std::array<int, 4>> rows;
    expect('{');
    if (take('}')) return rows;
    do {
      const std::vector<int> row = list<int>();
      if (row.size() != 4)
        fail("entry " + to_string(rows.size()) + " has " + to_string(row.size()) + " numbers, must be 4");
      rows.push_back({row[0], row[1], row[2], row[3]});
    } while (take(','));
    if (!take('}')) fail("expected ',' or '}', found " + quote(rest_));
    return rows;
  }

  string_view rest() const { return rest_; }
  [[noreturn]] void fail(const string &what) const { source_.fail(line_, key_ + ": " + what); }

 private:
  string_view rest_;
  string key_;
  int line_;
  const Source &source_;
};

// A line of the radial block, kept until the counts are known: some writers put them behind it.
struct RadialRow {
  int line;
  size_t pair;     // number of the `i-j` line above it
  size_t count;    // coefficients
};

struct RadialPair {
  int line, i, j;
};

// The other spellings that MLIP and motep have used.
constexpr struct {
  const char *name, *canonical;
} aliases[] = {
    {"min", "min_dist"},          {"min_val", "min_dist"},          {"max", "max_dist"},
    {"max_val", "max_dist"},      {"size", "radial_basis_size"},    {"basis_size", "radial_basis_size"},
};

class Parser {
 public:
  Parser(string_view text, const string &file) : text_(text), source_(file) {}

  Potential parse() {
    string_view line;
    if (!next_line(line) || line != "MTP")
      source_.fail(line_, "not a moment tensor potential: expected a first line 'MTP', found " + quote(line));
    while (next_line(line)) {
      if (line.substr(0, 4) == "#MVS") break;
      read_line(line);
    }
    require_keys();
    check_counts();
    check_radial_block();
    check(potential_, source_);
    return std::move(potential_);
  }

 private:
  // The next line that is neither empty nor a comment, without blanks round it.
  bool next_line(string_view &line) {
    while (!text_.empty()) {
      const size_t end = std::min(text_.find('\n'), text_.size());
      line = trim(text_.substr(0, end));
      text_.remove_prefix(std::min(end + 1, text_.size()));
      ++line_;
      if (!line.empty() && (line.front() != '#' || line.substr(0, 4) == "#MVS")) return true;
    }
    line = {};
    return false;
  }

  void read_line(string_view line) {
    if (line == "radial_coeffs") {
      note("radial_coeffs");
      in_radial_block_ = true;
    } else if (in_radial_block_ && line.front() == '{') {
      read_radial_row(line);
    } else if (in_radial_block_ && is_digit(line.front())) {
      read_radial_pair(line);
    } else {
      in_radial_block_ = false;
      const size_t equals = line.find('=');
      if (equals == string_view::npos) source_.fail(line_, "expected 'key = value', found " + quote(line));
      string key(trim(line.substr(0, equals)));
      for (const auto &alias : aliases)
        if (key == alias.name) key = alias.canonical;
      read_key(key, trim(line.substr(equals + 1)));
    }
  }

  void note(const string &key) {
    if (!source_.note(key, line_))
      source_.fail(line_, key + " is given twice, first in line " + to_string(source_.line_of(key)));
  }

  void read_radial_pair(string_view line) {
    Cursor cursor(line, "radial_coeffs", line_, source_);
    const int i = cursor.number<int>();
    cursor.expect('-');
    const int j = cursor.number<int>();
    cursor.end();
    pairs_.push_back({line_, i, j});
  }

  void read_radial_row(string_view line) {
    if (pairs_.empty()) source_.fail(line_, "radial_coeffs: expected the pair '0-0', found " + quote(line));
    Cursor cursor(line, "radial_coeffs", line_, source_);
    const std::vector<double> row = cursor.list<double>();
    cursor.end();
    rows_.push_back({line_, pairs_.size() - 1, row.size()});
    potential_.radial_coeffs.insert(potential_.radial_coeffs.end(), row.begin(), row.end());
  }

  void read_key(const string &key, string_view value) {
    // MLIP-2 knows two scalings, one of the potential and one of its radial basis, and multiplies them.
    const bool of_basis = key == "scaling" && source_.has("radial_basis_type");
    note(of_basis ? "scaling (of the radial basis)" : key);
    Cursor cursor(value, key, line_, source_);
    if (key == "version") read_version(cursor);
    else if (key == "potential_name") potential_.name = cursor.rest();
    else if (key == "potential_tag") potential_.tag = cursor.rest();
    else if (key == "radial_basis_type") read_radial_basis(cursor);
    else if (!read_number(key, cursor) && !read_list(key, cursor)) fail_key(key);
  }

  bool read_number(const string &key, Cursor &cursor) {
    if (key == "scaling") potential_.scaling *= cursor.number<double>();
    else if (key == "min_dist") potential_.min_dist = cursor.number<double>();
    else if (key == "max_dist") potential_.max_dist = cursor.number<double>();
    else if (key == "species_count") potential_.species_count = cursor.number<int>();
    else if (key == "radial_basis_size") potential_.chebyshev_count = cursor.number<int>();
    else if (key == "radial_funcs_count") potential_.radial_count = cursor.number<int>();
    else if (key == "alpha_moments_count") potential_.moment_count = cursor.number<int>();
    else if (key == "alpha_index_basic_count") basic_count_ = cursor.number<int>();
    else if (key == "alpha_index_times_count") product_count_ = cursor.number<int>();
    else if (key == "alpha_scalar_moments") scalar_count_ = cursor.number<int>();
    else return false;
    cursor.end();
    return true;
  }

  bool read_list(const string &key, Cursor &cursor) {
    if (key == "alpha_index_basic") {
      for (const auto &[mu, x, y, z] : cursor.quadruples()) potential_.basic.push_back({mu, x, y, z});
    } else if (key == "alpha_index_times") {
      for (const auto &[left, right, multiplicity, target] : cursor.quadruples())
        potential_.products.push_back({left, right, multiplicity, target});
    } else if (key == "alpha_moment_mapping") {
      potential_.scalars = cursor.list<int>();
    } else if (key == "species_coeffs") {
      potential_.species_coeffs = cursor.list<double>();
    } else if (key == "moment_coeffs") {
      potential_.moment_coeffs = cursor.list<double>();
    } else {
      return false;
    }
    cursor.end();
    return true;
  }

  void read_version(const Cursor &cursor) const {
    if (cursor.rest() != "1.1.0") cursor.fail("found " + quote(cursor.rest()) + ", only 1.1.0 is known");
  }

  void read_radial_basis(const Cursor &cursor) {
    if (cursor.rest() == "RBChebyshev") potential_.radial_basis = RadialBasis::chebyshev;
    else if (cursor.rest() == "RBChebyshev_repuls") potential_.radial_basis = RadialBasis::chebyshev_repulsive;
    else cursor.fail(quote(cursor.rest()) + " is not supported, use RBChebyshev or RBChebyshev_repuls");
  }

  [[noreturn]] void fail_key(const string &key) const {
    if (key.rfind("magnetic_", 0) == 0 || key.rfind("mag_", 0) == 0)
      source_.fail(line_, quote(key) + " belongs to a magnetic potential, which is not supported");
    source_.fail(line_, "unknown key " + quote(key));
  }

  void require_keys() const {
    for (const char *key : {"version", "species_count", "radial_basis_type", "min_dist", "max_dist",
                            "radial_basis_size", "radial_funcs_count", "alpha_moments_count", "alpha_index_basic_count",
                            "alpha_index_basic", "alpha_index_times_count", "alpha_index_times",
                            "alpha_scalar_moments", "alpha_moment_mapping"})
      if (!source_.has(key)) source_.fail(0, string("the key ") + key + " is missing: is the file complete?");
    for (const char *key : {"radial_coeffs", "species_coeffs", "moment_coeffs"})
      if (!source_.has(key)) source_.fail(0, string(key) + " is missing: an untrained potential or a truncated file");
  }

  void check_counts() const {
    check_count("alpha_index_basic_count", basic_count_, "alpha_index_basic", potential_.basic.size());
    check_count("alpha_index_times_count", product_count_, "alpha_index_times", potential_.products.size());
    check_count("alpha_scalar_moments", scalar_count_, "alpha_moment_mapping", potential_.scalars.size());
  }

  void check_count(const char *count_key, int count, const char *list_key, size_t size) const {
    if (count < 0 || static_cast<size_t>(count) != size)
      source_.fail(list_key, "has " + to_string(size) + " entries, but " + count_key + " = " + to_string(count));
  }

  // Every ordered pair in its turn, radial_funcs_count rows each, radial_basis_size numbers a row.
  void check_radial_block() const {
    const string key = "radial_coeffs: ";
    const auto name = [&](size_t k) {
      return to_string(k / potential_.species_count) + "-" + to_string(k % potential_.species_count);
    };
    if (potential_.species_count < 1 || potential_.species_count > max_species) return;   // check() says so
    const size_t wanted = static_cast<size_t>(potential_.species_count) * potential_.species_count;
    for (size_t k = 0; k < pairs_.size(); ++k) {
      const auto [line, i, j] = pairs_[k];
      const string found = to_string(i) + "-" + to_string(j);
      if (k >= wanted || found != name(k))
        source_.fail(line, key + "found the pair " + found + ", expected " + (k < wanted ? name(k) : "no more"));
    }
    if (pairs_.size() < wanted) source_.fail("radial_coeffs", "the pair " + name(pairs_.size()) + " is missing");

    std::vector<int> rows(wanted, 0);
    for (const auto &[line, pair, count] : rows_) {
      if (count != static_cast<size_t>(potential_.chebyshev_count))
        source_.fail(line, key + "the row has " + to_string(count) + " numbers, but radial_basis_size is " +
                               to_string(potential_.chebyshev_count));
      ++rows[pair];
    }
    for (size_t k = 0; k < wanted; ++k)
      if (rows[k] != potential_.radial_count)
        source_.fail(pairs_[k].line, key + "the pair " + name(k) + " has " + to_string(rows[k]) +
                                         " rows, but radial_funcs_count is " + to_string(potential_.radial_count));
  }

  string_view text_;   // what is still to be read
  int line_ = 0;       // of the line read last
  Source source_;
  Potential potential_;
  bool in_radial_block_ = false;
  std::vector<RadialPair> pairs_;
  std::vector<RadialRow> rows_;
  int basic_count_ = 0, product_count_ = 0, scalar_count_ = 0;
};

}  // namespace

Potential parse_potential(const string &text, const string &file) { return Parser(text, file).parse(); }

}  // namespace ensemble::mtp

// instant -in SCRIPT -var folder FOLDER -log LOG [...]
//
// Plays LAMMPS in no time: reads an input script of ensemble, and writes the files that such a
// segment leaves, with numbers near 1 where LAMMPS would compute some. So what is left of a campaign
// is what `ensemble` itself costs. Knows the scripts of equilibrium runs at constant energy, nothing
// else, and computes no physics. Like LAMMPS it is decided by its script and the restart file.
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr std::size_t RESTART_BYTES = 16384;  // as of 200 atoms

[[noreturn]] void fail(const std::string& message) {
  std::cerr << "ERROR: " << message << "\n";
  std::exit(1);
}

// SplitMix64: a number from 0.99 to 1.01 for each place.
double near_one(std::uint64_t place) {
  place += 0x9e3779b97f4a7c15;
  place = (place ^ (place >> 30)) * 0xbf58476d1ce4e5b9;
  place = (place ^ (place >> 27)) * 0x94d049bb133111eb;
  place ^= place >> 31;
  return 0.99 + 0.02 * static_cast<double>(place >> 11) * 0x1p-53;
}

// What a restart file holds.
struct State {
  long step = 0;
  long atoms = 0;
  std::uint64_t seed = 0;
};

// A `fix ave/time`.
struct Series {
  long every;
  std::size_t columns;
  std::string file;
};

// A `dump` of types and energies, and the first step that it is due at.
struct Frames {
  long every = 0;
  long first = 0;
  std::string file;
};

using Words = std::vector<std::string>;

Words split(const std::string& line) {
  std::istringstream stream(line);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// The commands of a script, continued lines joined, with the folder in place of ${folder}.
std::vector<std::string> read_script(const std::string& path, const std::string& folder) {
  std::ifstream file(path);
  if (!file) fail("Cannot open input script " + path);
  std::vector<std::string> commands;
  bool continues = false;
  for (std::string line; std::getline(file, line);) {
    const std::string name = "${folder}";
    for (std::size_t at; (at = line.find(name)) != std::string::npos;)
      line.replace(at, name.size(), folder);
    const bool more = !line.empty() && line.back() == '&';
    if (more) line.pop_back();
    if (continues)
      commands.back() += line;
    else
      commands.push_back(line);
    continues = more;
  }
  return commands;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  if (!(file << text)) fail("Cannot open file " + path);
}

State read_data(const std::string& path) {
  std::ifstream file(path);
  State state;
  for (std::string line; std::getline(file, line);) {
    const Words words = split(line);
    if (words.size() != 2 || words[1] != "atoms") continue;
    state.atoms = std::atol(words[0].c_str());
    return state;
  }
  fail("Cannot open file " + path);
}

State read_restart(const std::string& path) {
  std::ifstream file(path);
  State state;
  if (!(file >> state.step >> state.atoms >> state.seed)) fail("Cannot open file " + path);
  return state;
}

void write_restart(const std::string& path, const State& state) {
  std::string text = std::to_string(state.step) + ' ' + std::to_string(state.atoms) + ' ' +
                     std::to_string(state.seed) + '\n';
  text.resize(RESTART_BYTES, '.');
  write_file(path, text);
}

// fix NAME all ave/time EVERY REPEAT ROW VALUE... title2 "..." format "..." file FILE
Series read_fix(const Words& words) {
  Series series{std::atol(words.at(6).c_str()), 0, words.back()};
  while (words.at(7 + series.columns) != "title2") ++series.columns;
  return series;
}

void append(std::string& text, double value) {
  char digits[32];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void write_rows(const Series& series, const State& state, long steps) {
  std::string text = "# Time-averaged data\n# step and values\n";
  const long last = state.step + steps;
  for (long step = (state.step + series.every - 1) / series.every * series.every; step <= last;
       step += series.every) {
    text += std::to_string(step);
    for (std::size_t k = 0; k < series.columns; ++k)
      append(text += ' ', near_one(state.seed * 1000003 + step * 1009 + k));
    text += '\n';
  }
  write_file(series.file, text);
}

// dump NAME all custom EVERY FILE type c_pe_atom, with atoms of type 1 alone.
void write_frames(const Frames& frames, const State& state, long steps) {
  const std::string head = "\nITEM: NUMBER OF ATOMS\n" + std::to_string(state.atoms) +
                           "\nITEM: BOX BOUNDS pp pp pp\n0 1\n0 1\n0 1\nITEM: ATOMS\n";
  std::string text;
  for (long step = frames.first; step <= state.step + steps; step += frames.every) {
    text += "ITEM: TIMESTEP\n" + std::to_string(step) + head;
    for (long k = 0; k < state.atoms; ++k) {
      append(text += "1 ", near_one(state.seed * 1000003 + step * 1009 + k));
      text += '\n';
    }
  }
  write_file(frames.file, text);
}

// print """TEXT""" file FILE, with the two things in the text that only LAMMPS knows.
void write_facts(const std::string& command, const State& state) {
  const std::string atoms = std::to_string(state.atoms);
  write_file(split(command).back(), "{\"lammps\": 20250722, \"atoms\": " + atoms + "}\n");
}

void obey(const std::vector<std::string>& commands, std::string& log) {
  State state;
  std::vector<Series> series;
  std::vector<Frames> dumps;
  for (const std::string& command : commands) {
    log += command + '\n';
    const Words words = split(command);
    if (words.empty()) continue;
    const std::string& verb = words[0];
    if (verb == "read_data") {
      state = read_data(words.at(1));
    } else if (verb == "read_restart") {
      state = read_restart(words.at(1));
    } else if (verb == "reset_timestep") {
      state.step = std::atol(words.at(1).c_str());
    } else if (verb == "velocity" && words.at(2) == "create") {
      state.seed = std::strtoull(words.at(4).c_str(), nullptr, 10);
    } else if (verb == "fix" && words.at(3) == "ave/time") {
      series.push_back(read_fix(words));
    } else if (verb == "dump") {
      dumps.push_back({std::atol(words.at(4).c_str()), 0, words.at(5)});
    } else if (verb == "dump_modify") {
      dumps.back().first = std::atol(words.at(3).c_str());
    } else if (verb == "fix" && words.at(3) != "nve" && words.at(3) != "store/state") {
      fail("Unrecognized fix style '" + words.at(3) + "'");
    } else if (verb == "run") {
      const long steps = std::atol(words.at(1).c_str());
      for (const Series& each : series) write_rows(each, state, steps);
      for (const Frames& each : dumps) write_frames(each, state, steps);
      state.step += steps;
    } else if (verb == "write_restart") {
      write_restart(words.at(1), state);
    } else if (verb == "print") {
      write_facts(command, state);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string script, folder, log;
  for (int k = 1; k < argc; ++k) {
    const std::string option = argv[k];
    if (option == "-in" && k + 1 < argc) script = argv[k + 1];
    if (option == "-var" && k + 2 < argc) folder = argv[k + 2];
    if (option == "-log" && k + 1 < argc) log = argv[k + 1];
  }
  std::string said;
  obey(read_script(script, folder), said);
  write_file(log, said);
}

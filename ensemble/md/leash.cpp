// leash PARENT COMMAND [ARGUMENT...]
//
// Runs a command that must not outlive the process PARENT (a process id), which is the caller.
// When the command ends, when the caller dies, or when somebody asks the leash to end, everything
// that the command has started goes with it, also what has left its session or process group, as
// the ranks of mpiexec do. If the leash itself is killed, the kernel kills the command.
//
// Exits as the command did: with its status, or by the same signal; 126 or 127 if it cannot be run.
// Linux only. Note that the kernel takes the thread that started the leash for its parent: that one
// has to stay.

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace {

// Sent by the kernel when the parent dies; a signal that means nothing else.
const int PARENT_DIED = SIGRTMIN;
// How long a command has to end by itself when it is asked to.
constexpr double PATIENCE = 1.0;
// How often to see whether a process in the middle of the tree is missing.
constexpr double INSPECTION = 0.2;
constexpr double NEVER = 1e30;

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// The first of the signals to arrive, blocked as they are; 0 if none does in so many seconds.
int wait_signal(const sigset_t& signals, double seconds) {
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(seconds);
  timeout.tv_nsec = static_cast<long>(1e9 * (seconds - static_cast<double>(timeout.tv_sec)));
  const int found = sigtimedwait(&signals, nullptr, &timeout);
  return found > 0 ? found : 0;
}

// Children of the main thread of a process; none where the kernel does not say.
std::vector<pid_t> children_of(pid_t process) {
  const std::string id = std::to_string(process);
  std::vector<pid_t> children;
  if (FILE* file = std::fopen(("/proc/" + id + "/task/" + id + "/children").c_str(), "re")) {
    for (int child = 0; std::fscanf(file, "%d", &child) == 1;) children.push_back(child);
    std::fclose(file);
  }
  return children;
}

// The parent of a process; 0 if there is no such process.
pid_t parent_of(const std::string& process) {
  FILE* file = std::fopen(("/proc/" + process + "/stat").c_str(), "re");
  if (!file) return 0;
  char line[1024] = "";
  const std::size_t length = std::fread(line, 1, sizeof line - 1, file);
  std::fclose(file);
  line[length] = '\0';
  // The name before the state may hold anything, also brackets.
  const char* name_end = std::strrchr(line, ')');
  char state = 0;
  int parent = 0;
  return name_end && std::sscanf(name_end, ") %c %d", &state, &parent) == 2 ? parent : 0;
}

// Everything below this process. What loses its parent becomes a child of this process, so that
// nothing is missing but what is started meanwhile.
std::vector<pid_t> descendants() {
  std::unordered_multimap<pid_t, pid_t> children;
  if (DIR* directory = opendir("/proc")) {
    while (const dirent* entry = readdir(directory)) {
      const pid_t process = std::atoi(entry->d_name);
      if (process > 0) children.emplace(parent_of(entry->d_name), process);
    }
    closedir(directory);
  }
  std::vector<pid_t> found{getpid()};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [first, last] = children.equal_range(found[i]);
    for (auto child = first; child != last; ++child) found.push_back(child->second);
  }
  found.erase(found.begin());
  return found;
}

// Kills what is left, and returns when nothing is.
void end_all() {
  for (;;) {
    pid_t ended = 0;
    while ((ended = waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (ended < 0 && errno == ECHILD) return;
    for (const pid_t process : descendants()) kill(process, SIGKILL);
    const timespec pause{0, 2'000'000};
    nanosleep(&pause, nullptr);
  }
}

[[noreturn]] void become_command(char** command, pid_t leash, const sigset_t& mask) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != leash) _exit(127);  // it died before the line above
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  execvp(command[0], command);
  const int error = errno;
  std::fprintf(stderr, "leash: %s: %s\n", command[0], std::strerror(error));
  _exit(error == ENOENT ? 127 : 126);
}

[[noreturn]] void exit_like(int status) {
  if (WIFEXITED(status)) std::exit(WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  const rlimit no_core{0, 0};  // the command has left one if it was to
  setrlimit(RLIMIT_CORE, &no_core);
  std::signal(number, SIG_DFL);
  sigset_t only{};
  sigemptyset(&only);
  sigaddset(&only, number);
  raise(number);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  std::exit(128 + number);
}

// What the leash waits for. A signal that the caller ignores stays ignored.
sigset_t watched_signals() {
  sigset_t signals{};
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, PARENT_DIED);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    struct sigaction action {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&signals, number);
  }
  return signals;
}

// A launcher whose helper was killed may wait for ever while the ranks go on below the leash: it has
// no children, but there are orphans. Twice in a row, since both may be on their way out.
class Inspection {
 public:
  explicit Inspection(pid_t command) : command_(command) {}

  bool finds_broken_tree() {
    const bool before = suspicious_;
    suspicious_ = children_of(command_).empty() && children_of(getpid()).size() > 1;
    return before && suspicious_;
  }

 private:
  pid_t command_;
  bool suspicious_ = false;
};

// Takes in what has ended; whether the command is among it, and how it ended.
bool reap(pid_t command, int& status) {
  bool found = false;
  int ended = 0;
  for (pid_t process = 0; (process = waitpid(-1, &ended, WNOHANG)) > 0;) {
    if (process != command) continue;
    status = ended;
    found = true;
  }
  return found;
}

// Waits until the command has ended or has to be ended; how it did or will, as waitpid tells it.
int supervise(pid_t command, const sigset_t& signals) {
  Inspection inspection(command);
  int status = SIGKILL;
  double deadline = NEVER;
  while (now() < deadline) {
    const int signal = wait_signal(signals, INSPECTION);
    if (signal == PARENT_DIED) break;
    if (signal == SIGCHLD) {
      if (reap(command, status)) break;
    } else if (signal != 0) {
      kill(command, signal);
      deadline = std::min(deadline, now() + PATIENCE);
    } else if (inspection.finds_broken_tree()) {
      break;
    }
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: leash PARENT COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  std::signal(SIGCHLD, SIG_DFL);  // where it is ignored, nothing can be waited for
  const sigset_t signals = watched_signals();
  sigset_t mask{};
  sigprocmask(SIG_BLOCK, &signals, &mask);
  prctl(PR_SET_PDEATHSIG, PARENT_DIED);
  if (getppid() != std::atoi(argv[1])) return 1;  // it died before the line above
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t leash = getpid();
  const pid_t command = fork();
  if (command < 0) {
    std::fprintf(stderr, "leash: %s\n", std::strerror(errno));
    return 126;
  }
  if (command == 0) become_command(argv + 2, leash, mask);
  const int status = supervise(command, signals);
  end_all();
  exit_like(status);
}

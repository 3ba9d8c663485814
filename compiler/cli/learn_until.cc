// learn --until BOUND: goes on recording until the chance that the next run brings something new is at most that, or says why it cannot.
#include "compiler/cli/learn_until.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "profiler/generalize/looks.h"
#include "compiler/cli/common.h"
#include "profiler/observe/store.h"

namespace ravelin::cli {
namespace {

volatile sig_atomic_t g_interrupted = 0;
void Interrupt(int) { g_interrupted = 1; }

// Ctrl-C ends the run that is being made and keeps those that were.
class Interruptible {
 public:
  Interruptible() {
    g_interrupted = 0;
    struct sigaction action {};
    action.sa_handler = Interrupt;
    for (size_t i = 0; i < 2; ++i) sigaction(kSignals[i], &action, &before_[i]);
  }
  ~Interruptible() {
    for (size_t i = 0; i < 2; ++i) sigaction(kSignals[i], &before_[i], nullptr);
  }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  static constexpr int kSignals[2] = {SIGINT, SIGTERM};
  struct sigaction before_[2] = {};
};

double SecondsOfARun(const observe::Recording& recording) {
  double sum = 0;
  for (const auto& [id, run] : recording.runs) sum += std::max(0.0, run.ended - run.started);
  return recording.runs.empty() ? 0 : sum / static_cast<double>(recording.runs.size());
}

double MonotonicSeconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string Span(double seconds) { return seconds < 120 ? fmt::format("{:.0f} s", std::ceil(seconds)) : fmt::format("{:.0f} min", std::ceil(seconds / 60)); }

}  // namespace

std::optional<observe::Recording> RecordUntil(const LearnCommand& command, const generalize::Options& options, Until& until, int& exit_code) {
  observe::Recording all;
  if (access(command.record.output.c_str(), F_OK) == 0) {
    auto before = observe::LoadRecording(command.record.output);
    if (!before) {
      exit_code = Complain(before.error());
      return std::nullopt;
    }
    all = std::move(*before);
  }
  const Interruptible interruptible;
  generalize::Looking looking(options);
  double around = 0;  // what a run takes beside the workload: boot and import
  bool told = false;
  while (true) {
    const auto looks = looking.At(all);
    if (!looks) {
      exit_code = Complain(looks.error());
      return std::nullopt;
    }
    const size_t needed = generalize::CleanRunsNeeded(looks->surprises, command.until);
    const std::string state = fmt::format("at most {:.1f}% at any time, after {} runs ({} brought something new after the first, {} in a row without)", looks->bound * 100, looks->runs, looks->surprises, looks->clean);
    if (looks->runs != 0 && !told) {
      told = true;
      const size_t left = needed - std::min(needed, looks->clean);
      const double each = std::max(around, SecondsOfARun(all));
      std::fprintf(stderr, "a bound of %.3g%% needs %zu runs in a row without anything new, %zu of them are there: %zu more runs at least, about %s at %.1f s each; each run that brings something new starts the count anew\n", command.until * 100, needed, looks->clean, left, Span(each * static_cast<double>(left)).c_str(), each);
    } else if (looks->runs != 0) {
      std::fprintf(stderr, "%s\n", state.c_str());
    }
    if (looks->bound <= command.until) {
      until = {true, state};
      return all;
    }
    std::string why = generalize::WhyNotReached(*looks, command.until);
    if (why.empty() && looks->runs >= command.most_runs) why = fmt::format("{} runs were made (--most)", looks->runs);
    if (why.empty() && g_interrupted != 0) why = fmt::format("interrupted; the same command goes on from {}", command.record.output);
    if (!why.empty()) {
      until = {false, fmt::format("{}; {} is not reached: {}", state, command.until, why)};
      return all;
    }
    RecordCommand once = command.record;
    once.runs = 1;
    once.first_variation = static_cast<unsigned>(looks->runs);
    const double began = MonotonicSeconds();
    auto more = RecordOrComplain(once, exit_code);
    around = MonotonicSeconds() - began;
    if (g_interrupted != 0) {  // the run was cut with us: it is no observation of the workload
      if (all.runs.empty()) {
        exit_code = kEnvironment;
        return std::nullopt;
      }
      continue;
    }
    if (!more) return std::nullopt;
    all = observe::Merge(std::move(all), *more);
    if (const auto written = observe::SaveRecording(all, command.record.output); !written) {
      exit_code = Complain(written.error());
      return std::nullopt;
    }
    if (exit_code != kOk) return std::nullopt;  // a driver recorded nothing
  }
}

}  // namespace ravelin::cli

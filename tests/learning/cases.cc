#include "tests/learning/cases.h"

#include <map>

#include "compiler/base/check.h"
#include "tests/learning/chance.h"

namespace ravelin::learning {
namespace {

const std::map<std::string, std::string (*)(Chance&)>& Makers() {
  static const std::map<std::string, std::string (*)(Chance&)> makers = {{"bash", BashCase}, {"sqlite3", SqliteCase}, {"curl", CurlCase}, {"redis", RedisCase}, {"git", GitCase}, {"python3", PythonCase}, {"gcc", GccCase}, {"nginx", NginxCase}, {"perl", PerlCase}, {"rsync", RsyncCase}, {"tar", TarCase}, {"openssl", OpensslCase}};
  return makers;
}

}  // namespace

const std::vector<std::string>& Workloads() {
  static const std::vector<std::string> all = {"bash", "sqlite3", "curl", "redis", "git", "python3", "gcc", "nginx"};
  return all;
}

const std::vector<std::string>& FreshWorkloads() {
  static const std::vector<std::string> all = {"perl", "rsync", "tar", "openssl"};
  return all;
}

std::string WorkFolder(const std::string& workload, unsigned number) {
  Chance chance("folder " + workload + std::to_string(number));
  static constexpr const char* kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string out = "/tmp/tmp.";
  for (int i = 0; i < 10; ++i) out += kLetters[chance.Below(62)];
  return out;
}

std::string CaseOf(const std::string& workload, unsigned number) {
  const auto maker = Makers().find(workload);
  RAVELIN_CHECK(maker != Makers().end(), "there is no such workload");
  Chance chance(workload + " " + std::to_string(number));
  const std::string text = maker->second(chance);
  const std::string folder = WorkFolder(workload, number);
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const bool doubled = text.compare(at, 2, "@@") == 0;
    out += text[at] != '@' ? std::string(1, text[at]) : doubled ? "@" : folder;
    at += doubled ? 1 : 0;
  }
  return out;
}

}  // namespace ravelin::learning

// The command line.  The only file that speaks to CLI11.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <exception>
#include <filesystem>
#include <new>
#include <string_view>

#include "compiler/cli/commands.h"
#include "compiler/cli/soak.h"
#include "compiler/driver/output.h"
#include "profiler/record/record.h"

namespace ravelin::cli {
namespace {

// Guests mount folders, and know no working directory of ours.
std::string Absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

void AddOutputOptions(CLI::App& app, CommonOptions& o, const std::vector<std::string>& formats = {"text", "json"}) {
  app.add_option("--format", o.format, "how to report")->check(CLI::IsMember(formats))->capture_default_str();
  app.add_option("--color", o.color, "auto, always or never; NO_COLOR is honoured")->check(CLI::IsMember({"auto", "always", "never"}))->capture_default_str();
}

void AddPolicyOptions(CLI::App& app, CommonOptions& o, const std::vector<std::string>& formats = {"text", "json"}) {
  AddOutputOptions(app, o, formats);
  app.add_option("--target", o.target, "a built-in target, `host`, or a descriptor file")->capture_default_str();
  app.add_option("-I,--import-folder", o.import_folders, "where imports are looked up (repeatable)")->allow_extra_args(false);
  app.add_option("--std", o.library_folder, "read the standard library from this folder");
}

// Options and sub-commands of the whole program; `run` does the one that was chosen.
struct CommandLine {
  CLI::App app{"Policy compiler for Linux sandboxes: one source, proven artifacts."};
  CompileCommand compile;
  CheckCommand check;
  TestCommand test;
  GapCommand gap;
  FmtCommand fmt;
  DumpCommand dump;
  ExplainCommand explain;
  ImportCommand import_profile;
  ImportApparmorCommand import_apparmor;
  ImportCilCommand import_cil;
  ImportEventsCommand import_events;
  RecordCommand record;
  LearnCommand learn;
  RecordingCommand recording;
  ReportCommand report;
  RunCommand run;
  VerifyCommand verify;
  ProbeCommand probe;
  SoakCommand soak;
  KernelsCommand kernels;
  bool list_diagnostics = false;
  CLI::App* import_app = nullptr;
  CLI::App* oci = nullptr;
  CLI::App* apparmor = nullptr;
  CLI::App* cil = nullptr;
  CLI::App* events = nullptr;

  CommandLine() {
    app.name("ravelin");
    app.set_version_flag("--version", driver::VersionText());
    app.require_subcommand(0, 1);
    app.add_flag("--list-diagnostics", list_diagnostics)->group("");
    app.footer("Exit codes: 0 ok, 1 findings or denials, 2 usage, 3 environment or inconclusive, 70 internal error.");
    Compile(*app.add_subcommand("compile", "compile policies and prove what is written"));
    Check(*app.add_subcommand("check", "say everything that can be said without writing anything"));
    Test(*app.add_subcommand("test", "judge the `test` blocks of policies"));
    Gap(*app.add_subcommand("gap", "what the layers enforce of each rule, and what is left open"));
    Fmt(*app.add_subcommand("fmt", "canonical layout"));
    Dump(*app.add_subcommand("dump", "print a stage of the compiler"));
    Explain(*app.add_subcommand("explain", "is an attempt permitted, by which rule, and what does each layer do"));
    Import(*app.add_subcommand("import", "turn others' profiles into policy source"));
    Learn(*app.add_subcommand("learn", "make a policy of what a workload does"));
    Record(*app.add_subcommand("record", "write down what a workload does"));
    Recording(*app.add_subcommand("recording", "what was observed of workloads, as files"));
    Report(*app.add_subcommand("report", "what was observed beside what the policy grants, as a page to look at"));
    Launch(*app.add_subcommand("run", "run a command under a policy"));
    Probe(*app.add_subcommand("probe", "attempt in guest kernels what the rules permit and what lies just outside, and compare with the oracle"));
    Verify(*app.add_subcommand("verify", "run a workload under real enforcement in guest kernels, and judge the policy by it"));
    Kernels(*app.add_subcommand("kernels", "which guest kernels this machine can run, and what is missing"));
  }

  void Compile(CLI::App& sub) {
    sub.add_option("policy", compile.inputs, "policy files or folders, - for standard input")->required();
    sub.add_option("-o,--output", compile.output, "bundle folder, or with --emit a file (- is standard output)");
    sub.add_option("--backend", compile.backends, "emit these layers only")->allow_extra_args(false);
    sub.add_option("--emit", compile.emit, "one artifact instead of a bundle: bpf, oci, c, listing, apparmor, cil, fc")->check(CLI::IsMember({"bpf", "oci", "c", "listing", "apparmor", "cil", "fc"}));
    sub.add_option("--selinux-form", compile.selinux_form, "standalone: with a base of its own, for guests and sandboxes; module: beside a distribution's policy, whose files it labels anew; container: the same as blocks that inherit a container's")->check(CLI::IsMember({"container", "module", "standalone"}))->capture_default_str();
    sub.add_option("--selinux-host", compile.selinux_host, "policy to stand beside: a module (*.cil), file_contexts, or a folder of them (repeatable; with --selinux-form module)")->allow_extra_args(false);
    sub.add_option("--policy", compile.policy, "which policy of the file");
    sub.add_flag("--cost", compile.cost, "print what the filter costs");
    sub.add_option("--frequencies", compile.frequencies, "JSON of call frequencies to optimize for");
    sub.add_option("--prove", compile.prove, "diagrams, or z3 for a second proof as well")->check(CLI::IsMember({"diagrams", "z3"}))->capture_default_str();
    sub.add_flag("--no-optimize", compile.no_optimize, "straight chains instead of search trees");
    AddPolicyOptions(sub, compile.common);
  }

  void Check(CLI::App& sub) {
    sub.add_option("policy", check.inputs, "policy files or folders, - for standard input")->required();
    sub.add_option("-o,--output", check.output, "write the report there");
    sub.add_flag("--fail-on-warning", check.fail_on_warning, "exit 1 on warnings too");
    sub.add_option("-j,--jobs", check.jobs, "files checked at the same time")->check(CLI::Range(1, 256))->capture_default_str();
    AddPolicyOptions(sub, check.common);
  }

  void Gap(CLI::App& sub) {
    sub.add_option("policy", gap.inputs, "policy files or folders, - for standard input")->required();
    sub.add_option("-o,--output", gap.output, "write the report there");
    sub.add_option("--layers", gap.layers, "layer sets instead of the policy's: 'seccomp + apparmor, seccomp'");
    sub.add_flag("--fail-on-gap", gap.fail_on_gap, "exit 1 where a gap is not accepted");
    AddPolicyOptions(sub, gap.common, {"text", "json", "html"});
  }

  void Test(CLI::App& sub) {
    sub.add_option("policy", test.inputs, "policy files or folders, - for standard input")->required();
    sub.add_option("-o,--output", test.output, "write the report there");
    sub.add_option("--files", test.count_files, "instead: how many files below this folder each policy opens");
    sub.add_option("-j,--jobs", test.jobs, "files tested at the same time")->check(CLI::Range(1, 256))->capture_default_str();
    AddPolicyOptions(sub, test.common, {"text", "json", "junit"});
  }

  void Fmt(CLI::App& sub) {
    sub.add_option("policy", fmt.inputs, "policy files or folders, - for standard input")->required();
    sub.add_option("-o,--output", fmt.output, "write there instead of standard output");
    sub.add_flag("-i,--in-place", fmt.in_place, "rewrite the files");
    sub.add_flag("--check", fmt.check, "list files that would change, exit 1 if there are any");
    AddOutputOptions(sub, fmt.common);
  }

  void Dump(CLI::App& sub) {
    sub.add_option("policy", dump.input, "policy file, - for standard input")->required();
    sub.add_option("-o,--output", dump.output, "write there instead of standard output");
    sub.add_option("--stage", dump.stage, "ast, ir or bpf")->check(CLI::IsMember({"ast", "ir", "bpf"}))->capture_default_str();
    sub.add_option("--policy", dump.policy, "which policy of the file (for bpf)");
    AddPolicyOptions(sub, dump.common);
  }

  void Explain(CLI::App& sub) {
    sub.add_option("policy", explain.input, "policy file, - for standard input")->required();
    sub.add_option("event", explain.event, "a call, 'socket(AF_ALG, SOCK_STREAM, 0)', or a line of a test, 'file read \"/etc/shadow\"', 'exec \"/bin/sh\"', 'network connect tcp port 443', 'capability net_admin', 'signal KILL peer outside'");
    sub.add_option("--evidence", explain.evidence, "what was observed for a rule: its label, LINE or FILE:LINE");
    sub.add_option("--from", explain.recordings, "the recording that is asked for evidence (repeatable)")->allow_extra_args(false);
    sub.add_option("--arch", explain.arch, "architecture of the call; without it, the policy's first");
    sub.add_option("--policy,--domain", explain.policy, "which policy of the file");
    AddPolicyOptions(sub, explain.common);
  }

  void Import(CLI::App& sub) {
    import_app = &sub;
    sub.require_subcommand(1);
    oci = sub.add_subcommand("oci-seccomp", "a container runtime's seccomp profile");
    oci->add_option("profile", import_profile.input, "JSON file, - for standard input")->required();
    oci->add_option("-o,--output", import_profile.output, "write there instead of standard output");
    oci->add_option("--arch", import_profile.arches, "architecture of the container (repeatable; x86_64)")->allow_extra_args(false);
    oci->add_option("--cap", import_profile.capabilities, "capability that the container has (repeatable)")->allow_extra_args(false);
    oci->add_option("--kernel", import_profile.kernel, "kernel that runs it, for minKernel (6.1)");
    oci->add_option("--name", import_profile.name, "name of the policy (from the file's name)");
    oci->add_flag("--literal", import_profile.literal, "keep 64-bit comparisons of 32-bit parameters");
    AddOutputOptions(*oci, import_profile.common);
    apparmor = sub.add_subcommand("apparmor", "AppArmor profiles, in the language of apparmor_parser 3.0");
    apparmor->add_option("profile", import_apparmor.input, "profile, - for standard input")->required();
    apparmor->add_option("-I,--include-folder", import_apparmor.folders, "where included files are looked up, before /etc/apparmor.d (repeatable)")->allow_extra_args(false);
    apparmor->add_option("-o,--output", import_apparmor.output, "write there instead of standard output");
    AddOutputOptions(*apparmor, import_apparmor.common);
    cil = sub.add_subcommand("selinux-cil", "an SELinux module, in CIL");
    cil->add_option("module", import_cil.input, "module, - for standard input")->required();
    cil->add_option("-o,--output", import_cil.output, "write there instead of standard output");
    AddOutputOptions(*cil, import_cil.common);
    events = sub.add_subcommand("events", "logs of audit, strace, gVisor or a Kubernetes recorder, to a recording");
    events->add_option("log", import_events.inputs, "logs")->required();
    events->add_option("-o,--output", import_events.output, "the recording")->required();
  }

  // How a workload is run.
  void AddRecordOptions(CLI::App& sub, RecordCommand& o) {
    sub.add_option("--driver", o.drivers, "uml: in a guest kernel, AppArmor saying what it is asked; selinux: the same with SELinux; gvisor: in an application kernel, a lower bound; on this machine, without capabilities: ptrace, notify (faster; does not see what comes of a call), and with CAP_BPF and CAP_PERFMON: bpf (fastest); several with commas, each by itself, their runs together")->delimiter(',')->check(CLI::IsMember(record::Drivers()))->capture_default_str()->allow_extra_args(false);
    sub.add_option("--directory", o.directory, "working directory");
    sub.add_option("--root", o.root, "the guest's root")->check(CLI::ExistingDirectory)->transform(Absolute)->capture_default_str();
    sub.add_option("--scenario", o.scenario, "how a program is used, as `ravelin verify` has it, instead of a command");
    sub.add_option("--layer", o.layers, "a folder over the guest's root: unpacked packages (repeatable)")->check(CLI::ExistingDirectory)->transform(Absolute)->allow_extra_args(false);
    sub.add_option("--runs", o.runs, "how often, each time varied (2 in guests, 1 on the host)");
    sub.add_option("--limit", o.limit_s, "seconds for one run")->check(CLI::Range(1, 86400))->capture_default_str();
    sub.add_option("--memory", o.memory_mb, "of the guest, in megabytes")->capture_default_str();
    sub.add_flag("--no-host-isolation", o.no_host_isolation, "run the guest without its sandbox: only for workloads that are trusted");
    sub.add_option("command", o.arguments, "the workload and its arguments, after --");
  }

  void Record(CLI::App& sub) {
    sub.add_option("-o,--output", record.output, "the recording; one that exists grows")->required();
    sub.add_option("--listen", record.listen, "driver notify, instead of a workload: record --runs containers, whose runtime sends their filters' listeners to this socket (linux.seccomp.listenerPath)");
    sub.add_option("--runtime-profile", record.runtime_profile, "with --listen: write there what belongs into config.json as linux.seccomp");
    AddRecordOptions(sub, record);
  }

  void Learn(CLI::App& sub) {
    sub.add_option("-o,--output", learn.output, "the policy (NAME.rav)");
    sub.add_option("--name", learn.name, "of the policy (from the program)");
    sub.add_option("--from", learn.recordings, "recordings to learn from, instead of running the workload (repeatable)")->allow_extra_args(false);
    sub.add_option("--keep", learn.record.output, "keep the recording there");
    sub.add_option("--accept", learn.accept, "acceptances of gaps, given beforehand: lines `accept gap LABEL* wider on LAYERS of FACET { ... } because \"...\"`");
    sub.add_option("--check", learn.check, "write nothing: fail where the workload does what this policy refuses, and say what it permits beyond");
    sub.add_option("--onto", learn.onto, "a policy, edited since it was learned: write a patch (-o, or standard output) that adds what is new, and keeps what was written by hand; exit 1 where there is something");
    sub.add_flag("--verify", learn.verify, "enforce the policy in guest kernels, run the workload again, fold refusals back");
    sub.add_option("--layers", learn.layers, "layer sets of the policy, instead of the target's: 'seccomp + apparmor, seccomp + selinux'");
    sub.add_option("--attacks", learn.attacks, "with --verify: the attacks that the policy has to refuse (docs/verify.md), instead of the built-in ones");
    sub.add_flag("--review", learn.review, "ask about each rule that opens more than was used, is sensitive, or is about neither files nor calls: accept, narrow, deny");
    sub.add_option("--rounds", learn.rounds, "enforced runs at most")->check(CLI::Range(1, 10))->capture_default_str();
    sub.add_flag("--phases", learn.phases, "write a second policy, NAME.steady.rav, of what came at the first marker or later: `ravelin run POLICY --steady NAME.steady.rav`");
    sub.add_option("--marker", learn.markers, "with --phases: the system call that ends the start (accept, accept4; repeatable)")->allow_extra_args(false);
    sub.add_option("--until", learn.until, "go on recording until the chance that the next run brings something new is at most that, with 95% confidence at any time (0.05); what was recorded is kept, and the same command goes on from there")->check(CLI::Range(0.0001, 0.5));
    sub.add_option("--most", learn.most_runs, "with --until: runs at most")->capture_default_str();
    AddRecordOptions(sub, learn.record);
    AddPolicyOptions(sub, learn.record.common);
  }

  void Recording(CLI::App& sub) {
    sub.require_subcommand(1);
    const auto add = [&](const char* action, const char* help, int least, int most, bool output) {
      CLI::App* one = sub.add_subcommand(action, help);
      one->add_option("recording", recording.inputs, "recordings")->required()->expected(least, most);
      CLI::Option* to = one->add_option("-o,--output", recording.output, output ? "the merged recording" : "write there instead of standard output");
      if (output) to->required();
      one->callback([this, action] { recording.action = action; });
    };
    add("ls", "the runs, and how complete each is", 1, 10000, false);
    add("show", "the facts, with how often and in how many runs", 1, 10000, false);
    add("merge", "one recording of many, in any order", 1, 10000, true);
    add("diff", "facts of one and not of the other", 2, 2, false);
    add("export", "lines of JSON", 1, 10000, false);
  }

  void Report(CLI::App& sub) {
    sub.add_option("recording", report.recordings, "recordings")->required();
    sub.add_option("-o,--output", report.output, "the page")->required();
    sub.add_option("--policy", report.policy, "a policy file, instead of what is learned from the recordings");
    sub.add_option("--domain", report.name, "which policy of the file");
    sub.add_option("--root", report.root, "the system whose files are counted")->check(CLI::ExistingDirectory)->transform(Absolute)->capture_default_str();
    AddPolicyOptions(sub, report.common);
  }

  void Launch(CLI::App& sub) {
    sub.add_option("policy", run.input, "policy file, - for standard input")->required();
    sub.add_flag("--trace-denials", run.trace_denials, "show every refused call with its rule");
    sub.add_option("--policy", run.policy, "which policy of the file");
    sub.add_option("--steady", run.steady, "a policy file that holds from the first marker on (`ravelin learn --phases` writes one)");
    sub.add_option("--marker", run.markers, "with --steady: the system call that ends the start (accept, accept4; repeatable)")->allow_extra_args(false);
    sub.add_option("command", run.arguments, "the command and its arguments, after --")->required();
    AddPolicyOptions(sub, run.common);
  }

  void Verify(CLI::App& sub) {
    sub.add_option("policy", verify.inputs, "policy files or folders, - for standard input")->required();
    sub.add_option("-o,--output", verify.output, "write the report there");
    sub.add_option("-j,--jobs", verify.jobs, "policies judged at the same time, each in up to six guests")->check(CLI::Range(1, 64))->capture_default_str();
    sub.add_option("--driver", verify.drivers, "what runs the workload: uml, a guest kernel; vm, a distribution's kernel in a virtual machine; host, this machine's; gvisor, an application kernel, of the filter alone; several with commas, each by itself")->delimiter(',')->check(CLI::IsMember({"uml", "vm", "host", "gvisor"}))->capture_default_str()->allow_extra_args(false);
    sub.add_option("--kernel", verify.kernel, "driver vm: the kernel's image, such as /boot/vmlinuz-*; without it, the newest that is installed")->check(CLI::ExistingFile);
    sub.add_option("--processors", verify.processors, "driver vm: of the guest")->check(CLI::Range(1, 64))->capture_default_str();
    sub.add_flag("--yes-change-this-host", verify.change_host, "driver host: load AppArmor profiles into this machine's kernel while it runs");
    sub.add_option("--root", verify.root, "the guest's root: a folder or an OCI bundle, seen read-only; changes stay in the guest")->check(CLI::ExistingDirectory)->transform(Absolute)->capture_default_str();
    sub.add_option("--directory", verify.directory, "working directory in the guest; without it, this one (with --root, /)");
    sub.add_option("--expect", verify.expect, "any-output: only the status is compared with the unconfined run's")->check(CLI::IsMember({"any-output"}))->allow_extra_args(false);
    sub.add_option("--suggest", verify.suggest, "write a patch there that would permit what was refused");
    sub.add_option("--memory", verify.memory_mb, "of a guest, in MB")->check(CLI::Range(64, 16384))->capture_default_str();
    sub.add_option("--limit", verify.limit_s, "seconds that the workload may take in one run")->check(CLI::Range(1, 86400))->capture_default_str();
    sub.add_flag("--no-host-isolation", verify.no_host_isolation, "run guests without keeping them from this machine: a hostile workload can then change it");
    sub.add_option("--policy", verify.policy, "which policy of the file");
    sub.add_option("--scenario", verify.scenario, "a file that says how the program is used (docs/verify.md), instead of a command; without either, POLICY.scenario beside POLICY.rav");
    sub.add_option("--attacks", verify.attacks, "a file of attacks, from inside of the policy's domain, that must fail (docs/verify.md), instead of a workload");
    sub.add_option("--layer", verify.layers, "a folder over the root, the first on top: an unpacked package (repeatable)")->check(CLI::ExistingDirectory)->transform(Absolute)->allow_extra_args(false);
    sub.footer("The workload is a command and its arguments, after `--`.");
    AddPolicyOptions(sub, verify.common, {"text", "json", "junit"});
  }

  void Probe(CLI::App& sub) {
    sub.add_option("policy", probe.input, "policy file, - for standard input");
    sub.add_option("--random", soak.policies, "probe so many policies made by chance instead")->check(CLI::Range(1, 1000000));
    sub.add_option("--seed", soak.seed, "of the first of them")->capture_default_str();
    sub.add_option("-o,--output", probe.output, "write the report there");
    sub.add_option("--driver", probe.driver, "what performs the attempts: uml, a guest kernel; vm, a distribution's kernel in a virtual machine")->check(CLI::IsMember({"uml", "vm"}))->capture_default_str();
    sub.add_option("--kernel", probe.kernel, "driver vm: the kernel's image; without it, the newest that is installed")->check(CLI::ExistingFile);
    sub.add_option("--memory", probe.memory_mb, "of a guest, in MB")->check(CLI::Range(64, 16384))->capture_default_str();
    sub.add_option("--limit", probe.limit_s, "seconds that all attempts of one run may take")->check(CLI::Range(1, 86400))->capture_default_str();
    sub.add_option("--policy", probe.policy, "which policy of the file");
    AddPolicyOptions(sub, probe.common);
  }

  void Kernels(CLI::App& sub) { AddOutputOptions(sub, kernels.common); }

  int Do() {
    if (list_diagnostics) return ListDiagnostics();
    if (app.got_subcommand("compile")) return Run(compile);
    if (app.got_subcommand("check")) return Run(check);
    if (app.got_subcommand("test")) return Run(test);
    if (app.got_subcommand("fmt")) return Run(fmt);
    if (app.got_subcommand("dump")) return Run(dump);
    if (app.got_subcommand("gap")) return Run(gap);
    if (app.got_subcommand("explain")) return Run(explain);
    if (app.got_subcommand("import")) return import_app->got_subcommand(apparmor) ? Run(import_apparmor) : import_app->got_subcommand(cil) ? Run(import_cil) : import_app->got_subcommand(events) ? Run(import_events) : Run(import_profile);
    if (app.got_subcommand("learn")) return Run(learn);
    if (app.got_subcommand("record")) return Run(record);
    if (app.got_subcommand("recording")) return Run(recording);
    if (app.got_subcommand("report")) return Run(report);
    if (app.got_subcommand("run")) return Run(run);
    if (app.got_subcommand("verify")) return Run(verify);
    if (app.got_subcommand("probe")) return soak.policies != 0 ? Run(soak, probe) : Run(probe);
    if (app.got_subcommand("kernels")) return Run(kernels);
    const auto printed = Print(app.help());
    return printed ? kUsage : kEnvironment;
  }
};

int Main(int argc, char** argv) {
  CommandLine line;
  // Several policies come before `--`, and a workload after it, which is none of ours to read.
  char** end = argv + argc;
  char** cut = argc > 1 && std::string_view(argv[1]) == "verify" ? std::find(argv, end, std::string_view("--")) : end;
  if (cut != end) line.verify.arguments.assign(cut + 1, end);
  try {
    line.app.parse(static_cast<int>(cut - argv), argv);
  } catch (const CLI::ParseError& error) {
    return line.app.exit(error) == 0 ? kOk : kUsage;
  }
  return line.Do();
}

}  // namespace
}  // namespace ravelin::cli

int main(int argc, char** argv) {
  try {
    return ravelin::cli::Main(argc, argv);
  } catch (const std::bad_alloc&) {
    ravelin::cli::Complain("out of memory");
    return ravelin::cli::kEnvironment;
  } catch (const std::exception& error) {
    ravelin::cli::Complain(std::string("internal error: ") + error.what());
    return 70;
  }
}

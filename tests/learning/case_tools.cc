// git, gcc, curl: programs that are called many times.
#include "tests/learning/chance.h"

namespace ravelin::learning {

std::string GitCase(Chance& chance) {
  const std::vector<std::string> lines = {
      "-C @/r log --oneline",
      "-C @/r status --short",
      "-C @/r diff HEAD~1",
      "-C @/r branch side",
      "-C @/r checkout -q -b other",
      "-C @/r tag -a v1 -m one",
      "-C @/r stash list",
      "-C @/r gc -q",
      "-C @/r fsck",
      "clone -q @/r @/clone",
      "clone -q --bare @/r @/bare.git",
      "clone -q --depth 1 file://@/r @/shallow",
      "-C @/r archive -o @/a.tar HEAD",
      "-C @/r blame a",
      "-C @/r grep one",
      "-C @/r rm -q b",
      "-C @/r mv a c",
      "-C @/r reset -q --hard HEAD~1",
      "-C @/r show --stat HEAD",
      "-C @/r bundle create -q @/r.bundle HEAD",
      "-C @/r format-patch -q -1 -o @/patches",
      "-C @/r worktree add -q @/tree HEAD",
      "-C @/r config user.email b@example.org",
      "-C @/r repack -adq",
      "-C @/r rev-parse HEAD",
      "-C @/r ls-files -s",
      "-C @/r commit -q --allow-empty -m empty",
      "-C @/r describe --always",
      "-C @/r notes add -m note",
      "-C @/r reflog"};
  std::string out = "environment GIT_CONFIG_GLOBAL=@/gitconfig\nfile @/gitconfig <<END\n[user]\n  name = a\n  email = a@example.org\n[init]\n  defaultBranch = main\n[safe]\n  directory = *\nEND\nfile @/r/a <<END\none\nEND\nfile @/r/b <<END\ntwo\nEND\ndirectory @\n";
  out += "environment GIT_AUTHOR_DATE=2026-01-01T00:00:0" + std::to_string(chance.Below(10)) + "Z\n";
  out += "run git init -q @/r\nrun git -C @/r add a\nrun git -C @/r commit -q -m first\nrun git -C @/r add b\nrun git -C @/r commit -q -m second\n";
  for (const std::string& line : chance.Some(lines, 2, 6)) out += "run git " + line + "\n";
  return out;
}

std::string GccCase(Chance& chance) {
  const std::vector<std::string> headers = {"assert.h", "ctype.h", "errno.h", "fcntl.h", "float.h", "inttypes.h", "limits.h", "locale.h", "math.h", "pthread.h", "signal.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h", "sys/socket.h", "sys/stat.h", "sys/types.h", "sys/wait.h", "time.h", "unistd.h", "wchar.h"};
  std::string source = "#include <stdio.h>\n";
  for (const std::string& header : chance.Some(headers, 1, 6)) source += "#include <" + header + ">\n";
  source += "int add(int, int);\nint main(void) { printf(\"%d\\n\", add(1, 2)); return 0; }\n";
  std::string out = "file @/main.c <<END\n" + source + "END\nfile @/add.c <<END\nint add(int a, int b) { return a + b; }\nEND\ndirectory @\n";
  const std::string level = chance.One({"-O0", "-O1", "-O2", "-O3", "-Os", "-g", "-O2 -g", "-Wall -Wextra"});
  const std::vector<std::string> ways = {
      "run gcc " + level + " -o prog main.c add.c\n",
      "run gcc " + level + " -c main.c add.c\nrun gcc -o prog main.o add.o\n",
      "run gcc " + level + " -fPIC -shared -o libadd.so add.c\nrun gcc -o prog main.c -L. -ladd\n",
      "run gcc -E main.c -o main.i\n",
      "run gcc -S " + level + " main.c\n",
      "run gcc -M main.c -o main.d\n",
      "run gcc " + level + " -flto -o prog main.c add.c\n",
      "run gcc -static " + level + " -o prog main.c add.c\n",
      "run gcc -pthread -lm -o prog main.c add.c -lm\n",
      "run gcc -save-temps -c add.c\n",
      "run gcc -pipe " + level + " -c add.c\n",
      "run gcc -fsyntax-only main.c\n"};
  for (const std::string& way : chance.Some(ways, 1, 2)) out += way;
  return out;
}

std::string CurlCase(Chance& chance) {
  const std::string server =
      "import http.server\nclass H(http.server.BaseHTTPRequestHandler):\n    def answer(self, b):\n        self.send_response(302 if self.path == '/go' else 404 if self.path == '/none' else 200)\n        self.send_header('Location', '/a')\n        self.send_header('Set-Cookie', 's=1')\n        self.send_header('Content-Length', str(len(b)))\n        self.end_headers()\n        self.wfile.write(b)\n    def do_GET(self): self.answer(b'hello\\n' * 50)\n    def do_HEAD(self): self.answer(b'')\n    def do_POST(self): self.answer(self.rfile.read(int(self.headers['Content-Length'] or 0)))\n    do_PUT = do_POST\n    def log_message(self, *a): pass\nhttp.server.ThreadingHTTPServer(('127.0.0.1', 28473), H).serve_forever()\n";
  const std::vector<std::string> ways = {
      "-o @/page http://127.0.0.1:28473/",
      "-I http://127.0.0.1:28473/",
      "-L http://127.0.0.1:28473/go",
      "-d name=value http://127.0.0.1:28473/form",
      "-F file=@/form http://127.0.0.1:28473/form",
      "-T @/form http://127.0.0.1:28473/put",
      "-c @/jar -b @/jar http://127.0.0.1:28473/ http://localhost:28473/b",
      "-H 'X-A: b' -A agent http://127.0.0.1:28473/",
      "--compressed http://127.0.0.1:28473/",
      "-w '%{http_code}' -o /dev/null http://127.0.0.1:28473/none",
      "file://@/form",
      "--resolve name.test:28473:127.0.0.1 http://name.test:28473/",
      "-K @/config",
      "-O --output-dir @ http://127.0.0.1:28473/file",
      "--max-time 5 --retry 1 http://localhost:28473/",
      "-r 0-9 http://127.0.0.1:28473/",
      "-v -o @/v http://127.0.0.1:28473/",
      "-Z http://127.0.0.1:28473/1 http://127.0.0.1:28473/2",
      "-D @/headers http://127.0.0.1:28473/",
      "--trace-ascii @/trace http://127.0.0.1:28473/",
      "-u user:password http://127.0.0.1:28473/",
      "-4 http://localhost:28473/",
      "--limit-rate 1M http://127.0.0.1:28473/",
      "-x http://127.0.0.1:28473 http://elsewhere.test/"};
  std::string out = "file @/server.py <<END\n" + server + "END\nfile @/form <<END\nsome text\nEND\nfile @/config <<END\nurl = http://127.0.0.1:28473/configured\nEND\nprepare /usr/bin/python3 @/server.py > /dev/null 2>&1 &\nwait port 28473\ndirectory @\n";
  for (const std::string& way : chance.Some(ways, 1, 4)) out += "run curl -sS " + way + "\n";
  return out;
}

}  // namespace ravelin::learning

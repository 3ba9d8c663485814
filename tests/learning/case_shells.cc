// bash, sqlite3, python3: programs that do what a script says.
#include "tests/learning/chance.h"

namespace ravelin::learning {

std::string BashCase(Chance& chance) {
  const std::vector<std::string> lines = {
      "sort data | uniq -c | sort -rn > counts",
      "grep -c e data || true",
      "sed 's/a/b/g' data > changed",
      "awk '{ n += length($0) } END { print n }' data",
      "cut -c1-3 data | tr a-z A-Z",
      "head -n 3 data; tail -n 2 data",
      "wc -l < data",
      "find . -type f | sort",
      "ls | xargs -n 1 basename",
      "mkdir -p a/b/c; touch a/b/c/d; rm -r a",
      "cp data copy; mv copy moved; rm moved",
      "ln -s data link; readlink link; cat link > /dev/null",
      "ln data hard; stat -c %h hard",
      "date +%Y > year",
      "f=$(mktemp); echo x > $f; cat $f; rm $f",
      "d=$(mktemp -d); cd $d; echo y > z; cd - > /dev/null; rm -r $d",
      "seq 1 20 | paste -sd+ | cut -c1-9",
      "sleep 0.05 & wait",
      "trap 'echo done' EXIT",
      "trap 'echo caught' TERM; kill -TERM $$; sleep 0.1",
      "for i in 1 2 3; do echo $i > f$i; done; cat f1 f2 f3",
      "while read -r l; do : \"$l\"; done < data",
      "gzip -k data && zcat data.gz | wc -c; rm data.gz",
      "tar cf t.tar data && tar tf t.tar; rm t.tar",
      "sha256sum data | cut -c1-8",
      "diff data data && cmp data data",
      "chmod 600 data; test -r data && echo yes",
      "printf '%s\\n' b a c | tee t1 | sort -r",
      "cat <<< 'a here string'",
      "read -r x < <(echo process); echo $x",
      "ulimit -n > /dev/null; umask",
      "dd if=/dev/zero of=zeros bs=1k count=4 2> /dev/null; od -c zeros | head -1",
      "id -u; uname -s; hostname > /dev/null",
      "nl data | fold -w 20 | rev | head -2",
      "join <(sort data) <(sort data) | wc -l",
      "split -l 3 data part.; ls part.* | wc -l"};
  return "file @/data <<END\npear\napple\nplum\npear\nfig\ndate\nEND\nfile @/script <<END\nset -u\ncd @\n" + Joined(chance.Some(lines, 4, 9), "\n") + "\nexit 0\nEND\ndirectory @\nrun /usr/bin/bash @/script\n";
}

std::string SqliteCase(Chance& chance) {
  const std::vector<std::string> statements = {
      "pragma journal_mode=wal;",
      "pragma synchronous=off;",
      "insert into t select value, hex(randomblob(20)) from generate_series(1,300);",
      "create index i on t(b);",
      "select count(*), max(a) from t;",
      "update t set b = upper(b) where a % 2 = 0;",
      "delete from t where a > 10;",
      "vacuum;",
      "pragma temp_store=file; create temp table u as select * from t; drop table u;",
      "attach '@/other.db' as o; create table if not exists o.c(x); insert into o.c values(1); detach o;",
      "begin; insert into t values(1000, 'x'); rollback;",
      "pragma integrity_check;",
      "create view if not exists v as select a from t; select * from v limit 2;",
      "select json_object('a', a) from t limit 1;",
      "create virtual table if not exists s using fts5(x); insert into s values('word');",
      "with recursive r(n) as (select 1 union all select n+1 from r where n<500) select sum(n) from r order by 1;",
      "analyze;",
      "pragma mmap_size=1000000; select count(*) from t;"};
  const std::vector<std::string> commands = {".mode csv", ".output @/out.csv", ".dump t", ".output stdout", ".backup @/copy.db", ".import --csv @/in.csv imported", ".schema", ".tables", ".read @/more.sql", ".once @/once.txt", ".save @/saved.db", ".headers on"};
  std::vector<std::string> script = {"create table t(a integer, b text);", "insert into t values(1, 'one'), (2, 'two');"};
  for (const std::string& one : chance.Some(statements, 3, 7)) script.push_back(one);
  for (const std::string& one : chance.Some(commands, 0, 4)) script.push_back(one);
  return "file @/in.csv <<END\nx,y\n1,2\nEND\nfile @/more.sql <<END\nselect 1;\nEND\nfile @/script.sql <<END\n" + Joined(script, "\n") + "\nEND\ndirectory @\nrun sqlite3 -batch -cmd '.read @/script.sql' @/a.db 'select 1'\n";
}

std::string PythonCase(Chance& chance) {
  const std::vector<std::string> parts = {
      "import json; json.dump({'a': [1, 2]}, open('a.json', 'w')); print(json.load(open('a.json')))",
      "import csv; w = csv.writer(open('a.csv', 'w')); w.writerow([1, 2])",
      "import sqlite3; d = sqlite3.connect('a.db'); d.execute('create table t(x)'); d.commit()",
      "import hashlib; print(hashlib.sha256(b'x').hexdigest()[:8])",
      "import subprocess; print(subprocess.run(['echo', 'hi'], capture_output=True).stdout)",
      "import threading; t = [threading.Thread(target=print, args=(i,)) for i in range(3)]; [x.start() for x in t]; [x.join() for x in t]",
      "import multiprocessing\nif __name__ == '__main__':\n    with multiprocessing.Pool(2) as p: print(p.map(abs, [-1, -2]))",
      "import tempfile\nwith tempfile.TemporaryDirectory() as d: open(d + '/x', 'w').write('y')",
      "import tempfile\nwith tempfile.NamedTemporaryFile() as f: f.write(b'z')",
      "import zipfile\nwith zipfile.ZipFile('a.zip', 'w') as z: z.writestr('n', 'data')",
      "import gzip; gzip.open('a.gz', 'wb').write(b'x' * 100)",
      "import logging; logging.basicConfig(filename='a.log'); logging.warning('w')",
      "import argparse; argparse.ArgumentParser().parse_args([])",
      "import re; print(re.findall('[a-z]+', 'ab 12 cd'))",
      "import datetime; print(datetime.date(2026, 1, 1).isoformat())",
      "import random; random.seed(1); print(random.random())",
      "import asyncio\nasync def m(): await asyncio.sleep(0.01)\nasyncio.run(m())",
      "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); c = socket.create_connection(s.getsockname()); s.accept(); c.close()",
      "import glob, shutil, os; os.makedirs('d/e', exist_ok=True); open('d/e/f', 'w').close(); print(glob.glob('d/**', recursive=True)); shutil.rmtree('d')",
      "import decimal, fractions; print(decimal.Decimal('1.1') + 1, fractions.Fraction(1, 3))",
      "import xml.etree.ElementTree as e; print(e.fromstring('<a><b/></a>').tag)",
      "import ctypes; print(ctypes.CDLL(None).getpid() > 0)",
      "import urllib.parse, base64, struct; print(urllib.parse.quote('a b'), base64.b64encode(b'x'), struct.pack('I', 1))",
      "import signal, os; signal.signal(signal.SIGUSR1, lambda *a: print('got')); os.kill(os.getpid(), signal.SIGUSR1)",
      "import os; print(sorted(os.listdir('.'))[:1], os.stat('.').st_nlink > 0)",
      "import mmap; f = open('m', 'w+b'); f.write(b'x' * 4096); f.flush(); m = mmap.mmap(f.fileno(), 0); m[0:1] = b'y'; m.close()",
      "import pickle, collections; pickle.dump(collections.Counter('abc'), open('p', 'wb'))",
      "import concurrent.futures as c\nwith c.ThreadPoolExecutor(2) as e: print(list(e.map(abs, [-1])))",
      "import email.message, html; m = email.message.EmailMessage(); m['To'] = 'x'; print(html.escape('<'))",
      "import configparser; p = configparser.ConfigParser(); p.read_string('[a]\\nb=1'); p.write(open('c.ini', 'w'))",
      "import locale, time; locale.setlocale(locale.LC_ALL, ''); print(time.strftime('%Y', time.gmtime(0)))",
      "import uuid, secrets; print(len(str(uuid.uuid4())), len(secrets.token_hex(4)))"};
  return "file @/script.py <<END\nimport os\nos.chdir('@')\n" + Joined(chance.Some(parts, 4, 9), "\n") + "\nEND\ndirectory @\nrun /usr/bin/python3 " + (chance.OneIn(3) ? "-B " : "") + "@/script.py\n";
}

}  // namespace ravelin::learning

// perl, rsync, tar, openssl: programs that the rules of generalisation were not made with.
#include "tests/learning/chance.h"

namespace ravelin::learning {

namespace {

constexpr const char* kData = "file @/d/one <<END\npear\napple\nfig\nEND\nfile @/d/two <<END\nplum\nEND\nfile @/d/sub/three <<END\ndate\nEND\ndirectory @\n";

std::string Runs(Chance& chance, const std::string& program, const std::vector<std::string>& ways, size_t least, size_t most) {
  std::string out;
  for (const std::string& way : chance.Some(ways, least, most)) out += "run " + program + " " + way + "\n";
  return out;
}

}  // namespace

std::string PerlCase(Chance& chance) {
  const std::vector<std::string> parts = {
      "open(F, '<', 'd/one'); my @@l = sort <F>; close F; print @@l;",
      "open(O, '>', 'out'); print O 'x'; close O; unlink 'out';",
      "use File::Temp qw(tempfile); my ($h, $n) = tempfile(UNLINK => 1); print $h 'y';",
      "use File::Find; find(sub { }, 'd');",
      "use File::Copy; copy('d/one', 'copy');",
      "use Data::Dumper; print Dumper([1]);",
      "use POSIX qw(floor); print floor(1.5), \"\\n\";",
      "print scalar(localtime(0)), \"\\n\";",
      "use JSON::PP; print encode_json({a => 1}), \"\\n\";",
      "use Digest::SHA qw(sha256_hex); print sha256_hex('x'), \"\\n\";",
      "print `echo hi`;",
      "my $p = fork(); exit 0 unless $p; waitpid($p, 0);",
      "use Socket; socketpair(A, B, AF_UNIX, SOCK_STREAM, 0);",
      "use MIME::Base64; print encode_base64('x');",
      "use Getopt::Long; GetOptions();",
      "use Storable; store({a => 1}, 'stored');",
      "use Time::HiRes qw(sleep); sleep 0.01;",
      "mkdir 'new'; rmdir 'new';",
      "use Encode; print encode('UTF-8', 'x'), \"\\n\";",
      "use List::Util qw(sum); print sum(1, 2), \"\\n\";"};
  return std::string(kData) + "file @/script.pl <<END\n" + Joined(chance.Some(parts, 3, 7), "\n") + "\nEND\nrun /usr/bin/perl @/script.pl\n";
}

std::string RsyncCase(Chance& chance) {
  return kData + std::string("file @/list <<END\none\nEND\n") + Runs(chance, "rsync", {"-a @/d/ @/a/", "-r --delete @/d/ @/b/", "-az @/d/one @/c", "-n -v -a @/d/ @/e/", "--checksum -a @/d/ @/f/", "-a --link-dest=@/d @/d/ @/g/", "-a --exclude sub @/d/ @/h/", "-a --backup @/d/two @/d/copy", "--list-only @/d/", "-a --partial --inplace @/d/ @/i/", "-aHAX @/d/ @/j/", "-a --sparse @/d/one @/k", "--remove-source-files -a @/d/two @/l/", "-a --files-from=@/list @/d/ @/m/ --ignore-missing-args", "-a --temp-dir=@ @/d/ @/n/"}, 2, 5);
}

std::string TarCase(Chance& chance) {
  return kData + std::string("run tar cf @/base.tar d\n") + Runs(chance, "tar", {"czf @/a.tar.gz d", "cJf @/a.tar.xz d", "cjf @/a.tar.bz2 d", "tf @/base.tar", "tvf @/base.tar", "xf @/base.tar -C @/d/sub", "rf @/base.tar d/two", "--delete -f @/base.tar d/two", "cf @/x.tar --exclude=sub d", "cf - d", "df @/base.tar", "-c --sparse -f @/s.tar d", "cf @/inc.tar -g @/snapshot d", "xOf @/base.tar d/one", "--numeric-owner -cf @/n.tar d", "-cf @/i.tar -I gzip d", "-uf @/base.tar d", "--totals -cf @/t.tar d"}, 2, 5);
}

std::string OpensslCase(Chance& chance) {
  return kData + std::string("run openssl genrsa -out @/key 1024\n") + Runs(chance, "openssl", {"dgst -sha256 d/one", "enc -aes-256-cbc -pbkdf2 -pass pass:x -in d/one -out @/enc", "rand -hex 8", "rsa -in @/key -pubout -out @/pub", "req -new -x509 -key @/key -subj /CN=a -out @/cert", "ecparam -genkey -name prime256v1 -out @/ec", "version -a", "ciphers", "passwd -6 -salt ab secret", "base64 -in d/one", "list -digest-commands", "asn1parse -in @/key", "pkcs8 -topk8 -nocrypt -in @/key -out @/p8", "prime 17", "speed -seconds 1 -bytes 16 md5", "dgst -sign @/key -out @/sig d/one", "kdf -keylen 8 -kdfopt digest:SHA256 -kdfopt key:a -kdfopt salt:b HKDF"}, 2, 5);
}

}  // namespace ravelin::learning

// redis and nginx: services that others ask.
#include "tests/learning/chance.h"

namespace ravelin::learning {

std::string RedisCase(Chance& chance) {
  std::string config = "bind 127.0.0.1\nport 6379\ndir @\n";
  const std::vector<std::string> settings = {"appendonly yes", "save 1 1", "logfile @/redis.log", "pidfile @/redis.pid", "unixsocket @/redis.sock", "maxmemory 10mb", "io-threads 2", "databases 4", "rdbcompression no", "appendfsync always", "lazyfree-lazy-user-del yes", "tcp-backlog 16"};
  for (const std::string& one : chance.Some(settings, 1, 5)) config += one + "\n";
  const std::vector<std::string> clients = {
      "redis-cli set a 1; redis-cli incr a; redis-cli get a",
      "redis-cli lpush l 1 2 3; redis-cli lrange l 0 -1",
      "redis-cli eval 'return 1' 0",
      "redis-cli bgsave; sleep 0.3",
      "redis-cli bgrewriteaof; sleep 0.3",
      "redis-cli config set maxclients 50; redis-cli config get port",
      "redis-cli info > /dev/null",
      "redis-cli flushall",
      "redis-cli expire a 1; sleep 0.1",
      "redis-cli debug sleep 0 || true",
      "redis-cli config rewrite || true",
      "redis-cli xadd s '*' f v; redis-cli xlen s",
      "redis-benchmark -q -n 200 -c 3 -t set,get > /dev/null",
      "(timeout 0.3 redis-cli subscribe c || true) > /dev/null; redis-cli publish c m",
      "redis-cli save",
      "redis-cli unlink a l; redis-cli memory usage a || true",
      "redis-cli client list > /dev/null; redis-cli slowlog get > /dev/null",
      "redis-cli setrange big 1000000 x > /dev/null; redis-cli getrange big 0 10 > /dev/null"};
  std::string out = "file @/redis.conf <<END\n" + config + "END\nprepare chown -R 101:101 @\nuser 101 101\ndirectory @\nstart redis-server @/redis.conf --daemonize no\nwait port 6379\n";
  for (const std::string& one : chance.Some(clients, 2, 5)) out += "client " + one + "\n";
  return out + (chance.OneIn(2) ? "client redis-cli shutdown nosave || true\n" : "") + "stop TERM\n";
}

std::string NginxCase(Chance& chance) {
  const std::vector<std::string> http = {"gzip on; gzip_types *;", "sendfile on;", "sendfile on; tcp_nopush on;", "keepalive_timeout 1;", "client_body_buffer_size 1k;", "open_file_cache max=10;", "log_format short '$status'; access_log @/short.log short;", "limit_req_zone $binary_remote_addr zone=z:1m rate=100r/s;", "server_tokens off;", "etag off;"};
  const std::vector<std::string> places = {"location /list/ { autoindex on; }", "location /app/ { proxy_pass http://127.0.0.1:8000/; }", "location /old { return 301 /new; }", "location /auth/ { auth_basic closed; auth_basic_user_file @/users; }", "error_page 404 /missing.html;", "location /up { client_max_body_size 10m; return 204; }", "location ~ \\.txt$ { add_header X-A b; }", "rewrite ^/r/(.*)$ /$1 last;", "location /try { try_files $uri /index.html; }", "location /deny { deny all; }"};
  const std::vector<std::string> clients = {
      "curl -sS http://127.0.0.1/ > /dev/null",
      "curl -sS http://127.0.0.1/list/ > /dev/null",
      "curl -sS http://127.0.0.1/app/ > /dev/null",
      "curl -sS http://127.0.0.1/large | wc -c",
      "curl -sSI http://127.0.0.1/ > /dev/null",
      "curl -sS -r 0-99 http://127.0.0.1/large | wc -c",
      "curl -sS -o /dev/null http://127.0.0.1/none",
      "curl -sS --compressed http://127.0.0.1/large | wc -c",
      "curl -sS -u a:b http://127.0.0.1/auth/ > /dev/null",
      "kill -HUP $(cat @/nginx.pid); sleep 0.3; curl -sS http://127.0.0.1/ > /dev/null",
      "head -c 50000 /dev/zero | curl -sS --data-binary @- http://127.0.0.1/up",
      "curl -sS http://127.0.0.1/try/this > /dev/null",
      "curl -sSL http://127.0.0.1/old > /dev/null",
      "kill -USR1 $(cat @/nginx.pid); sleep 0.2",
      "curl -sS http://127.0.0.1/a.txt http://127.0.0.1/deny > /dev/null",
      "for i in 1 2 3 4; do curl -sS http://127.0.0.1/large > /dev/null & done; wait"};
  std::string config = "user www-data;\nworker_processes " + std::to_string(1 + chance.Below(3)) + ";\npid @/nginx.pid;\nevents { worker_connections 64; }\nhttp {\n  include /etc/nginx/mime.types;\n  access_log @/access.log;\n  error_log @/error.log;\n";
  for (const std::string& one : chance.Some(http, 0, 4)) config += "  " + one + "\n";
  config += "  server {\n    listen 80;\n    root /var/www/html;\n";
  for (const std::string& one : chance.Some(places, 1, 6)) config += "    " + one + "\n";
  config += "  }\n}\n";
  std::string out = "file @/nginx.conf <<END\n" + config + "END\nfile @/users <<END\na:{PLAIN}b\nEND\nfile /var/www/html/index.html <<END\na page\nEND\nfile /var/www/html/missing.html <<END\nnot here\nEND\nfile /var/www/html/a.txt <<END\ntext\nEND\nfile /var/www/html/auth/index.html <<END\nin\nEND\nfile /var/www/html/list/one <<END\none\nEND\nfolder /var/log/nginx\nfolder /var/lib/nginx\n";
  out += "prepare chmod 755 @; head -c 300000 /dev/zero > /var/www/html/large; mkdir -p /srv/behind; echo behind > /srv/behind/index.html; cd /srv/behind && /usr/bin/python3 -m http.server 8000 > /dev/null 2>&1 &\nwait port 8000\ndirectory @\nstart nginx -c @/nginx.conf -g 'daemon off;'\nwait port 80\n";
  for (const std::string& one : chance.Some(clients, 2, 5)) out += "client " + one + "\n";
  return out + "stop QUIT\n";
}

}  // namespace ravelin::learning

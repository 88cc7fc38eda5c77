# nginx: files, uploads, a regular expression that is compiled, an upstream, log reopening, reload.
set -e
mkdir -p /run/nginx /run/www/uploads
chown -R www-data /run/nginx /run/www
echo page >/run/www/index.html
head -c 300000 /dev/zero >/run/www/large
cat >/run/nginx.conf <<'END'
user www-data;
worker_processes 2;
pcre_jit on;
pid /run/nginx/pid;
error_log /var/log/nginx/error.log info;
events { worker_connections 128; }
http {
  access_log /var/log/nginx/access.log;
  client_body_temp_path /run/nginx/body;
  proxy_temp_path /run/nginx/proxy;
  proxy_cache_path /run/nginx/cache keys_zone=cache:1m;
  fastcgi_temp_path /run/nginx/fastcgi;
  uwsgi_temp_path /run/nginx/uwsgi;
  scgi_temp_path /run/nginx/scgi;
  sendfile on;
  open_file_cache max=100;
  server {
    listen unix:/run/nginx/upstream.sock;
    root /run/www;
    client_max_body_size 1m;
    client_body_in_file_only on;
    location = /upload { client_body_buffer_size 1k; return 204; }
  }
  server {
    listen 127.0.0.1:8080;
    root /run/www;
    location ~ ^/number/(\d+)$ { return 200 "$1\n"; }
    location /cached/ { proxy_cache cache; proxy_cache_valid 1m; proxy_pass http://unix:/run/nginx/upstream.sock:/; }
    location = /upload { proxy_pass http://unix:/run/nginx/upstream.sock:/upload; }
  }
}
END
nginx -q -t -c /run/nginx.conf
nginx -c /run/nginx.conf
get() { curl -sSf --retry 5 --retry-connrefused "http://127.0.0.1:8080/$1"; }
test "$(get index.html)" = page
for i in $(seq 30); do
  test "$(get "number/$i")" = "$i"
  get cached/large >/run/large
  cmp /run/large /run/www/large
done
curl -sSf --data-binary @/run/www/large http://127.0.0.1:8080/upload
mv /var/log/nginx/access.log /var/log/nginx/access.log.1
nginx -c /run/nginx.conf -s reopen
nginx -c /run/nginx.conf -s reload
sleep 0.5
get index.html >/dev/null
grep -q 'GET /number/30' /var/log/nginx/access.log.1
grep -q 'GET /index.html' /var/log/nginx/access.log
nginx -c /run/nginx.conf -s quit
while [ -e /run/nginx/pid ]; do sleep 0.1; done

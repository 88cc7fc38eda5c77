# An init container renders settings and data into the shared volume, and the service reads them.
set -e
if [ "$1" = init ]; then
  mkdir -p /data/config /data/certificates
  echo 'port = 8080' >/data/config/app.conf
  (umask 077 && head -c 32 /dev/urandom | base64 >/data/certificates/key.pem)
  tar -C /etc -cf - ssl | tar -C /data/certificates -xf -
  cp /etc/os-release /data/config/
  chown -R 1000:1000 /data/config
  exit
fi
grep -q 8080 /data/config/app.conf
setpriv --reuid 1000 --regid 1000 --clear-groups sh -c '. /data/config/os-release; echo "$ID" >/data/config/seen'
test "$(cat /data/config/seen)" = debian
test -s /data/certificates/key.pem

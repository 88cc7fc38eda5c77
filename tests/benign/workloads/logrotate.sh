# logrotate: a service that writes on, its logs renamed and compressed, copied and truncated.
set -e
mkdir -p /var/log/app /run/app
cat >/run/service.sh <<'END'
open() { exec 3>>/var/log/app/renamed.log; }
trap open HUP
open
while [ -e /run/app ]; do
  echo "$(date) line" >&3
  echo line >>/var/log/app/truncated.log
  sleep 0.02
done
END
sh /run/service.sh &
service=$!
cat >/etc/logrotate.d/app <<END
/var/log/app/renamed.log {
  rotate 3
  create 0640 root adm
  compress
  sharedscripts
  postrotate
    kill -HUP $service
    echo rotated >>/run/rotated
  endscript
}
/var/log/app/truncated.log {
  rotate 2
  copytruncate
  nocompress
}
END
for i in 1 2 3; do
  sleep 0.3
  logrotate -f -s /var/lib/logrotate.state /etc/logrotate.d/app
done
rmdir /run/app
wait
test "$(wc -l </run/rotated)" = 3
zcat /var/log/app/renamed.log.2.gz | grep -q line
test -s /var/log/app/truncated.log.1

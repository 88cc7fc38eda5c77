# s6 supervises a service from the image's own service directory: up, restarted, down.
set -e
s6-svscan /etc/s6 &
until grep -qx up /run/s6-web.log 2>/dev/null; do sleep 0.05; done
s6-svc -wr -T 5000 -r /etc/s6/web
until [ "$(grep -cx up /run/s6-web.log)" = 2 ]; do sleep 0.05; done
s6-svc -wD -T 5000 -d /etc/s6/web
grep -qx down /run/s6-web.log
s6-svscanctl -t /etc/s6
wait

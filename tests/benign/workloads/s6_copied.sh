# As s6-overlay does, service directories are copied at each start; s6 runs the copied scripts.
set -e
cp -R /etc/s6 /run/service
s6-svscan /run/service &
until grep -qx up /run/s6-web.log 2>/dev/null; do sleep 0.05; done
s6-svscanctl -t /run/service
wait
grep -qx down /run/s6-web.log

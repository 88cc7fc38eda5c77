# A program that unpacks a library and a helper below /tmp and uses them.
set -e
for i in 1 2 3; do /srv/app/bin/one-file; done
ls /tmp/_MEI* >/dev/null 2>&1 && exit 1
setpriv --reuid nobody --regid nogroup --clear-groups /srv/app/bin/one-file

# chown and chmod copy image binaries up; their bytes stay the image's, so they run.
set -e
chown -R 1000:1000 /usr/bin
chown -R 0:0 /usr/bin
chmod -R go-w /usr/bin
touch -c /usr/bin/env  # without -c, GNU touch opens the file for writing
env true
bash -c true
python3 -c 'pass'
chmod 644 /usr/bin/sort
chmod 755 /usr/bin/sort
echo a | sort >/dev/null

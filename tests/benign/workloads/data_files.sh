# Data comes, changes and goes, beside the executables too.
set -e
mkdir -p /var/app/log /usr/local/share/app
for i in 1 2 3 4 5; do echo "line $i" >>/var/app/log/a.log; done
sed -i s/line/entry/ /var/app/log/a.log
grep -q 'entry 5' /var/app/log/a.log
mv /var/app/log/a.log /var/app/log/a.log.1
tar -C /var/app -cf /tmp/app.tar log
tar -C /usr/local/share/app -xf /tmp/app.tar
ln -s log/a.log.1 /usr/local/share/app/current
cat /usr/local/share/app/current >/dev/null
echo setting >/etc/app.conf
echo data >/usr/bin/app.data
truncate -s 1M /tmp/sparse
dd if=/dev/zero of=/tmp/block bs=4k count=8 2>/dev/null
rm -r /usr/bin/app.data /tmp/sparse /tmp/block /usr/local/share/app /var/app

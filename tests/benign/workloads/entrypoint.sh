# An entrypoint that puts its image in order: owners, modes, an account, settings from templates;
# then it starts the service as that account. Its files were shipped without x bits.
set -e
useradd -r -M -d /srv/app service
chown -R service:service /srv/app
chmod +x /srv/app/bin/*
chmod -R g+w /srv/app/bin
sed "s/@port@/8080/" >/etc/service.conf <<'END'
port = @port@
END
ln -sf /srv/app/bin/service /usr/local/bin/app-service
setpriv --reuid service --regid service --init-groups /srv/app/bin/service | grep -qv 'of 0'
/usr/local/bin/app-service >/dev/null
mkdir -p /var/lib/service
chown service /var/lib/service
setpriv --reuid service --regid service --clear-groups sh -c 'echo state >/var/lib/service/state'

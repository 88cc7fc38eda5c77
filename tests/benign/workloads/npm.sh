# npm installs a package with a program, for the whole image and for one project.
set -e
export HOME=/root npm_config_offline=true npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
npm install --silent -g /srv/packages/hello-cli-1.0.0.tgz >/dev/null
test "$(/usr/local/bin/hello-cli)" = hello
mkdir -p /workspace/project
cd /workspace/project
npm init -y >/dev/null
npm install --silent /srv/packages/hello-cli-1.0.0.tgz >/dev/null
test "$(npx hello-cli)" = hello

# A repository that holds settings only is cloned and kept up to date, without git's sample hooks.
set -e
export GIT_AUTHOR_NAME=none GIT_AUTHOR_EMAIL=none@example.test
export GIT_COMMITTER_NAME=none GIT_COMMITTER_EMAIL=none@example.test
mkdir -p /workspace
cd /workspace
git init -q -b main --template= origin
echo one >origin/app.conf
git -C origin add app.conf
git -C origin commit -q -m one
git clone -q --template= file:///workspace/origin clone
echo two >origin/app.conf
git -C origin commit -q -a -m two
git -C clone pull -q
grep -q two clone/app.conf
git -C clone gc -q

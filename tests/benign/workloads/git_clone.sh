# A clone has scripts and programs in it, and git brings its hooks' samples.
set -e
mkdir -p /workspace
cd /workspace
git clone -q file:///srv/repository.git app
cd app
./build.sh >/dev/null
./tools/helper
git checkout -q -b change
echo more >>README
sed -i '$a # changed' build.sh
git -c user.name=none -c user.email=none@example.test commit -q -a -m change
git checkout -q main
git gc -q

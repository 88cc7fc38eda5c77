# Node.js: a server whose handler gets compiled to machine code, worker threads, WebAssembly, child
# processes, a watched directory, streams to a volume.
set -e
cat >/data/server.js <<'END'
const {execFile} = require('child_process')
const fs = require('fs')
const http = require('http')
const {Worker} = require('worker_threads')

const sum = (rounds) => { let s = 0; for (let i = 0; i < rounds; i++) s = (s * 31 + i) | 0; return s }
for (let i = 0; i < 300; i++) sum(20000)
const wasm = Buffer.from('0061736d010000000105016000017f030201000707010361736b00000a06010400412a0b', 'hex')
if (new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports.ask() !== 42) process.exit(3)

fs.mkdirSync('/data/files')
let changes = 0
const watcher = fs.watch('/data/files', () => changes++)
const server = http.createServer((request, response) => {
  const name = `/data/files/${request.url.slice(1)}`
  const file = fs.createWriteStream(name)
  file.end(String(sum(50000)), () => execFile('ls', ['/data/files'], (error, out) => response.end(out)))
})
server.listen('/run/node.sock')
process.on('SIGTERM', () => {
  new Worker('require("fs").writeFileSync("/data/worker", "done")', {eval: true}).on('exit', () => {
    watcher.close()
    server.close(() => process.exit(changes > 0 ? 0 : 4))
  })
})
END
node /data/server.js &
until [ -S /run/node.sock ]; do sleep 0.1; done
for i in $(seq 30); do
  curl -sSf --unix-socket /run/node.sock "http://localhost/$i" | grep -qx "$i"
done
kill -TERM $!
wait $!
test "$(cat /data/worker)" = done

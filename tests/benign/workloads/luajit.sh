# LuaJIT: traces compiled to machine code, C functions by its foreign function interface.
set -e
cat >/tmp/loop.lua <<'END'
local ffi = require("ffi")
ffi.cdef[[ int getpid(void); void qsort(void *, size_t, size_t, int (*)(const int *, const int *)); ]]
local sum = 0
for i = 1, 2e7 do sum = (sum * 31 + i) % 1000003 end
local numbers = ffi.new("int[3]", {3, 1, 2})
local compare = ffi.cast("int (*)(const int *, const int *)", function(a, b) return a[0] - b[0] end)
ffi.C.qsort(numbers, 3, 4, compare)
assert(numbers[0] == 1 and numbers[2] == 3 and ffi.C.getpid() > 0)
assert(jit.status())
END
luajit /tmp/loop.lua
luajit -b /tmp/loop.lua /tmp/loop.luac
luajit /tmp/loop.luac

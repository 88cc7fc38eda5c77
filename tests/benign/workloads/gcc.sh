# A compile job: objects, a library, programs, an install target, tests that are run.
set -e
mkdir -p /workspace/project
cd /workspace/project
cat >answer.c <<'END'
int answer(void) { return 42; }
END
cat >main.c <<'END'
int answer(void);
int main(void) { return answer() == 42 ? 0 : 1; }
END
cat >Makefile <<'END'
all: program static
program: main.o libanswer.so
	gcc -o $@ main.o -L. -lanswer -Wl,-rpath,'$$ORIGIN'
static: main.c answer.c
	gcc -O2 -flto -o $@ $^
libanswer.so: answer.c
	gcc -shared -fPIC -o $@ $^
install: all
	install -D -m 755 static ../out/bin/program
	install -D -m 644 libanswer.so ../out/lib/libanswer.so
END
make -s all install
./program
./static
../out/bin/program
sed -i s/42/43/ answer.c
make -s static
strip static

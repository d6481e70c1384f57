#!/bin/sh
# Installs what the benchmarks compare with and compiles the workloads (Debian, as root).
set -e
cd "$(dirname "$0")"
missing=""
for tool in bpftrace perf:linux-perf trace-cmd lua5.4 luajit cc:gcc time; do
  command -v "${tool%%:*}" >/dev/null 2>&1 || missing="$missing ${tool##*:}"
done
if [ -n "$missing" ]; then
  apt-get update -q && apt-get install -qy $missing
fi
mkdir -p ../build/bench
for source in workloads/*.c; do
  name=$(basename "$source" .c)
  [ "../build/bench/$name" -nt "$source" ] || cc -O2 -pthread -o "../build/bench/$name" "$source"
done

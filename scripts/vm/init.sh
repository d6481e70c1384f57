#!/usr/bin/busybox sh
# The first program of the emulated machine: file systems, modules, the loopback device; then guest.js does the job, or a
# shell opens on the console (`interactive` on the kernel's command line). Halts at the end.
/usr/bin/busybox mount -t proc proc /proc
/usr/bin/busybox mount -t sysfs sysfs /sys
/usr/bin/busybox mount -t devtmpfs dev /dev
# Packages' own programs stay: links are made only where there is none.
/usr/bin/busybox --install -s /usr/bin 2>/dev/null
export PATH=/usr/bin:/usr/sbin HOME=/root TERM=linux
mkdir -p /dev/pts /dev/shm /tmp /sys/fs/cgroup
mount -t devpts devpts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
mount -t cgroup2 cgroup /sys/fs/cgroup
ln -s /proc/self/fd /dev/fd
ldconfig
hostname vm
ip link set lo up
while read -r module; do insmod "/modules/$module.ko"; done </modules/order
cd /ktap
if grep -q interactive /proc/cmdline; then
  setsid cttyhack sh
else
  # The port that carries results and nothing else: the second of a PC, the first of the PCI card elsewhere.
  port=/dev/ttyS1
  [ "$(uname -m)" = x86_64 ] || port=/dev/ttyS0
  stty -F $port raw -echo
  node --enable-source-maps scripts/vm/guest.js >$port
fi
reboot -f

// What the live tests make the kernel do, so that many kinds of events occur: files and file systems, tasks, signals,
// timers, memory, pipes, sockets, network devices. Everything happens in a temporary folder and in namespaces of its own.
// Programs that a machine lacks are passed over.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support.js';

const FILES = `
dd if=/dev/urandom of=a bs=64k count=20
cp a b; mv b c; ln a d; ln -s a e; rm d; truncate -s 100 c
fallocate -l 1M f; fallocate -p -o 4096 -l 8192 f
sync; cat a > /dev/null
mkdir x; rmdir x; chmod 600 a; chown 1:1 a; touch -d yesterday a
`;

/** A file system of its own in a file: everything that a large one does seldom. */
const FILE_SYSTEM = `
dd if=/dev/zero of=image bs=1M count=32
mkfs.ext4 -q image
mkdir m
if mount -o loop image m; then
  cp a m/
  dd if=/dev/zero of=m/z bs=4k count=100 oflag=direct
  dd if=m/z of=/dev/null bs=4k iflag=direct
  mkdir m/d; for i in 1 2 3 4 5 6; do echo $i > m/d/f$i; done; rm -r m/d
  fstrim m; sync; mv m/a m/b; truncate -s 10 m/b
  umount m
fi
mkdir t
if mount -t tmpfs none t; then echo x > t/y; cat t/y; umount t; fi
`;

const TASKS = `
ionice -c3 true; chrt -f 5 true; chrt -o 0 true; taskset 1 true; nice -n 5 true
renice -n 3 $$
timeout 0.05 sleep 1
sleep 0.1 & kill -USR1 $!; wait
sh -c 'kill -TERM $$'
(ulimit -n 100; true)
echo a b c | cat | wc -c
cgroup=/sys/fs/cgroup/cpu/ktap-text-test
if mkdir $cgroup; then sh -c "echo \\$\\$ > $cgroup/tasks; true"; rmdir $cgroup; fi
`;

const NETWORK_DEVICES = `
unshare -n sh -c '
  ip link set lo up; ip addr add 10.9.9.1/24 dev lo
  ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up
  ip addr add 10.8.8.1/24 dev v0; tc qdisc add dev v0 root pfifo
  ip neigh add 10.8.8.2 lladdr 02:00:00:00:00:01 dev v0; ip neigh del 10.8.8.2 dev v0
  ping -c1 -W1 127.0.0.1; ip route get 10.8.8.5; ip -6 route get ::1
  ip link del v0'
`;

/** Disks that may be overwritten (those of the emulated machine), and a module of the kernel. */
const DISKS = `
# First: unloading a module with events empties all buffers.
if [ -n "$KTAP_TEST_DISKS" ]; then
  for module in veth null_blk; do rmmod $module; insmod /modules/$module.ko; done
  echo 1 > /sys/bus/pci/rescan
fi
for disk in $KTAP_TEST_DISKS; do
  dd if=$disk of=/dev/null bs=64k count=16 iflag=direct
  dd if=/dev/urandom of=$disk bs=4k count=64 oflag=direct
  mkfs.ext4 -q $disk
  mkdir -p disk
  if mount $disk disk; then
    dd if=/dev/zero of=disk/a bs=64k count=32; sync; cp disk/a disk/b; echo 3 > /proc/sys/vm/drop_caches
    cat disk/b > /dev/null; ls -lR disk; rm disk/a; ln -s b disk/c; fstrim disk; mv disk/b disk/e
    umount disk
  fi
done
`;

const SOCKETS_AND_THREADS = `
import dgram from 'node:dgram';
import net from 'node:net';
import { Worker } from 'node:worker_threads';

const exchange = (listen, connect) => new Promise((done) => {
  const server = net.createServer((socket) => socket.end('x'.repeat(50000)));
  server.on('error', done);
  server.listen(...listen, () => {
    const client = net.connect(...connect(server.address()));
    client.on('data', () => {});
    client.on('error', () => {});
    client.on('close', () => server.close(done));
  });
});
await exchange([0, '127.0.0.1'], (address) => [address.port, '127.0.0.1']);
await exchange([0, '::1'], (address) => [address.port, '::1']);
await exchange(['socket'], () => ['socket']);
// Nobody listens: a reset.
await new Promise((done) => net.connect(1, '127.0.0.1').on('error', done));
await new Promise((done) => {
  const socket = dgram.createSocket('udp4');
  socket.on('message', () => socket.close(done));
  socket.bind(0, '127.0.0.1', () => socket.send('hello', socket.address().port, '127.0.0.1'));
});
const bytes = Buffer.alloc(16 << 20, 1);
for (let i = 0; i < bytes.length; i += 4096) bytes[i]++;
await new Promise((done) => {
  const wait = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)';
  new Worker(wait, { eval: true }).on('exit', done);
});
for (let i = 0; i < 5; i++) await new Promise((done) => setTimeout(done, 3));
`;

/** Files, file systems, tasks and network, once. */
export async function everything(): Promise<void> {
  await inFolder(async (folder) => {
    await run('sh', ['-c', FILES + FILE_SYSTEM + TASKS + NETWORK_DEVICES], { cwd: folder });
    await sockets(folder);
  });
}

/** What disks and drivers do; nothing where no disk may be overwritten. */
export async function disks(): Promise<void> {
  await inFolder(async (folder) => {
    await run('sh', ['-c', DISKS], { cwd: folder });
  });
}

/** A short one, for events that occur all the time. */
export async function aLittle(): Promise<void> {
  await inFolder(async (folder) => {
    await run('sh', ['-c', FILES], { cwd: folder });
    await sockets(folder);
  });
}

async function sockets(folder: string): Promise<void> {
  writeFileSync(`${folder}/sockets.mjs`, SOCKETS_AND_THREADS);
  await run(process.execPath, ['sockets.mjs'], { cwd: folder });
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ktap-text-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

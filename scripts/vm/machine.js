// The emulated machine: one run of qemu with a kernel and its archives, from the start to the end of guest.js.

import { spawn } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createInterface } from 'node:readline';

/** What differs between processors. */
const MACHINES = {
  x86_64: {
    qemu: ['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max'],
    console: 'ttyS0',
    disks: ['sda', 'sdb', 'vda'],
    ata: ['-device', 'ide-hd,drive=disk0'],
    results: ['-serial', 'stdio'],
  },
  aarch64: {
    qemu: ['qemu-system-aarch64', '-accel', 'tcg,thread=multi', '-M', 'virt', '-cpu', 'max'],
    console: 'ttyAMA0',
    disks: ['sda', 'vda'],
    ata: [],
    results: ['-chardev', 'stdio,id=results,signal=off', '-device', 'pci-serial,chardev=results'],
  },
};

export const qemuOf = (machine) => MACHINES[machine].qemu[0];

/** The machine's empty disks, which tests may overwrite: of ATA (on a PC), SCSI and virtio. */
export const disksOf = (machine) => MACHINES[machine].disks.map((name) => `/dev/${name}`);

const DISK_BYTES = 32 << 20;

function disks(about, folder) {
  const args = [];
  for (const name of ['disk0', 'disk1', 'disk2']) {
    writeFileSync(`${folder}/${name}`, '');
    truncateSync(`${folder}/${name}`, DISK_BYTES);
    args.push('-drive', `if=none,id=${name},format=raw,discard=unmap,file=${folder}/${name}`);
  }
  return [
    ...args,
    ...about.ata,
    ...['-device', 'virtio-scsi-pci', '-device', 'scsi-hd,drive=disk1', '-device', 'virtio-blk-pci,drive=disk2'],
  ];
}

/**
 * Boots a machine and waits for its end.
 * @param options machine (uname's name of the processor), kernel (path), archives (buffers), cpus, seconds (limit),
 *   interactive (the console is the terminal, there are no results), onResult (each of guest.js's values)
 * @returns what went wrong with the machine itself, with the last lines of its console; undefined when all went well
 */
export async function boot({ machine, kernel, archives, cpus, seconds, interactive, onResult }) {
  const about = MACHINES[machine];
  const folder = `build/vm/run-${process.pid}`;
  mkdirSync(folder, { recursive: true });
  try {
    const initrd = `${folder}/initrd`;
    const fd = openSync(initrd, 'w');
    for (const archive of archives) for (let at = 0; at < archive.length; ) at += writeSync(fd, archive, at);
    closeSync(fd);
    const log = `${folder}/console`;
    const args = [
      ...about.qemu.slice(1),
      ...['-m', '2048', '-smp', String(cpus), '-display', 'none', '-monitor', 'none', '-nodefaults', '-no-reboot'],
      ...(interactive ? ['-serial', 'mon:stdio'] : ['-serial', `file:${log}`, ...about.results]),
      ...disks(about, folder),
      ...['-kernel', kernel, '-initrd', initrd],
      '-append',
      // Texts are compared with plain pointers; of Linux before 6.13, options/hash-ptr alone would lose strings.
      `console=${about.console} panic=-1 quiet no_hash_pointers ${interactive ? 'interactive' : ''}`,
    ];
    const child = spawn(about.qemu[0], args, { stdio: interactive ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    const stop = () => child.kill('SIGKILL');
    process.once('exit', stop);
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      stop();
    }, seconds * 1000);
    let exited = false;
    let complaints = '';
    if (!interactive) {
      child.stderr.on('data', (chunk) => (complaints += chunk));
      // Before guest.js the port carries the firmware's greeting.
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (!line.startsWith('{')) return;
        const result = JSON.parse(line);
        if ('exit' in result) exited = true;
        onResult(result);
      });
    } else clearTimeout(limit);
    await ended;
    clearTimeout(limit);
    process.off('exit', stop);
    if (interactive || exited) return undefined;
    const why = timedOut ? `it was not done after ${seconds} s` : 'it ended before its job';
    copyFileSync(log, 'build/vm/console');
    const tail = readFileSync(log, 'latin1').split('\n').slice(-25).join('\n');
    return `${why}\n${complaints}${tail}\n(the whole console: build/vm/console)`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

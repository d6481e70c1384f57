// The emulated machine's root file system, as three archives for the kernel to unpack one after the other: programs of
// Debian and Node (kept), modules of the kernel (kept), and the project as it is now with the job to do.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Archive } from './cpio.js';
import { ARCHITECTURES, unpacked, unpackedFromNpm } from './debian.js';

/** What tests call; busybox stands in for the rest. */
const PACKAGES = [
  'busybox-static',
  'libc6',
  'libc-bin',
  'libgcc-s1',
  'libstdc++6',
  'libcrypt1',
  'dash',
  'perl-base',
  // mkfs.ext4
  'e2fsprogs',
  'libext2fs2',
  'libcom-err2',
  'libblkid1',
  'libuuid1',
];

/** Modules with the drivers and file systems whose events are tested; those that they depend on come along. */
const MODULES = [
  'loop',
  'ext4',
  // What ext4 asks for without naming it as a dependency.
  'crc32c_generic',
  'veth',
  'virtio_pci',
  'virtio_mmio',
  'virtio_blk',
  'virtio_scsi',
  'sd_mod',
  'ata_piix',
  'null_blk',
];

/** Documentation, translations, and what only other programs would load. */
const UNWANTED = /^usr\/(share\/(?!perl)|lib\/[^/]+\/(gconv|audit)\/|include\/)|^(boot|etc\/(cron|init))/;

/** Where the project lies in the machine. */
export const PROJECT = 'ktap';

/** The archive with user land for a processor. */
export function userLand(machine) {
  const architecture = ARCHITECTURES[machine];
  const own = process.arch === { x86_64: 'x64', aarch64: 'arm64' }[machine];
  const file = `build/vm/user-land-${machine}-${digest(PACKAGES.join(), process.version, String(UNWANTED))}.cpio`;
  if (existsSync(file)) return readFileSync(file);
  const archive = new Archive();
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) archive.link(name, `usr/${name}`);
  for (const name of ['dev', 'proc', 'sys', 'run', 'root', 'var']) archive.folder(name);
  for (const name of PACKAGES) archive.tree(unpacked(name, architecture), '', (path) => !UNWANTED.test(path));
  const node = own
    ? process.execPath
    : `${unpackedFromNpm(`node-linux-${architecture}`, process.versions.node)}/bin/node`;
  archive.file('usr/bin/node', readFileSync(node), 0o755);
  archive.link('usr/bin/sh', 'dash');
  archive.file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n');
  archive.file('etc/group', 'root:x:0:\n');
  archive.file('etc/hosts', '127.0.0.1 localhost vm\n::1 localhost\n');
  archive.file('etc/hostname', 'vm\n');
  return kept(file, archive);
}

/** The archive with a kernel's modules, in the order in which they can be loaded. */
export function modules(kernel, architecture, more = []) {
  const wanted = [...MODULES, ...more];
  const file = `build/vm/modules-${kernel.release}-${digest(wanted.join())}.cpio`;
  if (existsSync(file)) return readFileSync(file);
  const folder = `${unpacked(kernel.package, architecture)}/lib/modules/${kernel.release}/kernel`;
  const found = new Map();
  for (const path of readdirSync(folder, { recursive: true })) {
    const name = /([^/]+)\.ko(\.xz)?$/.exec(path)?.[1];
    if (name !== undefined) found.set(name.replaceAll('-', '_'), `${folder}/${path}`);
  }
  const archive = new Archive();
  const order = [];
  const add = (name) => {
    const path = found.get(name.replaceAll('-', '_'));
    // Built in, or not for this processor.
    if (path === undefined || order.includes(name)) return;
    const bytes = path.endsWith('.xz') ? execFileSync('xz', ['-dc', path], { maxBuffer: 1 << 28 }) : readFileSync(path);
    const depends = /\0depends=([^\0]*)\0/.exec(bytes.toString('latin1'))?.[1] ?? '';
    for (const each of depends.split(',')) if (each !== '') add(each);
    order.push(name);
    archive.file(`modules/${name}.ko`, bytes);
  };
  for (const name of wanted) add(name);
  archive.file('modules/order', order.map((name) => `${name}\n`).join(''));
  return kept(file, archive);
}

/** The archive with the project, the bundled tests and the job (guest.js says what it holds). */
export function project(machine, job, bundles) {
  const archive = new Archive();
  archive.file('init', readFileSync('scripts/vm/init.sh'), 0o755);
  for (const folder of ['bin', 'dist', 'docs', 'samples', 'test', 'scripts'])
    archive.tree(folder, `${PROJECT}/${folder}`);
  for (const name of ['package.json', 'README.md']) archive.file(`${PROJECT}/${name}`, readFileSync(name));
  if (bundles !== undefined) archive.tree(bundles, `${PROJECT}/${bundles}`);
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const name of [
    ...Object.keys(dependencies),
    'uvu',
    'dequal',
    'diff',
    'kleur',
    'sade',
    'mri',
    'fzstd',
    'fast-check',
    'pure-rand',
  ])
    if (existsSync(`node_modules/${name}`)) archive.tree(`node_modules/${name}`, `${PROJECT}/node_modules/${name}`);
  const koffi = `@koromix/koffi-linux-${machine === 'x86_64' ? 'x64' : 'arm64'}`;
  const { version } = JSON.parse(readFileSync('node_modules/koffi/package.json', 'utf8'));
  const native = existsSync(`node_modules/${koffi}`) ? `node_modules/${koffi}` : unpackedFromNpm(koffi, version);
  archive.tree(native, `${PROJECT}/node_modules/${koffi}`);
  archive.file(`${PROJECT}/job.json`, JSON.stringify(job));
  return archive.bytes();
}

function kept(file, archive) {
  const bytes = archive.bytes();
  mkdirSync('build/vm', { recursive: true });
  writeFileSync(file, bytes);
  return bytes;
}

/** Names what an archive was made of: another list makes another file. */
function digest(...parts) {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
}

// Packages of Debian for the emulated machine: found by an apt of our own (its lists and settings are below build/vm/; of
// the machine's only the address of its archive is used, and nothing is changed), unpacked beside them. What was fetched
// once is kept.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const FOLDER = resolve('build/vm');
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** The release whose user land the machine gets; kernels come from its backports too. */
const SUITE = 'bookworm';
const LISTS_LAST = 7 * 24 * 3600 * 1000;

/** Debian's name of a processor that uname knows by another. */
export const ARCHITECTURES = { x86_64: 'amd64', aarch64: 'arm64' };

/** The programs needed here that are not there. */
export function missingPrograms(qemu) {
  const folders = (process.env.PATH ?? '').split(':');
  const missing = [qemu, 'apt-get', 'apt-cache', 'dpkg-deb', 'xz'].filter(
    (program) => !folders.some((folder) => existsSync(`${folder}/${program}`)),
  );
  if (!existsSync(KEYRING)) missing.push(KEYRING);
  return missing;
}

const SETTINGS = [
  `Dir::Etc::sourcelist=${FOLDER}/debian.sources`,
  'Dir::Etc::sourceparts=/dev/null',
  `Dir::State::lists=${FOLDER}/apt/lists`,
  `Dir::Cache=${FOLDER}/apt/cache`,
  'APT::Architecture=amd64',
  'APT::Architectures::=amd64',
  'APT::Architectures::=arm64',
  'APT::Sandbox::User=root',
  'Acquire::Languages=none',
].flatMap((setting) => ['-o', setting]);

function apt(program, args, options = {}) {
  return execFileSync(program, [...SETTINGS, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
}

/** Debian's archive: $KTAP_DEBIAN_MIRROR, else where this machine's apt has its release from. Throws where it has none. */
function mirror() {
  const named = process.env.KTAP_DEBIAN_MIRROR;
  if (named !== undefined) return named;
  const targets = execFileSync(
    'apt-get',
    ['indextargets', '--format', '$(RELEASE) $(REPO_URI)', 'Created-By: Packages'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  // `bookworm`, not `bookworm-security`, whose archive is another.
  const archive = /^[a-z]+ (\S+?)\/?$/m.exec(targets)?.[1];
  if (archive === undefined) throw new Error('apt here has no archive of Debian: name one in KTAP_DEBIAN_MIRROR');
  return archive;
}

/** Makes apt's lists, or renews them where they are old; old ones do where there is no network. */
export function updateLists() {
  const stamp = `${FOLDER}/apt/updated`;
  if (existsSync(stamp) && Date.now() - statSync(stamp).mtimeMs < LISTS_LAST) return;
  const archive = mirror();
  mkdirSync(`${FOLDER}/apt/lists/partial`, { recursive: true });
  mkdirSync(`${FOLDER}/apt/cache/archives/partial`, { recursive: true });
  writeFileSync(
    `${FOLDER}/debian.sources`,
    `Types: deb\nURIs: ${archive}\nSuites: ${SUITE} ${SUITE}-backports\nComponents: main\nArchitectures: amd64 arm64\nSigned-By: ${KEYRING}\n`,
  );
  try {
    apt('apt-get', ['update', '--error-on=any']);
    writeFileSync(stamp, '');
  } catch (error) {
    if (!existsSync(stamp)) throw new Error(`the lists of ${archive} cannot be fetched:\n${error.stderr}`);
  }
}

/** The kernels that Debian offers for an architecture, newest last: `{ release: '6.1.0-50-amd64', package: … }`. */
export function kernels(architecture) {
  const text = apt('apt-cache', ['show', `linux-image-${architecture}:${architecture}`]);
  return [...text.matchAll(/^Depends:.*\blinux-image-(\S+)/gm)]
    .map((found) => ({ release: found[1], package: `linux-image-${found[1]}` }))
    .reverse();
}

/** Unpacks a package; answers the folder of its files. */
export function unpacked(name, architecture) {
  const folder = `${FOLDER}/packages/${architecture}/${name}`;
  if (existsSync(folder)) return folder;
  const work = `${FOLDER}/fetch-${process.pid}`;
  mkdirSync(work, { recursive: true });
  mkdirSync(`${FOLDER}/packages/${architecture}`, { recursive: true });
  try {
    apt('apt-get', ['download', `${name}:${architecture}`], { cwd: work });
    const file = readdirSync(work).find((each) => each.endsWith('.deb'));
    execFileSync('dpkg-deb', ['-x', `${work}/${file}`, `${work}/files`]);
    renameSync(`${work}/files`, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** Unpacks a package of npm (a program for another processor); answers the folder of its files. */
export function unpackedFromNpm(name, version) {
  const folder = `${FOLDER}/packages/npm/${name}-${version}`;
  if (existsSync(folder)) return folder;
  const work = `${FOLDER}/fetch-${process.pid}`;
  mkdirSync(work, { recursive: true });
  mkdirSync(resolve(folder, '..'), { recursive: true });
  try {
    execFileSync('npm', ['pack', '--silent', `${name}@${version}`, '--pack-destination', work], { stdio: 'pipe' });
    const file = readdirSync(work).find((each) => each.endsWith('.tgz'));
    execFileSync('tar', ['-xzf', `${work}/${file}`, '-C', work]);
    renameSync(`${work}/package`, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

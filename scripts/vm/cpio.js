// Archives that the kernel unpacks into its first root file system: the "newc" form, as the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst describes it:
//
//   "070701", 13 numbers of 8 hexadecimal digits (inode, mode, uid, gid, links, mtime, size, device (2), special (2), length
//   of the name with its NUL, checksum 0), the name with its NUL, padding to 4, the contents, padding to 4; at the end an
//   entry named TRAILER!!!. Several archives may follow each other.

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

const FOLDER = 0o040755;
const LINK = 0o120777;
const FILE = 0o100000;

/** Where Debian keeps what its packages still put into the root: /bin is a link to /usr/bin. */
const merged = (path) => path.replace(/^(bin|sbin|lib|lib64)(?=\/|$)/, 'usr/$1');

export class Archive {
  #parts = [];
  #folders = new Set(['']);
  #inode = 1;

  /** A file of these bytes. */
  file(path, contents, mode = 0o644) {
    this.#entry(merged(path), FILE | mode, typeof contents === 'string' ? Buffer.from(contents) : contents);
  }

  link(path, target) {
    this.#entry(path, LINK, Buffer.from(target));
  }

  folder(path) {
    const name = merged(path);
    if (this.#folders.has(name)) return;
    this.#folders.add(name);
    this.#entry(name, FOLDER, Buffer.alloc(0));
  }

  /** A folder of this machine with all below it that `wanted` accepts. */
  tree(from, to = '', wanted = () => true) {
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const path = to === '' ? entry.name : `${to}/${entry.name}`;
      const source = `${from}/${entry.name}`;
      if (!wanted(path)) continue;
      if (entry.isDirectory()) this.tree(source, path, wanted);
      else if (entry.isSymbolicLink()) this.link(merged(path), readlinkSync(source));
      else this.file(path, readFileSync(source), lstatSync(source).mode & 0o777);
    }
  }

  bytes() {
    const end = [...this.#parts, ...this.#encoded('TRAILER!!!', 0, Buffer.alloc(0))];
    return Buffer.concat(end);
  }

  #entry(path, mode, contents) {
    const above = path.slice(0, Math.max(path.lastIndexOf('/'), 0));
    if (above !== '') this.folder(above);
    this.#parts.push(...this.#encoded(path, mode, contents));
  }

  #encoded(path, mode, contents) {
    const name = Buffer.from(`${path}\0`);
    const numbers = [this.#inode++, mode, 0, 0, 1, 0, contents.length, 0, 0, 0, 0, name.length, 0];
    const head = `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`;
    const padding = (length) => Buffer.alloc(-length & 3);
    return [Buffer.from(head), name, padding(head.length + name.length), contents, padding(contents.length)];
  }
}

#!/usr/bin/env node
// Starts the command line from one bundled script, with V8's code cache that the build has made: compiling it anew would
// cost a third of the start. V8 refuses a cache of another version of Node, and compiles then.
'use strict';
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

const file = path.join(__dirname, '..', 'dist', 'cli.cjs');
// V8 does not notice a cache of another processor, and crashes on it.
const cacheFile = `${file}.${process.arch}.cache`;

/** The bundle's function, as Node wraps a CommonJS module. */
function load(cachedData) {
  const text = readFileSync(file, 'utf8');
  const script = new vm.Script(`(function (require, __filename, hostImport) {${text}\n})`, {
    filename: file,
    cachedData,
  });
  return { script, run: () => script.runInThisContext()(createRequire(file), file, (url) => import(url)) };
}

function readCache() {
  try {
    return readFileSync(cacheFile);
  } catch {
    return undefined;
  }
}

module.exports = { load, file, cacheFile };
if (require.main === module) load(readCache()).run();

// Runs a small script through the bundled command line and keeps what V8 has compiled by then (dist/cli.cjs.<processor>.cache).
'use strict';
const { writeFileSync } = require('node:fs');
const { load, file, cacheFile } = require('../bin/ktap.cjs');

process.argv = [
  process.argv[0],
  file,
  '-q',
  '-e',
  'function f(a) { t = {a, x = 1} return t.x } for (i = 1, 9) { f(i) }',
];
const { script, run } = load(undefined);
process.on('exit', () => writeFileSync(cacheFile, script.createCachedData()));
run();

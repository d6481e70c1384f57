// `npm run bench [-- --quick] [SUITE…]`: makes the project's figures, writes bench/results.json and the tables of
// bench/README.md (between its markers). Run bench/setup.sh before, as root.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';

process.chdir(new URL('..', import.meta.url).pathname);

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const wanted = args.filter((each) => !each.startsWith('-'));
const suites = readdirSync('bench/suites')
  .map((file) => file.replace(/\.js$/, ''))
  .filter((name) => wanted.length === 0 || wanted.includes(name))
  .sort();

execFileSync('bench/setup.sh', { stdio: 'inherit' });

const RESULTS = 'bench/results.json';
const results = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : {};
let readme = readFileSync('bench/README.md', 'utf8');
for (const name of suites) {
  console.log(`# ${name}`);
  const { run } = await import(`./suites/${name}.js`);
  const rows = [];
  for await (const row of run({ quick })) {
    console.log(`${row.what}: ${row.got} (must: ${row.must ?? '-'}, aim: ${row.aim ?? '-'})`);
    rows.push(row);
  }
  results[name] = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpus()[0].model.trim()}, Linux ${release()}, Node ${process.version}`,
    rows,
  };
  const table = [
    `Measured on ${results[name].date}, ${results[name].machine}, by \`npm run bench -- ${name}\`.`,
    '',
    '| what | must | aim | got |',
    '|---|---|---|---|',
    ...rows.map((row) => `| ${row.what} | ${row.must ?? ''} | ${row.aim ?? ''} | ${row.got} |`),
  ].join('\n');
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const from = readme.indexOf(begin);
  if (from < 0) readme += `\n${begin}\n${table}\n${end}\n`;
  else readme = `${readme.slice(0, from)}${begin}\n${table}\n${readme.slice(readme.indexOf(end))}`;
  writeFileSync('bench/README.md', readme);
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
}

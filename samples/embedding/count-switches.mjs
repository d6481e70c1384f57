// Counts the context switches of a recording, by the task that gets the CPU.
//   node count-switches.mjs trace.dat
import { compileScript, renderDiagnostic, startTrace } from 'ktap';

const script = compileScript(`
  s = {}
  trace sched:sched_switch { s[args.next_comm] += 1 }
  trace_end { print("tasks:", len(s)) }
`);

const trace = startTrace(script, {
  replay: process.argv[2],
  onOutput: (bytes) => process.stdout.write(bytes),
  onDiagnostic: (diagnostic) => console.error(renderDiagnostic(diagnostic)),
});
const { exitCode, events, globals } = await trace.finished;

console.log(`${events} switches`);
for (const [task, count] of globals.get('s') ?? []) console.log(`${count}\t${task}`);
process.exitCode = exitCode;

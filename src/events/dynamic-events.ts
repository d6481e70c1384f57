// Probes: events that ktap itself makes in the kernel, and takes away again (Documentation/trace/kprobetrace.rst and
// uprobetracer.rst). They stand in a group of their own that is named after the tracing instance, so that a later start
// can tell whose they are (cleanup.ts). A provider finds the places and calls `make`:
//
//     context.dynamic.make({
//       kind: 'uprobe', type: 'p', placed,
//       places: [{ name: 'malloc', place: uprobePlace(path, 0x9a1d0n) }, …],
//     })
//
// Many places are one event, defined again and again under one name, with a hidden argument in front that numbers the
// places:
//
//     p:ktap_71_5021_0/glob /lib/libc.so.6:0x000000000009a1d0 ktap_place=\0:u32 size=%di
//     p:ktap_71_5021_0/glob /lib/libc.so.6:0x000000000009a540 ktap_place=\1:u32 size=%di
//
// so that they share one switch: 2,200 functions of libc are switched on in 0.08 s and off in 0.1 s, where as many events
// take 0.1 s and 109 s. All places of an event need arguments of the same names and types; their fetch expressions may
// differ (`ProbePlace.args`). The number selects `KernelEvent.places`, the names; formats that leave this folder do not
// show it (probe-places.ts). Kernels without such events (before 5.4) get one event a place.

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { errorAt, type KtapError } from '../language/diagnostics.js';
import { removeProbes } from './cleanup.js';
import { FetchArguments } from './fetch-arguments.js';
import type { TracingInstance } from './instance.js';
import { PLACE_FIELD } from './probe-places.js';
import { definitionError, type KernelEvent, type PlacedDefinition } from './providers/provider.js';
import { explain, type KernelComplaint, parseErrorLog, type TracefsFolder } from './tracefs.js';

/** A place that a probe is put on. */
export interface ProbePlace {
  /** argname of its events. */
  readonly name: string;
  /** As the kernel writes it in a definition: `vfs_read`, `vfs_read+16`, uprobePlace(). */
  readonly place: string;
  /** Fetch arguments, where they are not those of the definition (markers). */
  readonly args?: string;
}

export interface ProbeRequest {
  readonly kind: 'kprobe' | 'uprobe';
  /** First word of the kernel's definition: `p`, `r`, or `r1024` with the number of returns that may be outstanding. */
  readonly type: string;
  /** At least one. The order numbers them. */
  readonly places: readonly ProbePlace[];
  readonly placed: PlacedDefinition;
  /** Places that were left out before, because the kernel would refuse them: told to the user with those it does refuse. */
  readonly leftOut?: readonly Refusal[];
}

/** A place where the kernel puts no probe, and why. */
export interface Refusal {
  readonly name: string;
  readonly reason: string;
}

/** A probe as the kernel has it. */
interface MadeEvent extends KernelEvent {
  readonly kind: ProbeRequest['kind'];
  readonly type: string;
  readonly placed: PlacedDefinition;
  /** What the kernel has taken, by the number of the place. */
  readonly live: Map<number, ProbePlace>;
  readonly refused: Refusal[];
  readonly numbered: boolean;
}

export interface DynamicEventsOptions {
  /** Messages for the user. */
  readonly onMessage?: ((text: string) => void) | undefined;
  /** Name the places that the kernel refuses, instead of counting them. */
  readonly verbose?: boolean | undefined;
}

/** MAX_EVENT_NAME_LEN of kernel/trace/trace_probe.h is 64; room for a number behind the name is kept. */
const LONGEST_NAME = 56;
/** What the kernel says of a place that has no unique address (since 6.6). */
const NOT_UNIQUE = 'EADDRNOTAVAIL';
const FILES = { kprobe: 'kprobe_events', uprobe: 'uprobe_events' } as const;

/** The kernel refused a definition. */
class Refused extends Error {
  readonly code: string;
  readonly complaint: KernelComplaint | undefined;
  constructor(error: NodeJS.ErrnoException, complaint: KernelComplaint | undefined) {
    super(complaint?.message ?? describeErrno(error));
    this.code = error.code ?? '';
    this.complaint = complaint;
  }
}

/** A place in a program or library. `offset` counts from the start of the file; `semaphore` too. */
export function uprobePlace(path: string, offset: bigint, semaphore?: bigint): string {
  // As the kernel prints it: only so a single place can be taken away again.
  const counter = semaphore === undefined ? '' : `(0x${semaphore.toString(16)})`;
  return `${path}:0x${offset.toString(16).padStart(16, '0')}${counter}`;
}

/** The probes of one event source. */
export class DynamicEvents {
  /** The group (`system`) of all events here. */
  readonly group: string;
  private readonly tracefs: TracefsFolder;
  private readonly options: DynamicEventsOptions;
  private readonly made = new Map<string, readonly MadeEvent[]>();
  private readonly names = new Set<string>();
  private manyPlaces: boolean | undefined;
  private open: { readonly file: string; readonly fd: number } | undefined;
  private used = false;

  /** `owner` is the name of the tracing instance. */
  constructor(tracefs: TracefsFolder, owner: string, options: DynamicEventsOptions = {}) {
    this.tracefs = tracefs;
    this.group = owner.replaceAll('-', '_');
    this.options = options;
  }

  /**
   * Makes the events of a request, switched off: one where the kernel has events with many places. The same request again
   * gives the same events. Places that the kernel refuses are left out while others remain. Throws KtapError with the
   * kernel's complaint at its place in the script.
   */
  make(request: ProbeRequest): readonly KernelEvent[] {
    const { places, placed, kind, type } = request;
    const key = [kind, type, placed.definition.args, ...places.map(({ place, args }) => `${place} ${args}`)].join('\n');
    let events = this.made.get(key);
    if (events === undefined) {
      this.checkFile(request);
      try {
        events = places.length === 1 || this.takesManyPlaces ? [this.makeOne(request, places)] : this.makeEach(request);
      } finally {
        this.closeFile();
      }
      this.made.set(key, events);
    }
    return events;
  }

  /** Whether an event can have several places, and immediate arguments: both since Linux 5.4. */
  private get takesManyPlaces(): boolean {
    this.manyPlaces ??= (this.tracefs.tryRead('README') ?? '').includes('\\imm-value');
    return this.manyPlaces;
  }

  private checkFile({ kind, placed }: ProbeRequest): void {
    if (this.tracefs.has(FILES[kind])) return;
    const option = kind === 'kprobe' ? 'CONFIG_KPROBE_EVENTS' : 'CONFIG_UPROBE_EVENTS';
    const what = kind === 'kprobe' ? 'probes on kernel functions' : 'probes on programs';
    throw definitionError(placed, `this kernel has no ${what}: it was built without ${option}`);
  }

  private makeOne(request: ProbeRequest, places: readonly ProbePlace[]): MadeEvent {
    const { kind, type, placed, leftOut = [] } = request;
    const first = places[0]!;
    const event: MadeEvent = {
      system: this.group,
      event: this.unusedName(places.length === 1 ? first.name : 'glob'),
      name: first.name,
      title: placed.definition.text,
      probe: true,
      ...(places.length === 1 ? {} : { places: places.map(({ name }) => name) }),
      kind,
      type,
      placed,
      live: new Map(),
      refused: [...leftOut],
      numbered: places.length > 1,
    };
    let failure: KtapError | undefined;
    for (const [number, place] of places.entries()) {
      try {
        this.define(event, event.event, number, place);
        event.live.set(number, place);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        const located = this.errorFor(event, number, place, error);
        if (located.isArgument || places.length === 1) throw located.error;
        failure ??= located.error;
        event.refused.push({ name: place.name, reason: error.message });
      }
    }
    if (event.live.size === 0) throw failure;
    return event;
  }

  private makeEach(request: ProbeRequest): MadeEvent[] {
    const events: MadeEvent[] = [];
    const refused: Refusal[] = [...(request.leftOut ?? [])];
    let failure: KtapError | undefined;
    for (const place of request.places) {
      const one = { ...request, places: [place], leftOut: [] };
      try {
        events.push(this.makeOne(one, one.places));
      } catch (error) {
        failure ??= error as KtapError;
        refused.push({ name: place.name, reason: (error as KtapError).message });
      }
    }
    if (events.length === 0) throw failure;
    events[0]!.refused.push(...refused);
    return events;
  }

  /** Writes one definition. Throws Refused. */
  private define(event: MadeEvent, name: string, number: number, place: ProbePlace): void {
    this.used = true;
    this.write(event.kind, `${headOf(event, this.group, name, number, place)}${argsOf(event, place).text}`);
  }

  /** Writes a line to kprobe_events or uprobe_events, which stay open from one to the next. Throws Refused. */
  private write(kind: ProbeRequest['kind'], line: string): void {
    const file = `${this.tracefs.path}/${FILES[kind]}`;
    try {
      if (this.open?.file !== file) {
        this.closeFile();
        // Without O_APPEND all probes of the machine would go.
        this.open = { file, fd: openSync(file, constants.O_WRONLY | constants.O_APPEND) };
      }
      writeSync(this.open.fd, Buffer.from(`${line}\n`, 'latin1'));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPERM' || code === 'EACCES') throw explain(error, file, 'no probe can be made');
      const complaint = parseErrorLog(this.tracefs.tryRead('error_log') ?? '');
      // Older kernels keep only the beginning of the line.
      const isOurs =
        complaint !== undefined && complaint.command !== '' && line.startsWith(complaint.command.trimEnd());
      throw new Refused(error as NodeJS.ErrnoException, isOurs ? complaint : undefined);
    }
  }

  private closeFile(): void {
    if (this.open !== undefined) closeSync(this.open.fd);
    this.open = undefined;
  }

  /** The kernel's complaint at its place in the script. */
  private errorFor(
    event: MadeEvent,
    number: number,
    place: ProbePlace,
    refused: Refused,
  ): { error: KtapError; isArgument: boolean } {
    const { placed } = event;
    const { complaint } = refused;
    const head = headOf(event, this.group, event.event, number, place);
    if (complaint !== undefined && complaint.column >= head.length) {
      const span = argsOf(event, place).placeOf(complaint.column - head.length, placed);
      const message = `the kernel refuses this fetch argument: ${complaint.message}`;
      return { error: errorAt(placed.source, span, message, FETCH_HINT), isArgument: true };
    }
    const { text } = placed.definition;
    const hint =
      refused.code === NOT_UNIQUE ? 'several functions have this name; name one of them by its address' : undefined;
    return {
      error: definitionError(placed, `the kernel refuses the probe ${text}: ${refused.message}`, hint),
      isArgument: false,
    };
  }

  /**
   * Switches the events on in an instance. Where the kernel refuses a place only now, it is searched for and left out;
   * then the user is told of all that was. Throws KtapError.
   */
  enable(instance: TracingInstance): void {
    for (const events of this.made.values()) {
      for (const event of events) {
        this.enableOne(instance, event);
        this.tellRefused(event);
      }
    }
  }

  private enableOne(instance: TracingInstance, event: MadeEvent): void {
    const failure = this.trySwitchOn(instance, event.event);
    if (failure === undefined) return;
    const { placed, live, refused } = event;
    const message = `the kernel refuses the probe ${placed.definition.text}: ${describeErrno(failure)}`;
    if (live.size === 1) throw definitionError(placed, message);
    for (const number of this.refusedAmong(instance, event, [...live.keys()])) {
      const place = live.get(number)!;
      live.delete(number);
      refused.push({ name: place.name, reason: describeErrno(failure) });
      if (live.size > 0) this.write(event.kind, `-:${this.group}/${event.event} ${place.place} ${numberArg(number)}`);
    }
    this.closeFile();
    if (live.size === 0 || this.trySwitchOn(instance, event.event) !== undefined)
      throw definitionError(placed, message);
  }

  /** By halving: the places that make an event fail. Each try is an event of its own. */
  private refusedAmong(instance: TracingInstance, event: MadeEvent, numbers: readonly number[]): number[] {
    const trial = this.unusedName('trial');
    for (const number of numbers) this.define(event, trial, number, event.live.get(number)!);
    const failure = this.trySwitchOn(instance, trial);
    if (failure === undefined) instance.folder.write(`events/${this.group}/${trial}/enable`, '0');
    this.write(event.kind, `-:${this.group}/${trial}`);
    if (failure === undefined) return [];
    if (numbers.length === 1) return [...numbers];
    const middle = numbers.length >>> 1;
    return [
      ...this.refusedAmong(instance, event, numbers.slice(0, middle)),
      ...this.refusedAmong(instance, event, numbers.slice(middle)),
    ];
  }

  private trySwitchOn(instance: TracingInstance, name: string): NodeJS.ErrnoException | undefined {
    let failure: NodeJS.ErrnoException | undefined;
    instance.enable([`${this.group}:${name}`], (_, error) => {
      failure = error;
    });
    return failure;
  }

  private tellRefused({ placed, live, refused }: MadeEvent): void {
    const { onMessage, verbose } = this.options;
    if (refused.length === 0 || onMessage === undefined) return;
    const { text } = placed.definition;
    const total = live.size + refused.length;
    const names = verbose === true ? `: ${refused.map(({ name, reason }) => `${name} (${reason})`).join(', ')}` : '';
    const more = verbose === true ? '' : ' (-v names them)';
    onMessage(`ktap: warning: ${text}: ${refused.length} of ${total} functions cannot be probed${names}${more}`);
  }

  /** A name for an event that no other here has, as near to `wanted` as the kernel allows. */
  private unusedName(wanted: string): string {
    const plain = wanted.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');
    const base = plain.slice(0, LONGEST_NAME);
    let name = base;
    for (let number = 1; this.names.has(name); number++) name = `${base}_${number}`;
    this.names.add(name);
    return name;
  }

  /**
   * How often the kernel could not run a probe since it was made, by argname: a return probe because too many calls
   * were under way (`maxactive`), a probe because it hit inside another. Only probes on the kernel are counted there.
   */
  missed(): ReadonlyMap<string, number> {
    const missed = new Map<string, number>();
    // The profile lists the same probes in the same order, but without their groups.
    const definitions = [...(this.tracefs.tryRead('kprobe_events') ?? '').matchAll(/^\w+:(\S+?)\/(\S+) (.*)$/gm)];
    const counts = [...(this.tracefs.tryRead('kprobe_profile') ?? '').matchAll(/^\s*(\S+)\s+\d+\s+(\d+)$/gm)];
    if (definitions.length !== counts.length) return missed;
    const byName = new Map([...this.made.values()].flat().map((event) => [event.event, event]));
    for (const [index, [, group, name, rest]] of definitions.entries()) {
      const [, counted, count] = counts[index]!;
      const event = byName.get(name!);
      if (group !== this.group || counted !== name || count === '0' || event === undefined) continue;
      const number = new RegExp(`\\b${PLACE_FIELD}=\\\\(\\d+):`).exec(rest!)?.[1] ?? '0';
      const argname = event.live.get(Number(number))?.name ?? event.name!;
      missed.set(argname, (missed.get(argname) ?? 0) + Number(count));
    }
    return missed;
  }

  /** Takes the events away, which must be off. Safe to call twice. */
  close(): void {
    this.closeFile();
    if (!this.used) return;
    const { busy } = removeProbes(this.tracefs.path, (group) => group === this.group);
    this.used = busy.length > 0;
    this.made.clear();
  }
}

const FETCH_HINT =
  'for instance size=%di, name=+0(%si):ustring, $retval, $comm (Documentation/trace/kprobetrace.rst, uprobetracer.rst)';

function numberArg(number: number): string {
  return `${PLACE_FIELD}=\\${number}:u32`;
}

/** The part of a definition up to the user's arguments, with a blank at its end. */
function headOf(
  { type, numbered }: MadeEvent,
  group: string,
  name: string,
  number: number,
  { place }: ProbePlace,
): string {
  return `${type}:${group}/${name} ${place} ${numbered ? `${numberArg(number)} ` : ''}`;
}

function argsOf({ placed }: MadeEvent, { args }: ProbePlace): FetchArguments {
  return new FetchArguments(args ?? placed.definition.args, args === undefined);
}

/** ENOTSUPP of include/linux/errno.h has no name outside the kernel. */
function describeErrno({ code, errno, message }: NodeJS.ErrnoException): string {
  if (errno === -524) return 'the instruction there cannot be probed (error 524)';
  const reason = /: (.*?),/.exec(message)?.[1];
  return reason === undefined ? (code ?? message) : `${reason} (${code})`;
}

// What the interpreter asks of its host. Any of these may throw a JavaScript exception, which unwinds through `run`: the
// top frame and its instruction are in memory by then.

/** Calls built-in `id` with `bytes` of arguments at `args`; writes the results from `results` on, answers how many. */
// @ts-ignore: decorator
@external('host', 'call')
export declare function hostCall(id: i32, args: u32, bytes: u32, results: u32): u32;

/** Writes the event's text to the value at `to`. */
// @ts-ignore: decorator
@external('host', 'eventText')
export declare function hostEventText(to: u32): void;

/** Writes an event's field of kind HOST to the value at `to`. */
// @ts-ignore: decorator
@external('host', 'eventField')
export declare function hostField(index: i32, to: u32): void;

/** Told before (1) and after (0) a collection, to time it. */
// @ts-ignore: decorator
@external('host', 'collecting')
export declare function hostCollecting(begins: i32): void;

// Loads modules of the user's (--load).

/** Given by bin/ktap.cjs: code from V8's cache cannot use import() itself. */
declare const hostImport: ((url: string) => Promise<unknown>) | undefined;

/** import() of a file URL. */
export function importModule(url: string): Promise<unknown> {
  return typeof hostImport === 'undefined' ? import(url) : hostImport(url);
}

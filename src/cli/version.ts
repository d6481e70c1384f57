// The version of the package, put in by the build.

declare const KTAP_VERSION: string;
export const VERSION: string = KTAP_VERSION;

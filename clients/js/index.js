// @ts-check
/** The parts that need no framework. */
export { statusAddress } from "./address.js";
export { watch } from "./watch.js";

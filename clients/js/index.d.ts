export { statusAddress, type StatusOf, type Subject } from "./address.js";
export { watch, type Options, type StatusAddress, type Versioned } from "./watch.js";
export type { PaymentLinkStatus, PaymentStatus, Status, TopupStatus } from "./status.js";

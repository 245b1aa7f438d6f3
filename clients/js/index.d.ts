export { statusAddress, type Subject } from "./address.js";
export { watch, type Options } from "./watch.js";
export type { PaymentLinkStatus, PaymentStatus, Status } from "./status.js";

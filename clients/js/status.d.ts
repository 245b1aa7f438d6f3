/** What a status answer carries in `data`, and an event of a stream. Newer servers may add fields. */
export interface Status {
  id: string;
  amountState: "none" | "partial" | "exact" | "over";
  late: boolean;
  /** Whole minor units: 50000 in VND is 50.000 ₫, 1999 in USD is $19.99. */
  amount: number;
  currency: string;
  received: number;
  statusMessage: string;
  advice: string;
  expiresAt: string;
  /** Grows with every change. */
  version: number;
  /** Nothing more can happen without new money or a person. */
  final: boolean;
  asOf: string | null;
  nextCheckAt: string | null;
}

/** The status of a payment. */
export interface PaymentStatus extends Status {
  phase: "draft" | "open" | "processing" | "paid" | "expired" | "canceled";
  refunded: number;
}

/** The status of a payment link, in the shape of the payment-link service. */
export interface PaymentLinkStatus extends Status {
  shortCode: string;
  currentStatus: "DRAFT" | "OPEN" | "PAID" | "EXPIRED" | "CANCELED";
  isExpired: boolean;
  lastEventType: string | null;
  lastEventTimestamp: string | null;
  paymentMethod: string | null;
  transactionInfo: {
    transactionId: string;
    gateway: string;
    amount: number;
    currency: string;
    paidAt: string | null;
  } | null;
  updatedAt: string;
}

/** The status of a top-up, in the words of the wallet that it replaces. */
export interface TopupStatus {
  tx_ref: string;
  status: "pending" | "confirmed" | "failed" | "expired";
  /** Whole minor units. */
  amount: number;
  currency: string;
  confirmed_at: string | null;
  received: number;
  amountState: "none" | "partial" | "exact" | "over";
  late: boolean;
  asOf: string | null;
  nextCheckAt: string | null;
  expiresAt: string;
  version: number;
  final: boolean;
}

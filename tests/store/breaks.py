"""What somebody could do to the books by hand, and the invariants that then do not hold."""

from __future__ import annotations

from typing import NamedTuple


class Break(NamedTuple):
    """`sql` speaks of the books' names; `loosened` are tables whose constraints forbid it."""

    what: str
    broken: str
    sql: str
    loosened: str = ""


_RECEIPT = "(SELECT id FROM transfers WHERE payment_id = '{paid}' AND kind = 'receipt')"
_SALE = "(SELECT id FROM transfers WHERE payment_id = '{paid}' AND kind = 'fulfilment')"
_TRANSFER = "INSERT INTO transfers (id, kind, subject, payment_id, created_at) VALUES"
_LINES = """
INSERT INTO postings (transfer_id, line, account, amount, currency)
VALUES ('trf_x', 0, 'clearing:till', 50000, 'VND'), ('trf_x', 1, 'suspense', -50000, 'VND')
"""
_FULFILMENT = "INSERT INTO fulfilments (id, payment_id, purpose, state, created_at)"
_NO_NEWS = "payment_id = '{paid}' AND source = 'fetch' AND claim = 'pending' AND credits = '[]'"

BREAKS = (
    Break("a link of the proof changed", "H1", """
        UPDATE proof_links SET leaves = 'evd_x 0' WHERE n = 2
    """),
    Break("a link of the proof gone", "H1", """
        DELETE FROM proof_links WHERE n = 1
    """),
    Break("a decision that somebody took back", "H1 I1", """
        DELETE FROM decisions WHERE id = (SELECT MIN(id) FROM decisions)
    """),
    Break("a hint that was written otherwise", "H1", f"""
        UPDATE evidence SET note = 'x' WHERE {_NO_NEWS}
    """),
    Break("a posting changed", "M1", f"""
        UPDATE postings SET amount = amount - 1 WHERE transfer_id = {_SALE} AND account = 'revenue'
    """),
    Break("a transfer without postings", "M1", f"""
        {_TRANSFER} ('trf_x', 'test', 'x', '{{paid}}', {{then}})
    """),
    Break("a payment's balance changed", "M3 S0", """
        UPDATE payments SET received = received + 1 WHERE id = '{over}'
    """),
    Break("a wallet's balance changed", "M3", """
        UPDATE balances SET amount = amount + 1 WHERE account = 'wallet:user-7'
    """),
    Break("a wallet without its balance", "M3", """
        DELETE FROM balances WHERE account = 'wallet:user-7'
    """),
    Break("a wallet overdrawn", "M3 M4", """
        UPDATE balances SET amount = -1 WHERE account = 'wallet:user-7'
    """, "balances"),
    Break("more refunded than received", "M5", """
        UPDATE payments SET refunded = received + 1 WHERE id = '{over}'
    """, "payments"),
    Break("a refund that is not counted", "M5", """
        UPDATE payments SET refunded = 0 WHERE id = '{returned}'
    """),
    Break("a promise that nobody made", "M5 R2", """
        UPDATE payments SET refund_reserved = refund_reserved + 1 WHERE id = '{over}'
    """),
    Break("a refund through a gateway that brought nothing", "M5 R2", """
        UPDATE refunds SET gateway = 'x' WHERE payment_id = '{returned}'
    """),
    Break("the state of a refund changed", "M5 R1 R2", """
        UPDATE refunds SET state = 'canceled' WHERE state = 'manual'
    """),
    Break("a move of a refund that is not in the table", "R1", """
        UPDATE refund_moves SET signal = 'sent' WHERE state_after = 'manual'
    """),
    Break("a hole in the history of a refund", "R1", """
        DELETE FROM refund_moves WHERE state_after = 'manual'
    """),
    Break("a refund booked to another account", "R2", """
        UPDATE postings SET account = 'clearing:x' WHERE account LIKE 'clearing:%'
        AND transfer_id IN (SELECT id FROM transfers WHERE kind = 'refund')
    """),
    Break("a refund booked that does not exist", "R2", """
        UPDATE transfers SET subject = 'rf_x' WHERE kind = 'refund' AND payment_id = '{returned}'
    """),
    Break("money promised back that is spent", "R2", """
        UPDATE postings SET account = 'revenue' WHERE account = 'refunding'
    """),
    Break("a receipt booked to another account", "M6 M9", f"""
        UPDATE postings SET account = 'clearing:x'
        WHERE transfer_id = {_RECEIPT} AND account LIKE 'clearing:%'
    """),
    Break("a receipt booked for another payment", "M6", """
        UPDATE transfers SET payment_id = '{open}' WHERE payment_id = '{paid}' AND kind = 'receipt'
    """),
    Break("a receipt booked twice", "M6", f"""
        {_TRANSFER} ('trf_x', 'receipt', (SELECT id FROM receipts WHERE payment_id = '{{paid}}'),
          '{{paid}}', {{then}});
        {_LINES}
    """, "transfers"),
    Break("a receipt booked that does not exist", "M6", f"""
        {_TRANSFER} ('trf_x', 'receipt', 'rcp_x', '{{paid}}', {{then}});
        {_LINES}
    """),
    Break("a receipt not booked", "M6 M9", f"""
        DELETE FROM postings WHERE transfer_id = {_RECEIPT};
        DELETE FROM transfers WHERE payment_id = '{{paid}}' AND kind = 'receipt'
    """),
    Break("one transaction credited to two payments", "M6 M9 S0", """
        INSERT INTO receipts (id, payment_id, gateway, account, transaction_id, amount, currency,
          at, evidence_key, created_at)
        SELECT 'rcp_x', '{expired}', gateway, account, transaction_id, amount, 'USD',
          at, evidence_key, created_at
        FROM receipts WHERE payment_id = '{paid}'
    """, "receipts"),
    Break("a payment called late", "S0", """
        UPDATE payments SET late = 1 WHERE id = '{paid}'
    """),
    Break("a review taken away", "S0", """
        UPDATE payments SET review = NULL WHERE id = '{expired}'
    """),
    Break("a time of payment changed", "S0", """
        UPDATE payments SET paid_at = {long_ago} WHERE id = '{paid}'
    """),
    Break("evidence lost", "H1 S0", """
        DELETE FROM evidence WHERE payment_id = '{canceled}' AND claim = 'canceled'
    """),
    Break("a phase changed", "S0 S1", """
        UPDATE payments SET phase = 'processing' WHERE id = '{untouched}'
    """),
    Break("a change of phase that is not in the table", "S1", """
        UPDATE events SET phase_before = 'canceled'
        WHERE payment_id = '{paid}' AND phase_after = 'paid';
        UPDATE events SET phase_after = 'canceled'
        WHERE payment_id = '{paid}' AND phase_before = 'draft'
    """),
    Break("a hole in the history", "S1", """
        DELETE FROM events WHERE payment_id = '{paid}' AND phase_before = 'draft'
    """),
    Break("the end of the history lost", "S1", """
        DELETE FROM events WHERE payment_id = '{paid}' AND phase_after = 'paid'
    """),
    Break("a receipt without its evidence", "H1 S2", """
        UPDATE receipts SET evidence_key = 'x' WHERE payment_id = '{paid}'
    """),
    Break("evidence that does not count any more", "H1 S0 S2", """
        UPDATE evidence SET counts = 0 WHERE payment_id = '{paid}' AND credits <> '[]'
    """),
    Break("paid without money", "H1 M3 M9 S0 S2", """
        UPDATE receipts SET payment_id = '{open}' WHERE payment_id = '{paid}';
        UPDATE transfers SET payment_id = '{open}' WHERE payment_id = '{paid}' AND kind = 'receipt'
    """),
    Break("accepted by nobody", "H1 S2", f"""
        UPDATE evidence SET claim = 'accepted' WHERE {_NO_NEWS}
    """),
    Break("too much called exact", "S0 S3", """
        UPDATE payments SET amount_state = 'exact' WHERE id = '{over}'
    """),
    Break("a wrong currency that nobody looks at", "S0 S3", """
        UPDATE payments SET review = NULL WHERE id = '{foreign}'
    """),
    Break("a browser that counts", "H1 S4", f"""
        UPDATE evidence SET source = 'return' WHERE {_NO_NEWS}
    """),
    Break("a hint that counts", "H1 S4", f"""
        UPDATE evidence SET trust = 0 WHERE {_NO_NEWS}
    """, "evidence"),
    Break("delivered without being paid", "F1", f"""
        {_FULFILMENT} VALUES ('ful_x', '{{open}}', 'plain', 'done', {{then}})
    """),
    Break("delivered for another purpose", "F1", f"""
        {_FULFILMENT} VALUES ('ful_x', '{{paid}}', 'gift_card', 'done', {{then}})
    """),
    Break("delivered twice", "F1", f"""
        {_FULFILMENT} SELECT 'ful_x', payment_id, purpose, state, created_at
        FROM fulfilments WHERE payment_id = '{{paid}}'
    """, "fulfilments"),
    Break("paid and not delivered", "F2", """
        DELETE FROM fulfilments WHERE payment_id = '{paid}'
    """),
    Break("delivered and not earned", "F2", f"""
        DELETE FROM postings WHERE transfer_id = {_SALE};
        DELETE FROM transfers WHERE payment_id = '{{paid}}' AND kind = 'fulfilment'
    """),
    Break("delivered in another transaction", "F2", """
        UPDATE fulfilments SET created_at = {long_ago} WHERE payment_id = '{paid}'
    """),
    Break("an effect given up", "F3", "UPDATE jobs SET state = 'dead'"),
    Break("an effect that is never due", "F3", "UPDATE jobs SET state = 'ready', due_at = NULL"),
    Break("an event that lost its number", "F4", """
        DELETE FROM feed WHERE seq = (SELECT MAX(seq) FROM feed)
    """),
    Break("a delivery lost", "F4", """
        DELETE FROM deliveries WHERE event_id = (SELECT event_id FROM feed WHERE seq = 3)
    """),
    Break("a delivery that is never due", "F4", """
        UPDATE deliveries SET due_at = NULL WHERE state = 'waiting'
    """),
    Break("a delivery that waits for a disabled endpoint", "F4", """
        UPDATE webhook_endpoints SET state = 'disabled', disabled_at = {then}
    """),
    Break("a gap in the feed", "F5", """
        UPDATE feed SET seq = seq + 1000 WHERE seq = (SELECT MAX(seq) FROM feed)
    """),
    Break("a notice handled for a payment that never heard of it", "I1", """
        UPDATE inbox SET payment_id = '{untouched}' WHERE payment_id = '{paid}'
    """),
    Break("money given to another payment", "M9", """
        UPDATE credits SET payment_id = '{open}' WHERE payment_id = '{paid}'
    """),
    Break("money that is said to be in no books", "M9", """
        UPDATE credits SET counted = 0 WHERE payment_id = '{paid}'
    """),
    Break("money that came and is forgotten", "M9", """
        DELETE FROM credits WHERE payment_id = '{over}'
    """),
    Break("assigned money that went elsewhere", "I1", """
        UPDATE inbox SET payment_id = '{untouched}' WHERE id = 'ntc_1'
    """),
    Break("a notice kept twice", "I2", """
        INSERT INTO inbox (id, gateway, account, event_id, refs, claim, credits, memo,
          received_at, tries)
        SELECT 'ntc_x', gateway, account, event_id, refs, claim, credits, memo,
          received_at, tries
        FROM inbox WHERE id = 'ntc_1'
    """, "inbox"),
    Break("a top-up in another wallet", "M3 W1", """
        UPDATE postings SET account = 'wallet:user-8' WHERE account = 'wallet:user-7'
        AND transfer_id = (SELECT id FROM transfers WHERE payment_id = '{topup}'
          AND kind = 'fulfilment')
    """),
    Break("a top-up in its wallet twice", "M1 M3 W1", """
        INSERT INTO postings (transfer_id, line, account, amount, currency)
        SELECT transfer_id, 9, account, amount, currency FROM postings
        WHERE account = 'wallet:user-7' AND transfer_id = (SELECT id FROM transfers
          WHERE payment_id = '{topup}' AND kind = 'fulfilment')
    """),
    Break("a wallet filled by nobody's top-up", "W1", """
        DELETE FROM topups WHERE payment_id = '{topup}'
    """),
    Break("a wallet filled without payment", "F1 S0 S1 W1", """
        UPDATE payments SET phase = 'expired' WHERE id = '{topup}'
    """),
    Break("a spend under no reference", "W2", "DELETE FROM wallet_spends"),
    Break("a spend of another amount", "W2", "UPDATE wallet_spends SET amount = amount + 1"),
    Break("a task completed by a stranger's payment", "T1", """
        UPDATE tasks SET payment_id = '{paid}'
    """),
    Break("a task completed and set back", "T1 T2", """
        UPDATE tasks SET state = 'IDLE', payment_id = NULL, completed_at = NULL
    """),
    Break("a task paid twice and nobody looks", "H1 S0 T1", """
        DELETE FROM evidence WHERE payment_id = '{again}' AND claim = 'superseded'
    """),
    Break("a session of no task", "T1", "DELETE FROM task_sessions WHERE payment_id = '{again}'"),
    Break("a task in progress without a session", "T1", """
        INSERT INTO tasks (id, state, amount, currency, callback_url, metadata, created_at,
          updated_at)
        SELECT 'task_x', 'IN_PROGRESS', amount, currency, callback_url, metadata, created_at,
          updated_at FROM tasks
    """),
    Break("a callback lost", "T2", "DELETE FROM jobs WHERE kind = 'task_callback'"),
    Break("a callback given up", "F3", """
        UPDATE jobs SET state = 'dead' WHERE kind = 'task_callback'
    """),
    Break("a coupon's counter changed", "M7", "UPDATE coupons SET redeemed = 0"),
    Break("a coupon used too often", "M7", "UPDATE coupons SET max_redemptions = 1", "coupons"),
    Break("a customer's counter changed", "M7", "UPDATE coupon_customers SET used = used - 1"),
    Break("a customer beyond the limit", "M7", """
        UPDATE coupons SET per_customer = 0
    """, "coupons"),
    Break("an order whose coupon is not counted", "M7", """
        UPDATE orders SET coupon_id = 'cpn_x' WHERE id = '{order}'
    """),
    Break("a licence of an unpaid order", "O3", """
        UPDATE licences SET order_id = '{unpaid}' WHERE order_id = '{order}'
    """),
    Break("two licences of one order", "O3", """
        INSERT INTO licences (id, order_id, key_hash, sealed, seats, issued_at)
        SELECT 'lic_x', order_id, 'x', sealed, seats, issued_at FROM licences
        WHERE order_id = '{order}'
    """, "licences"),
    Break("an order completed and not paid", "E2 O1", """
        UPDATE orders SET status = 'completed', completed_at = {then} WHERE id = '{unpaid}'
    """),
    Break("an order forgotten that is paid", "E2 O1 O3", """
        UPDATE orders SET status = 'pending' WHERE id = '{order}'
    """),
    Break("a payment for an order that is lost", "E2 O1 O2", """
        UPDATE orders SET payment_id = '{paid}' WHERE id = '{order}'
    """),
    Break("an order that costs something else", "E2 O2", """
        UPDATE orders SET amount = amount - 1, coupon_discount = coupon_discount + 1
        WHERE id = '{order}'
    """),
    Break("a discount that does not add up", "O2", """
        UPDATE orders SET coupon_discount = 0 WHERE id = '{order}'
    """, "orders"),
    Break("two commissions of one order", "M8", """
        INSERT INTO commissions (id, order_id, referrer_id, order_amount, currency,
          order_usd_cents, percent, amount, usd_cents, rate, rate_source, rate_as_of, status,
          created_at, updated_at)
        SELECT 'com_x', order_id, referrer_id, order_amount, currency,
          order_usd_cents, percent, amount, usd_cents, rate, rate_source, rate_as_of, status,
          created_at, updated_at
        FROM commissions
    """, "commissions"),
    Break("a commission raised", "M8", "UPDATE commissions SET amount = amount + 1"),
    Break("a commission on another order", "M8", """
        UPDATE commissions SET order_id = '{order}'
    """),
    Break("a claw-back forgotten", "M8", """
        DELETE FROM commission_lines WHERE kind = 'clawed_back'
    """),
    Break("more clawed back than was earned", "M8", """
        UPDATE commission_lines SET amount = -99999 WHERE kind = 'clawed_back'
    """),
    Break("a payout forgotten", "M8", "DELETE FROM commission_lines WHERE kind = 'paid_out'"),
    Break("a commission paid that nobody approved", "M8", """
        UPDATE commissions SET status = 'pending'
    """),
    Break("a day's revenue changed", "E1", "UPDATE revenue_daily SET orders = orders + 1"),
    Break("a day's revenue forgotten", "E1", "DELETE FROM revenue_daily"),
    Break("a day of revenue that never was", "E1", """
        INSERT INTO revenue_daily (day, provider, currency, orders, amount, usd_cents, refunds,
          refunded, refunded_usd_cents, by_api, by_cached, by_expired, by_fallback)
        VALUES ('2020-02-02', 'till', 'VND', 1, 1, 1, 0, 0, 0, 0, 0, 0, 1)
    """),
    Break("a sale converted anew", "E1 E2", """
        UPDATE sales SET usd_cents = usd_cents + 1 WHERE kind = 'sale' AND subject = '{order}'
    """),
    Break("a sale forgotten", "E1 E2", """
        DELETE FROM sales WHERE order_id = '{order}'
    """),
    Break("a refund booked beyond the sale", "E1 E2", """
        UPDATE sales SET amount = 60000 WHERE kind = 'refund'
    """),
    Break("a lease without an end", "J1", """
        UPDATE schedules SET holder = 'somebody' WHERE name = 'audit'
    """),
    Break("a timer lost", "J2", """
        UPDATE payments SET next_check_at = NULL WHERE id = '{untouched}'
    """, "payments"),
    Break("a question that nobody put", "J2", """
        UPDATE payments SET next_check_at = {long_ago} WHERE id = '{untouched}'
    """),
    Break("more spent of a gift card than it was worth", "G1", """
        UPDATE gift_cards SET amount = 49999 WHERE id = '{gift}'
    """),
    Break("a redemption that is larger than its posting", "G1", """
        UPDATE gift_card_movements SET amount = amount + 1
        WHERE card_id = '{gift}' AND kind = 'redeem'
    """),
    Break("a gift card that was spent and does not know of it", "G1", """
        DELETE FROM gift_card_movements WHERE card_id = '{gift}' AND kind = 'redeem'
    """),
    Break("a hold that holds nothing", "M3 G1", """
        UPDATE balances SET amount = 0 WHERE account LIKE 'held:%'
    """),
    Break("a hold that is over and still holds", "G1", """
        UPDATE gift_card_holds SET state = 'released' WHERE card_id = '{gift}'
    """),
    Break("a gift card's balance changed", "M3 G1", """
        UPDATE balances SET amount = amount + 1 WHERE account = 'gift_card:{gift}'
    """),
    Break("a code before the money", "G2", """
        UPDATE gift_cards SET code_hash = 'x' WHERE id = '{unsold}'
    """, "gift_cards"),
    Break("a sealed code before the money", "G2", """
        UPDATE gift_cards SET code_sealed = email_sealed WHERE id = '{unsold}'
    """, "gift_cards"),
    Break("a gift card paid and without its code", "G2", """
        UPDATE gift_cards SET code_hash = NULL WHERE id = '{gift}'
    """, "gift_cards"),
)  # fmt: skip

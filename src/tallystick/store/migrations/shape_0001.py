"""The tables of step 0001 as they were released: their columns, and the words of their rules."""

from typing import Final

TABLES: Final = """
access_grants: created_at note order_id place state updated_at username wanted | granted invited
    member refused revoked waiting
api_keys: created_at id label lookup revoked_at role secret_hash | admin operator reader
attempts: account amount as_of checkout created_at currency gateway id listen_until memo our_ref
    payment_id provider_id state | awaiting_payer canceled created expired failed processing
    submitting succeeded unknown
balances: account amount currency
client_tokens: created_at payment_id token_hash
commission_lines: amount at commission_id currency kind line order_usd_cents referrer_id
    usd_cents | clawed_back earned paid_out
commissions: amount created_at currency id order_amount order_id order_usd_cents percent rate
    rate_as_of rate_source referrer_id status updated_at usd_cents | api approved cached
    cancelled expired fallback paid pending
coupon_amounts: amount coupon_id currency
coupon_customers: coupon_id customer used
coupon_uses: coupon_id created_at customer order_id state updated_at | redeemed released
    reserved
coupons: active code created_at elsewhere expires_at id max_redemptions per_customer percent
    polar_discount_id polar_outcome polar_told_at redeemed reserved type updated_at |
    already_deleted already_synced decremented deleted fixed percent skipped_unlimited
dashboard_links: expires_at role token_hash used_at | admin operator reader
dashboard_sessions: ended_at expires_at id role token_hash | admin operator reader
decisions: action actor at id payment_id reason subject | assigned parked refunded released
    resolved
deliveries: created_at delivered_at due_at endpoint_id error event_id excerpt held last_status
    payment_id seq state subject tries type | dead delivered waiting
delivery_attempts: at duration_ms endpoint_id error event_id excerpt id number status
differences: account booked created_at currency gateway id key match ours ours_refunded
    payment_id reconciliation_id theirs theirs_refunded transaction_id | amount_differs matched
    missing_here missing_there status_differs
events: at id payment_id phase_after phase_before reason seq signal type version
evidence: attempt_id claim conflict counts credits id key note observed_at payment_id raw source
    trust | canceled clock deadline expired failed fetch given_back opened operator pending poll
    processing resolved return statement succeeded superseded webhook
exchange_rates: as_of currency per_dollar
feed: event_id seq
fulfilments: created_at id payment_id purpose state | done running stuck
gift_card_holds: amount captured card_id created_at currency expires_at id reference state |
    captured held released
gift_card_movements: amount at balance card_id currency id kind reference seq | capture freeze
    hold issue redeem refund release unfreeze
gift_cards: amount code_hash code_sealed created_at currency email_sealed id issued_at language
    payment_id state | active frozen lapsed pending revoked
idempotency: answer created_at fingerprint held_until key payment_id scope status
inbox: account body claim credits due_at error event_id gateway handled_at headers id memo
    payment_id query received_at refs tries
job_runs: duration_us ended_at error id job_name result started_at success
jobs: created_at dedupe_key done_at due_at error held_until holder id kind payload state tries |
    dead done ready
licences: id issued_at key_hash order_id revoked_at sealed seats
orders: amount completed_at coupon_discount coupon_id created_at currency discount_rate email
    gateway github_username id metadata original_amount owner_id payment_id product_type
    quantity referral_code referral_discount referred_by refunded review status tax_id team_id
    unit_amount updated_at usd_as_of usd_cents usd_rate usd_source vat_invoice_requested |
    completed coupon_used_up failed partially_refunded pending refunded
outbox: at data id key payment_id subject type
payment_links: created_at gateways id payment_id short_code
payments: amount amount_state as_of cancel_url closed_at created_at currency description
    expires_at gateway id late late_policy metadata next_check_at opened_at owner_id paid_at
    phase purpose received reference refund_reserved refunded retriable return_url review source
    test_mode tolerance updated_at version | auto_fulfil canceled contradiction draft exact
    expired late late_after_cancel none open over paid partial processing review second_payer
    underpaid wrong_currency
postings: account amount currency line transfer_id
product_prices: amount currency product_type
products: access active created_at description licensed name type updated_at
receipts: account amount at attempt_id created_at currency evidence_key gateway id payment_id
    transaction_id
reconciliations: account at differing gateway healed id matched since until
referrers: buyer_discount_percent code created_at email id
refund_moves: at line raw refund_id signal state_after state_before why | by_hand canceled
    failed manual pending requested reserved sent submitting succeeded transferred unheard
    unknown
refunds: account amount attempt_id bank_reference closed_at created_at currency failure gateway
    id keep_access method next_check_at payee payment_id provider_id reason requested_by sent_at
    source state transaction_id tries undelivered updated_at | api canceled external failed
    manual merchant pending requested reserved submitting succeeded unknown
revenue_daily: amount by_api by_cached by_expired by_fallback currency day orders provider
    refunded refunded_usd_cents refunds usd_cents
revenue_zone: id zone
sales: amount at currency kind order_id payment_id product provider rate_source subject
    usd_cents | api cached expired fallback refund sale
schedules: held_until holder last_run_at name next_run_at
statements: account gateway read_until
task_sessions: expires_at number payment_id started_at task_id
tasks: amount callback_url completed_at created_at currency id metadata owner_id payment_id
    reference service_type state updated_at | COMPLETED IDLE IN_PROGRESS
topups: created_at id payment_id
transfers: created_at id kind payment_id subject
unnumbered: at event_id n
valuations: amount currency frozen_at rate rate_as_of rate_source receipt_id usd_cents | api
    cached expired fallback
wallet_spends: amount balance_after created_at currency id owner_id reference
webhook_endpoints: created_at dead delivered description disabled_at disabled_reason events
    failed failing_since id previous_secret previous_until secret since_seq state updated_at url
    | disabled enabled
"""
"""One table after the other; what follows is indented."""

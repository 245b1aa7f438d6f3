"""The foundation."""

import sqlalchemy as sa
from alembic import op

from tallystick.store import columns, triggers

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("lookup", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("revoked_at", columns.Instant(), nullable=True),
        sa.CheckConstraint(
            "role IN ('admin', 'operator', 'reader')", name=op.f("ck_api_keys_role_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("lookup", name=op.f("uq_api_keys_lookup")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "balances",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_balances_amount_not_negative")),
        sa.PrimaryKeyConstraint("account", "currency", name=op.f("pk_balances")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "coupons",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("percent", columns.Whole, nullable=True),
        sa.Column("max_redemptions", columns.Whole, nullable=True),
        sa.Column("per_customer", columns.Whole, nullable=True),
        sa.Column("reserved", columns.Whole, nullable=False),
        sa.Column("redeemed", columns.Whole, nullable=False),
        sa.Column("elsewhere", columns.Whole, nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=True),
        sa.Column("active", columns.Flag(), nullable=False),
        sa.Column("polar_discount_id", sa.Text(), nullable=True),
        sa.Column("polar_outcome", sa.Text(), nullable=True),
        sa.Column("polar_told_at", columns.Instant(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "(type = 'percent') = (percent IS NOT NULL)",
            name=op.f("ck_coupons_percent_has_its_share"),
        ),
        sa.CheckConstraint(
            "polar_outcome IN ('decremented', 'deleted', 'already_deleted', 'skipped_unlimited', 'already_synced')",
            name=op.f("ck_coupons_polar_outcome_known"),
        ),
        sa.CheckConstraint("type IN ('percent', 'fixed')", name=op.f("ck_coupons_type_known")),
        sa.CheckConstraint(
            "max_redemptions > 0 AND per_customer > 0", name=op.f("ck_coupons_limits_positive")
        ),
        sa.CheckConstraint(
            "max_redemptions IS NULL OR reserved + redeemed <= max_redemptions",
            name=op.f("ck_coupons_within_its_limit"),
        ),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name=op.f("ck_coupons_percent_in_range")),
        sa.CheckConstraint(
            "reserved >= 0 AND redeemed >= 0 AND elsewhere >= 0", name=op.f("ck_coupons_counts_up")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupons")),
        sa.UniqueConstraint("code", name=op.f("uq_coupons_code")),
        sa.UniqueConstraint("polar_discount_id", name=op.f("uq_coupons_polar_discount_id")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "dashboard_links",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.Column("used_at", columns.Instant(), nullable=True),
        sa.CheckConstraint(
            "role IN ('admin', 'operator', 'reader')", name=op.f("ck_dashboard_links_role_known")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_dashboard_links")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "dashboard_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.CheckConstraint(
            "role IN ('admin', 'operator', 'reader')", name=op.f("ck_dashboard_sessions_role_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dashboard_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_dashboard_sessions_token_hash")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "exchange_rates",
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("per_dollar", sa.Text(), nullable=False),
        sa.Column("as_of", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("currency", name=op.f("pk_exchange_rates")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("held_until", columns.Instant(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("refs", columns.Document(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("credits", columns.Document(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("headers", columns.Document(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", columns.Instant(), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("handled_at", columns.Instant(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "handled_at IS NULL OR due_at IS NULL", name=op.f("ck_inbox_handled_is_not_due")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint(
            "gateway", "account", "event_id", name=op.f("uq_inbox_gateway_account_event_id")
        ),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index(
        "ix_inbox_due",
        "inbox",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "job_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("ended_at", columns.Instant(), nullable=False),
        sa.Column("duration_us", columns.Whole, nullable=False),
        sa.Column("success", columns.Flag(), nullable=False),
        sa.Column("result", columns.Document(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_runs")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index("ix_job_runs_recent", "job_runs", ["job_name", "started_at"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("payload", columns.Document(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("held_until", columns.Instant(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("done_at", columns.Instant(), nullable=True),
        sa.CheckConstraint("state IN ('ready', 'done', 'dead')", name=op.f("ck_jobs_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_jobs_dedupe_key")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("amount_state", sa.Text(), nullable=False),
        sa.Column("late", columns.Flag(), nullable=False),
        sa.Column("review", sa.Text(), nullable=True),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("received", columns.Whole, nullable=False),
        sa.Column("refunded", columns.Whole, nullable=False),
        sa.Column("refund_reserved", columns.Whole, server_default=sa.text("0"), nullable=False),
        sa.Column("late_policy", sa.Text(), nullable=False),
        sa.Column("retriable", columns.Flag(), nullable=False),
        sa.Column("tolerance", columns.Whole, nullable=False),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("metadata", columns.Document(), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=True),
        sa.Column("cancel_url", sa.Text(), nullable=True),
        sa.Column("test_mode", columns.Flag(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.Column("opened_at", columns.Instant(), nullable=True),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.Column("closed_at", columns.Instant(), nullable=True),
        sa.Column("paid_at", columns.Instant(), nullable=True),
        sa.Column("as_of", columns.Instant(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("next_check_at", columns.Instant(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "amount_state IN ('none', 'partial', 'exact', 'over')",
            name=op.f("ck_payments_amount_state_known"),
        ),
        sa.CheckConstraint(
            "late_policy IN ('auto_fulfil', 'review')", name=op.f("ck_payments_late_policy_known")
        ),
        sa.CheckConstraint(
            "phase <> 'paid' OR paid_at IS NOT NULL", name=op.f("ck_payments_paid_has_its_time")
        ),
        sa.CheckConstraint(
            "phase IN ('draft', 'open', 'processing', 'paid', 'expired', 'canceled')",
            name=op.f("ck_payments_phase_known"),
        ),
        sa.CheckConstraint(
            "phase NOT IN ('draft', 'open', 'processing') OR next_check_at IS NOT NULL",
            name=op.f("ck_payments_unfinished_has_its_timer"),
        ),
        sa.CheckConstraint(
            "review IN ('contradiction', 'wrong_currency', 'late_after_cancel', 'late', 'second_payer', 'over', 'underpaid')",
            name=op.f("ck_payments_review_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount_positive")),
        sa.CheckConstraint("received >= 0", name=op.f("ck_payments_received_not_negative")),
        sa.CheckConstraint(
            "refund_reserved >= 0 AND refunded + refund_reserved <= received",
            name=op.f("ck_payments_reserved_within_received"),
        ),
        sa.CheckConstraint(
            "refunded >= 0 AND refunded <= received",
            name=op.f("ck_payments_refunded_within_received"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("reference", name=op.f("uq_payments_reference")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index("ix_payments_created", "payments", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_payments_due",
        "payments",
        ["next_check_at"],
        unique=False,
        sqlite_where=sa.text("next_check_at IS NOT NULL"),
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
    )
    op.create_table(
        "products",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("licensed", columns.Flag(), nullable=False),
        sa.Column("access", sa.Text(), nullable=True),
        sa.Column("active", columns.Flag(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("type", name=op.f("pk_products")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("since", columns.Instant(), nullable=False),
        sa.Column("until", columns.Instant(), nullable=False),
        sa.Column("matched", columns.Whole, nullable=False),
        sa.Column("healed", columns.Whole, nullable=False),
        sa.Column("differing", columns.Whole, nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_index("ix_reconciliations_at", "reconciliations", ["at", "id"], unique=False)
    op.create_table(
        "referrers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("buyer_discount_percent", sa.Integer(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "buyer_discount_percent BETWEEN 0 AND 100",
            name=op.f("ck_referrers_discount_is_percent"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrers")),
        sa.UniqueConstraint("code", name=op.f("uq_referrers_code")),
        sa.UniqueConstraint("email", name=op.f("uq_referrers_email")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "revenue_daily",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("orders", columns.Whole, nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("usd_cents", columns.Whole, nullable=False),
        sa.Column("refunds", columns.Whole, nullable=False),
        sa.Column("refunded", columns.Whole, nullable=False),
        sa.Column("refunded_usd_cents", columns.Whole, nullable=False),
        sa.Column("by_api", columns.Whole, nullable=False),
        sa.Column("by_cached", columns.Whole, nullable=False),
        sa.Column("by_expired", columns.Whole, nullable=False),
        sa.Column("by_fallback", columns.Whole, nullable=False),
        sa.PrimaryKeyConstraint("day", "provider", "currency", name=op.f("pk_revenue_daily")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "revenue_zone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_revenue_zone_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revenue_zone")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "schedules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next_run_at", columns.Instant(), nullable=False),
        sa.Column("last_run_at", columns.Instant(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("held_until", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedules")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "statements",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("read_until", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "account", name=op.f("pk_statements")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "wallet_spends",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("balance_after", columns.Whole, nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_wallet_spends_amount_positive")),
        sa.CheckConstraint(
            "balance_after >= 0", name=op.f("ck_wallet_spends_balance_not_negative")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_spends")),
        sa.UniqueConstraint(
            "owner_id", "reference", name=op.f("uq_wallet_spends_owner_id_reference")
        ),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_index(
        "ix_wallet_spends_owner", "wallet_spends", ["owner_id", "created_at"], unique=False
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("events", columns.Document(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", columns.Instant(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("disabled_at", columns.Instant(), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("since_seq", columns.Whole, nullable=False),
        sa.Column("failing_since", columns.Instant(), nullable=True),
        sa.Column("delivered", columns.Whole, nullable=False),
        sa.Column("failed", columns.Whole, nullable=False),
        sa.Column("dead", columns.Whole, nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "(state = 'disabled') = (disabled_at IS NOT NULL)",
            name=op.f("ck_webhook_endpoints_disabled_has_its_time"),
        ),
        sa.CheckConstraint(
            "state IN ('enabled', 'disabled')", name=op.f("ck_webhook_endpoints_state_known")
        ),
        sa.CheckConstraint(
            "(previous_secret IS NULL) = (previous_until IS NULL)",
            name=op.f("ck_webhook_endpoints_previous_secret_ends"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("our_ref", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("checkout", columns.Document(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("listen_until", columns.Instant(), nullable=False),
        sa.Column("as_of", columns.Instant(), nullable=True),
        sa.CheckConstraint(
            "state IN ('created', 'submitting', 'unknown', 'awaiting_payer', 'processing', 'succeeded', 'failed', 'expired', 'canceled')",
            name=op.f("ck_attempts_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_attempts_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint(
            "gateway", "account", "our_ref", name=op.f("uq_attempts_gateway_account_our_ref")
        ),
        sa.UniqueConstraint(
            "gateway",
            "account",
            "provider_id",
            name=op.f("uq_attempts_gateway_account_provider_id"),
        ),
        sa.UniqueConstraint("memo", name=op.f("uq_attempts_memo")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_attempts_payment_id"), "attempts", ["payment_id"], unique=False)
    op.create_table(
        "client_tokens",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_client_tokens_payment_id")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_client_tokens")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_client_tokens_payment_id"), "client_tokens", ["payment_id"], unique=False
    )
    op.create_table(
        "commissions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("referrer_id", sa.Text(), nullable=False),
        sa.Column("order_amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("order_usd_cents", columns.Whole, nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("usd_cents", columns.Whole, nullable=False),
        sa.Column("rate", sa.Text(), nullable=False),
        sa.Column("rate_source", sa.Text(), nullable=False),
        sa.Column("rate_as_of", columns.Instant(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "rate_source IN ('api', 'cached', 'expired', 'fallback')",
            name=op.f("ck_commissions_rate_source_known"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'paid', 'cancelled')",
            name=op.f("ck_commissions_status_known"),
        ),
        sa.CheckConstraint(
            "amount >= 0 AND amount <= order_amount",
            name=op.f("ck_commissions_not_more_than_the_order"),
        ),
        sa.CheckConstraint(
            "percent BETWEEN 0 AND 100", name=op.f("ck_commissions_percent_of_the_order")
        ),
        sa.ForeignKeyConstraint(
            ["referrer_id"], ["referrers.id"], name=op.f("fk_commissions_referrer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commissions")),
        sa.UniqueConstraint("order_id", name=op.f("uq_commissions_order_id")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index("ix_commissions_created", "commissions", ["created_at", "id"], unique=False)
    op.create_index(
        op.f("ix_commissions_referrer_id"), "commissions", ["referrer_id"], unique=False
    )
    op.create_table(
        "coupon_amounts",
        sa.Column("coupon_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_coupon_amounts_amount_positive")),
        sa.ForeignKeyConstraint(
            ["coupon_id"], ["coupons.id"], name=op.f("fk_coupon_amounts_coupon_id")
        ),
        sa.PrimaryKeyConstraint("coupon_id", "currency", name=op.f("pk_coupon_amounts")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "coupon_customers",
        sa.Column("coupon_id", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("used", columns.Whole, nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_coupon_customers_used_not_negative")),
        sa.ForeignKeyConstraint(
            ["coupon_id"], ["coupons.id"], name=op.f("fk_coupon_customers_coupon_id")
        ),
        sa.PrimaryKeyConstraint("coupon_id", "customer", name=op.f("pk_coupon_customers")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "action IN ('assigned', 'refunded', 'parked', 'released', 'resolved')",
            name=op.f("ck_decisions_action_known"),
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_decisions_reason_given")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_decisions_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_decisions_subject"), "decisions", ["subject"], unique=False)
    op.create_table(
        "differences",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("reconciliation_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("match", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("theirs", columns.Whole, nullable=True),
        sa.Column("ours", columns.Whole, nullable=True),
        sa.Column("booked", columns.Whole, nullable=True),
        sa.Column("theirs_refunded", columns.Whole, nullable=True),
        sa.Column("ours_refunded", columns.Whole, nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "match IN ('matched', 'missing_here', 'missing_there', 'amount_differs', 'status_differs')",
            name=op.f("ck_differences_match_known"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_differences_payment_id")
        ),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliations.id"],
            name=op.f("fk_differences_reconciliation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_differences")),
        sa.UniqueConstraint("key", name=op.f("uq_differences_key")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_index("ix_differences_created", "differences", ["created_at", "id"], unique=False)
    op.create_table(
        "events",
        sa.Column("seq", columns.Whole, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("phase_before", sa.Text(), nullable=False),
        sa.Column("phase_after", sa.Text(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_events_payment_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
        sa.UniqueConstraint(
            "payment_id", "version", "type", name=op.f("uq_events_payment_id_version_type")
        ),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_table(
        "fulfilments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'done', 'stuck')", name=op.f("ck_fulfilments_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_fulfilments_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fulfilments")),
        sa.UniqueConstraint(
            "payment_id", "purpose", name=op.f("uq_fulfilments_payment_id_purpose")
        ),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "gift_cards",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("email_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=True),
        sa.Column("code_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("issued_at", columns.Instant(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('active', 'frozen', 'revoked')) = (code_hash IS NOT NULL) AND (code_hash IS NULL) = (code_sealed IS NULL) AND (code_hash IS NULL) = (issued_at IS NULL)",
            name=op.f("ck_gift_cards_code_once_paid"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'lapsed', 'active', 'frozen', 'revoked')",
            name=op.f("ck_gift_cards_state_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_gift_cards_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_gift_cards_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_cards")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_gift_cards_code_hash")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_gift_cards_payment_id")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("product_type", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("unit_amount", columns.Whole, nullable=False),
        sa.Column("quantity", columns.Whole, nullable=False),
        sa.Column("original_amount", columns.Whole, nullable=False),
        sa.Column("coupon_discount", columns.Whole, nullable=False),
        sa.Column("referral_discount", columns.Whole, nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("discount_rate", columns.Whole, nullable=False),
        sa.Column("coupon_id", sa.Text(), nullable=True),
        sa.Column("referred_by", sa.Text(), nullable=True),
        sa.Column("referral_code", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("team_id", sa.Text(), nullable=True),
        sa.Column("github_username", sa.Text(), nullable=True),
        sa.Column("vat_invoice_requested", columns.Flag(), nullable=False),
        sa.Column("tax_id", sa.LargeBinary(), nullable=True),
        sa.Column("metadata", columns.Document(), nullable=False),
        sa.Column("usd_cents", columns.Whole, nullable=True),
        sa.Column("usd_rate", sa.Text(), nullable=True),
        sa.Column("usd_source", sa.Text(), nullable=True),
        sa.Column("usd_as_of", columns.Instant(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("review", sa.Text(), nullable=True),
        sa.Column("refunded", columns.Whole, nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.Column("completed_at", columns.Instant(), nullable=True),
        sa.CheckConstraint("review IN ('coupon_used_up')", name=op.f("ck_orders_review_known")),
        sa.CheckConstraint(
            "status <> 'completed' OR completed_at IS NOT NULL",
            name=op.f("ck_orders_completed_has_its_time"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'completed', 'failed', 'refunded', 'partially_refunded')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint(
            "(usd_cents IS NULL) = (usd_rate IS NULL) AND (usd_cents IS NULL) = (usd_source IS NULL)",
            name=op.f("ck_orders_worth_has_its_rate"),
        ),
        sa.CheckConstraint(
            "amount = original_amount - coupon_discount - referral_discount",
            name=op.f("ck_orders_lines_add_up"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_orders_amount_positive")),
        sa.CheckConstraint(
            "coupon_discount >= 0 AND referral_discount >= 0",
            name=op.f("ck_orders_discounts_take_off"),
        ),
        sa.CheckConstraint(
            "original_amount = unit_amount * quantity",
            name=op.f("ck_orders_original_is_the_list_price"),
        ),
        sa.CheckConstraint("refunded >= 0", name=op.f("ck_orders_refunded_not_negative")),
        sa.CheckConstraint(
            "unit_amount > 0 AND quantity > 0", name=op.f("ck_orders_something_is_bought")
        ),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupons.id"], name=op.f("fk_orders_coupon_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_orders_payment_id")),
        sa.ForeignKeyConstraint(
            ["product_type"], ["products.type"], name=op.f("fk_orders_product_type")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_orders_payment_id")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_orders_coupon_id"), "orders", ["coupon_id"], unique=False)
    op.create_index("ix_orders_created", "orders", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_orders_owner_id"), "orders", ["owner_id"], unique=False)
    op.create_index(op.f("ix_orders_product_type"), "orders", ["product_type"], unique=False)
    op.create_index(op.f("ix_orders_referred_by"), "orders", ["referred_by"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("data", columns.Document(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_outbox_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_table(
        "payment_links",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("short_code", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("gateways", columns.Document(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_payment_links_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_links")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_payment_links_payment_id")),
        sa.UniqueConstraint("short_code", name=op.f("uq_payment_links_short_code")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "product_prices",
        sa.Column("product_type", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_product_prices_amount_positive")),
        sa.ForeignKeyConstraint(
            ["product_type"], ["products.type"], name=op.f("fk_product_prices_product_type")
        ),
        sa.PrimaryKeyConstraint("product_type", "currency", name=op.f("pk_product_prices")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "sales",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("usd_cents", columns.Whole, nullable=False),
        sa.Column("rate_source", sa.Text(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.CheckConstraint("kind IN ('sale', 'refund')", name=op.f("ck_sales_kind_known")),
        sa.CheckConstraint(
            "rate_source IN ('api', 'cached', 'expired', 'fallback')",
            name=op.f("ck_sales_rate_source_known"),
        ),
        sa.CheckConstraint("amount >= 0 AND usd_cents >= 0", name=op.f("ck_sales_not_negative")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_sales_payment_id")),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_sales")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_index("ix_sales_at", "sales", ["at"], unique=False)
    op.create_index(op.f("ix_sales_order_id"), "sales", ["order_id"], unique=False)
    op.create_index("ix_sales_product", "sales", ["product", "at"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("service_type", sa.Text(), nullable=True),
        sa.Column("callback_url", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("metadata", columns.Document(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.Column("completed_at", columns.Instant(), nullable=True),
        sa.CheckConstraint(
            "(state = 'COMPLETED') = (completed_at IS NOT NULL)",
            name=op.f("ck_tasks_completed_has_its_time"),
        ),
        sa.CheckConstraint(
            "(state = 'COMPLETED') = (payment_id IS NOT NULL)",
            name=op.f("ck_tasks_completed_by_a_payment"),
        ),
        sa.CheckConstraint(
            "state IN ('IDLE', 'IN_PROGRESS', 'COMPLETED')", name=op.f("ck_tasks_state_known")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_tasks_amount_positive")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_tasks_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_tasks_payment_id")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index("ix_tasks_created", "tasks", ["created_at", "id"], unique=False)
    op.create_table(
        "topups",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_topups_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topups")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_topups_payment_id")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "transfers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_transfers_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_transfers_kind_subject")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_transfers_payment_id"), "transfers", ["payment_id"], unique=False)
    op.create_table(
        "access_grants",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'invited', 'member', 'refused', 'revoked')",
            name=op.f("ck_access_grants_state_known"),
        ),
        sa.CheckConstraint(
            "wanted IN ('granted', 'revoked')", name=op.f("ck_access_grants_wanted_known")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_access_grants_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_access_grants")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "commission_lines",
        sa.Column("commission_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("referrer_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_usd_cents", columns.Whole, nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("usd_cents", columns.Whole, nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'earned') = (amount > 0 OR line = 0)",
            name=op.f("ck_commission_lines_only_the_first_adds"),
        ),
        sa.CheckConstraint(
            "kind IN ('earned', 'clawed_back', 'paid_out')",
            name=op.f("ck_commission_lines_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["commission_id"], ["commissions.id"], name=op.f("fk_commission_lines_commission_id")
        ),
        sa.ForeignKeyConstraint(
            ["referrer_id"], ["referrers.id"], name=op.f("fk_commission_lines_referrer_id")
        ),
        sa.PrimaryKeyConstraint("commission_id", "line", name=op.f("pk_commission_lines")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_index(
        "ix_commission_lines_referrer",
        "commission_lines",
        ["referrer_id", "currency"],
        unique=False,
    )
    op.create_table(
        "coupon_uses",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("coupon_id", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "state IN ('reserved', 'redeemed', 'released')", name=op.f("ck_coupon_uses_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["coupon_id"], ["coupons.id"], name=op.f("fk_coupon_uses_coupon_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_coupon_uses_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_coupon_uses")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_coupon_uses_coupon_id"), "coupon_uses", ["coupon_id"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("seq", columns.Whole, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=True),
        sa.Column("held", columns.Flag(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("excerpt", sa.Text(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("delivered_at", columns.Instant(), nullable=True),
        sa.CheckConstraint(
            "due_at IS NULL OR state = 'waiting'", name=op.f("ck_deliveries_only_waiting_is_due")
        ),
        sa.CheckConstraint(
            "state <> 'delivered' OR delivered_at IS NOT NULL",
            name=op.f("ck_deliveries_delivered_at_a_time"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'dead')", name=op.f("ck_deliveries_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name=op.f("fk_deliveries_endpoint_id")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["outbox.id"], name=op.f("fk_deliveries_event_id")),
        sa.PrimaryKeyConstraint("endpoint_id", "event_id", name=op.f("pk_deliveries")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_deliveries_event", "deliveries", ["event_id"], unique=False)
    op.create_index(
        "ix_deliveries_log", "deliveries", ["endpoint_id", "created_at", "event_id"], unique=False
    )
    op.create_index(
        "ix_deliveries_payment",
        "deliveries",
        ["endpoint_id", "payment_id", "seq"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_deliveries_subject",
        "deliveries",
        ["endpoint_id", "subject", "seq"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "delivery_attempts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("excerpt", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IS NOT NULL OR error IS NOT NULL",
            name=op.f("ck_delivery_attempts_says_what_came"),
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name=op.f("fk_delivery_attempts_endpoint_id")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["outbox.id"], name=op.f("fk_delivery_attempts_event_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempts")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index("ix_delivery_attempts_at", "delivery_attempts", ["at"], unique=False)
    op.create_index(
        "ix_delivery_attempts_log", "delivery_attempts", ["endpoint_id", "event_id"], unique=False
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("trust", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("credits", columns.Document(), nullable=False),
        sa.Column("counts", columns.Flag(), nullable=False),
        sa.Column("conflict", columns.Flag(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("observed_at", columns.Instant(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "claim IN ('opened', 'pending', 'processing', 'succeeded', 'failed', 'canceled', 'expired', 'deadline', 'resolved', 'superseded', 'given_back')",
            name=op.f("ck_evidence_claim_known"),
        ),
        sa.CheckConstraint(
            "source IN ('webhook', 'return', 'fetch', 'poll', 'statement', 'operator', 'clock')",
            name=op.f("ck_evidence_source_known"),
        ),
        sa.CheckConstraint("counts = 0 OR trust > 0", name=op.f("ck_evidence_a_hint_never_counts")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_evidence_attempt_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_evidence_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.UniqueConstraint("payment_id", "key", name=op.f("uq_evidence_payment_id_key")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_table(
        "feed",
        sa.Column("seq", columns.Whole, autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.CheckConstraint("seq > 0", name=op.f("ck_feed_seq_positive")),
        sa.ForeignKeyConstraint(["event_id"], ["outbox.id"], name=op.f("fk_feed_event_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_feed")),
        sa.UniqueConstraint("event_id", name=op.f("uq_feed_event_id")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_table(
        "gift_card_holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("captured", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "(state = 'captured') = (captured > 0)",
            name=op.f("ck_gift_card_holds_captured_says_so"),
        ),
        sa.CheckConstraint(
            "state IN ('held', 'captured', 'released')", name=op.f("ck_gift_card_holds_state_known")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_gift_card_holds_amount_positive")),
        sa.CheckConstraint(
            "captured BETWEEN 0 AND amount", name=op.f("ck_gift_card_holds_captured_within_held")
        ),
        sa.ForeignKeyConstraint(
            ["card_id"], ["gift_cards.id"], name=op.f("fk_gift_card_holds_card_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_card_holds")),
        sa.UniqueConstraint(
            "card_id", "reference", name=op.f("uq_gift_card_holds_card_id_reference")
        ),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_gift_card_holds_expires_at"), "gift_card_holds", ["expires_at"], unique=False
    )
    op.create_table(
        "gift_card_movements",
        sa.Column("seq", columns.Whole, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("balance", columns.Whole, nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "(kind IN ('redeem', 'hold', 'capture', 'release')) = (reference IS NOT NULL)",
            name=op.f("ck_gift_card_movements_named_where_asked"),
        ),
        sa.CheckConstraint(
            "kind IN ('issue', 'redeem', 'hold', 'capture', 'release', 'refund', 'freeze', 'unfreeze')",
            name=op.f("ck_gift_card_movements_kind_known"),
        ),
        sa.CheckConstraint(
            "amount >= 0 AND balance >= 0", name=op.f("ck_gift_card_movements_amounts_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["card_id"], ["gift_cards.id"], name=op.f("fk_gift_card_movements_card_id")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_gift_card_movements")),
        sa.UniqueConstraint(
            "card_id",
            "kind",
            "reference",
            name=op.f("uq_gift_card_movements_card_id_kind_reference"),
        ),
        sa.UniqueConstraint("id", name=op.f("uq_gift_card_movements_id")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_table(
        "licences",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("seats", columns.Whole, nullable=False),
        sa.Column("issued_at", columns.Instant(), nullable=False),
        sa.Column("revoked_at", columns.Instant(), nullable=True),
        sa.CheckConstraint("seats > 0", name=op.f("ck_licences_seats_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_licences_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licences")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_licences_key_hash")),
        sa.UniqueConstraint("order_id", name=op.f("uq_licences_order_id")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "postings",
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_postings_amount_not_zero")),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_postings_transfer_id")
        ),
        sa.PrimaryKeyConstraint("transfer_id", "line", name=op.f("pk_postings")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_index("ix_postings_account", "postings", ["account", "currency"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=True),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("evidence_key", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_receipts_amount_positive")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_receipts_attempt_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_receipts_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint(
            "gateway",
            "account",
            "transaction_id",
            name=op.f("uq_receipts_gateway_account_transaction_id"),
        ),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_receipts_payment_id"), "receipts", ["payment_id"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=True),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("undelivered", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("keep_access", columns.Flag(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("payee", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", columns.Instant(), nullable=True),
        sa.Column("next_check_at", columns.Instant(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.Column("closed_at", columns.Instant(), nullable=True),
        sa.CheckConstraint(
            "method <> 'manual' OR state <> 'succeeded' OR bank_reference IS NOT NULL",
            name=op.f("ck_refunds_by_hand_has_its_bank_reference"),
        ),
        sa.CheckConstraint("method IN ('api', 'manual')", name=op.f("ck_refunds_method_known")),
        sa.CheckConstraint(
            "source IN ('merchant', 'external')", name=op.f("ck_refunds_source_known")
        ),
        sa.CheckConstraint(
            "state IN ('requested', 'reserved', 'submitting', 'unknown', 'pending', 'manual', 'succeeded', 'failed', 'canceled')",
            name=op.f("ck_refunds_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('pending', 'reserved', 'submitting', 'unknown') OR next_check_at IS NOT NULL",
            name=op.f("ck_refunds_on_its_way_has_its_timer"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount_positive")),
        sa.CheckConstraint(
            "undelivered >= 0 AND undelivered <= amount",
            name=op.f("ck_refunds_undelivered_is_a_part"),
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_refunds_attempt_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint(
            "gateway",
            "account",
            "bank_reference",
            name=op.f("uq_refunds_gateway_account_bank_reference"),
        ),
        sa.UniqueConstraint(
            "gateway", "account", "provider_id", name=op.f("uq_refunds_gateway_account_provider_id")
        ),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_index("ix_refunds_created", "refunds", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_refunds_due",
        "refunds",
        ["next_check_at"],
        unique=False,
        sqlite_where=sa.text("next_check_at IS NOT NULL"),
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_refunds_payment_id"), "refunds", ["payment_id"], unique=False)
    op.create_table(
        "task_sessions",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_task_sessions_payment_id")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_task_sessions_task_id")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_task_sessions")),
        sa.UniqueConstraint("task_id", "number", name=op.f("uq_task_sessions_task_id_number")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_table(
        "unnumbered",
        sa.Column("n", columns.Whole, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["outbox.id"], name=op.f("fk_unnumbered_event_id")),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_unnumbered")),
        sa.UniqueConstraint("event_id", name=op.f("uq_unnumbered_event_id")),
        info={"append_only": False},
        sqlite_strict=True,
    )
    op.create_table(
        "refund_moves",
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("state_before", sa.Text(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("state_after", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "signal IN ('reserved', 'by_hand', 'sent', 'unheard', 'pending', 'succeeded', 'failed', 'canceled', 'transferred')",
            name=op.f("ck_refund_moves_signal_known"),
        ),
        sa.CheckConstraint(
            "state_after IN ('requested', 'reserved', 'submitting', 'unknown', 'pending', 'manual', 'succeeded', 'failed', 'canceled')",
            name=op.f("ck_refund_moves_state_after_known"),
        ),
        sa.CheckConstraint(
            "state_before IN ('requested', 'reserved', 'submitting', 'unknown', 'pending', 'manual', 'succeeded', 'failed', 'canceled')",
            name=op.f("ck_refund_moves_state_before_known"),
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refunds.id"], name=op.f("fk_refund_moves_refund_id")
        ),
        sa.PrimaryKeyConstraint("refund_id", "line", name=op.f("pk_refund_moves")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    op.create_table(
        "valuations",
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("amount", columns.Whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("usd_cents", columns.Whole, nullable=False),
        sa.Column("rate", sa.Text(), nullable=False),
        sa.Column("rate_source", sa.Text(), nullable=False),
        sa.Column("rate_as_of", columns.Instant(), nullable=False),
        sa.Column("frozen_at", columns.Instant(), nullable=False),
        sa.CheckConstraint(
            "rate_source IN ('api', 'cached', 'expired', 'fallback')",
            name=op.f("ck_valuations_rate_source_known"),
        ),
        sa.CheckConstraint(
            "amount > 0 AND usd_cents >= 0", name=op.f("ck_valuations_worth_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipts.id"], name=op.f("fk_valuations_receipt_id")
        ),
        sa.PrimaryKeyConstraint("receipt_id", name=op.f("pk_valuations")),
        info={"append_only": True},
        sqlite_strict=True,
    )
    for table in (
        "commission_lines",
        "decisions",
        "differences",
        "events",
        "evidence",
        "feed",
        "gift_card_movements",
        "outbox",
        "postings",
        "receipts",
        "reconciliations",
        "refund_moves",
        "sales",
        "task_sessions",
        "transfers",
        "valuations",
        "wallet_spends",
    ):
        triggers.make_append_only(table)

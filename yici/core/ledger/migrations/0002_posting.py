"""The database side of the ledger: posting in one round trip, balances kept by the insert itself, and refusing every change."""

from django.db import migrations

# A posting takes the first of 32 balance shards that nobody else holds, beginning with its own connection's. The shard is
# held by an advisory lock until the end of the transaction, so no two transactions write the same balance row and none waits
# for a popular account; only when all 32 are taken does it wait.
SHARD = """
CREATE FUNCTION ledger_shard() RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
  mine int := pg_backend_pid() % 32;
BEGIN
  FOR step IN 0..31 LOOP
    IF pg_try_advisory_xact_lock(1819632498, (mine + step) % 32) THEN
      RETURN (mine + step) % 32;
    END IF;
  END LOOP;
  PERFORM pg_advisory_xact_lock(1819632498, mine);
  RETURN mine;
END
$$
"""

# Runs once for every INSERT statement on the entries, whoever wrote it: one query checks sums, numbers and transactions, the
# writing of the balances checks the accounts.
KEEP_BALANCES = """
CREATE FUNCTION ledger_entries_posted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  mine smallint := ledger_shard();
  wanted int;
  written int;
BEGIN
  -- All entries of a transaction, not only the added ones: nobody adds to one that is written.
  IF EXISTS (
    SELECT FROM (SELECT transaction_id, sum(amount) AS total, count(*) AS number FROM added GROUP BY transaction_id) a
    LEFT JOIN ledger_ledgertransaction t ON t.id = a.transaction_id
    WHERE a.total <> 0 OR a.number IS DISTINCT FROM t.legs
      OR a.number <> (SELECT count(*) FROM ledger_ledgerentry e WHERE e.transaction_id = a.transaction_id)
  ) THEN
    RAISE EXCEPTION 'a ledger transaction does not sum to zero, has another number of entries, or does not exist' USING ERRCODE = 'check_violation';
  END IF;
  SELECT count(DISTINCT account_id) INTO wanted FROM added;
  INSERT INTO ledger_ledgerbalance AS b (account_id, shard, amount, entries)
    SELECT e.account_id, mine, sum(e.amount), count(*) FROM added e JOIN ledger_ledgeraccount a ON a.id = e.account_id
    GROUP BY e.account_id ORDER BY e.account_id
    ON CONFLICT (account_id, shard) DO UPDATE SET amount = b.amount + excluded.amount, entries = b.entries + excluded.entries;
  GET DIAGNOSTICS written = ROW_COUNT;
  IF written <> wanted THEN
    RAISE EXCEPTION 'an entry names an account that does not exist' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER ledger_entry_posted AFTER INSERT ON ledger_ledgerentry REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_posted();
"""

REFUSE = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is only ever added to' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER ledger_transaction_keep BEFORE UPDATE OR DELETE ON ledger_ledgertransaction FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_transaction_keep_all BEFORE TRUNCATE ON ledger_ledgertransaction FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_entry_keep BEFORE UPDATE OR DELETE ON ledger_ledgerentry FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_entry_keep_all BEFORE TRUNCATE ON ledger_ledgerentry FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_account_keep BEFORE DELETE ON ledger_ledgeraccount FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_account_keep_all BEFORE TRUNCATE ON ledger_ledgeraccount FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_balance_keep BEFORE INSERT OR UPDATE ON ledger_ledgerbalance FOR EACH STATEMENT
  WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_balance_keep_row BEFORE DELETE ON ledger_ledgerbalance FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_balance_keep_all BEFORE TRUNCATE ON ledger_ledgerbalance FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
"""

# `legs`: [[account code, fen], …]. Gives the id and whether it is new. The same key with other content is a conflict; the
# digest covers kind, reference and legs, not the memo or the times, so that a repetition tomorrow is still a repetition.
POST = """
CREATE FUNCTION ledger_post(
  given_key text, given_kind text, given_reference text, given_memo text, moment timestamptz, written timestamptz, legs jsonb,
  OUT id bigint, OUT is_new boolean
) LANGUAGE plpgsql AS $$
DECLARE
  wanted bytea := sha256(convert_to(jsonb_build_array(given_kind, given_reference, legs)::text, 'UTF8'));
  number smallint := jsonb_array_length(legs);
  kept bytea;
BEGIN
  INSERT INTO ledger_ledgertransaction AS t (key, digest, kind, reference, memo, legs, at, posted_at)
    VALUES (given_key, wanted, given_kind, given_reference, given_memo, number, moment, written)
    ON CONFLICT (key) DO NOTHING RETURNING t.id INTO id;
  is_new := id IS NOT NULL;
  IF NOT is_new THEN
    SELECT t.id, t.digest INTO STRICT id, kept FROM ledger_ledgertransaction t WHERE t.key = given_key;
    IF kept <> wanted THEN
      RAISE EXCEPTION 'ledger key % was used for something else', given_key USING ERRCODE = 'unique_violation', CONSTRAINT = 'ledger_key_used';
    END IF;
    RETURN;
  END IF;
  INSERT INTO ledger_ledgerentry (transaction_id, account_id, amount)
    SELECT ledger_post.id, coalesce(a.id, 0), (leg.value ->> 1)::bigint
    FROM jsonb_array_elements(legs) WITH ORDINALITY AS leg(value, place)
    LEFT JOIN ledger_ledgeraccount a ON a.code = leg.value ->> 0 ORDER BY leg.place;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL(SHARD, "DROP FUNCTION ledger_shard()"),
        migrations.RunSQL(KEEP_BALANCES, "DROP FUNCTION ledger_entries_posted() CASCADE"),
        migrations.RunSQL(REFUSE, "DROP FUNCTION ledger_refuse() CASCADE"),
        migrations.RunSQL(POST, "DROP FUNCTION ledger_post(text, text, text, text, timestamptz, timestamptz, jsonb)"),
    ]

"""The posting trigger in fewer steps: one query checks sums, numbers and transactions, the balances check the accounts."""

from django.db import migrations

KEEP_BALANCES = """
CREATE OR REPLACE FUNCTION ledger_entries_posted() RETURNS trigger LANGUAGE plpgsql AS $$
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
DROP TRIGGER ledger_balance_keep ON ledger_ledgerbalance;
DROP FUNCTION ledger_balance_guarded();
CREATE TRIGGER ledger_balance_keep BEFORE INSERT OR UPDATE ON ledger_ledgerbalance
  FOR EACH STATEMENT WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION ledger_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_lighter")]

    operations = [migrations.RunSQL(KEEP_BALANCES, migrations.RunSQL.noop)]

"""The database side of settling: a payment is taken, booked, remembered and followed up in one round trip."""

from django.db import migrations

# `taken`: [{provider, trade_no, number, fen, paid_at, day, seen_by}, …]. Each is settled once, whoever tells of it and however
# often. Money that fits no open order is booked too, in suspense: what the provider took always stands in the ledger.
# Orders are locked in the order of their ids, so that two batches cannot block each other; each attempt is found by its number:
# a join would be planned for a hundred of them and read the whole table.
SETTLE = """
CREATE FUNCTION pay_settle(moment timestamptz, taken jsonb)
RETURNS TABLE (trade_no text, outcome text, order_id bigint, why text) LANGUAGE plpgsql AS $$
DECLARE
  given record;
  known record;
  attempt record;
  reason text;
  legs jsonb;
  payment bigint;
  event bigint;
  entries jsonb := '[]';
BEGIN
  FOR given IN
    SELECT t.provider, t.trade_no AS trade, t.number, t.fen, t.paid_at, t.day, t.seen_by
    FROM jsonb_to_recordset(taken)
      AS t(provider text, trade_no text, number text, fen bigint, paid_at timestamptz, day date, seen_by text)
    ORDER BY (SELECT a.order_id FROM pay_attempt a WHERE a.number = t.number) NULLS FIRST, t.trade_no
  LOOP
    attempt := NULL;
    -- Only the order is locked: whoever changes an attempt holds its order.
    SELECT a.id, a.fen, a.provider, a.order_id, o.state, o.legs, o.number AS order_number, o.case_number INTO attempt
      FROM pay_attempt a JOIN pay_payorder o ON o.id = a.order_id
      WHERE a.number = given.number AND a.provider = given.provider FOR NO KEY UPDATE OF o;
    SELECT p.id, p.fen, p.order_id, p.place, p.why INTO known FROM pay_payment p
      WHERE p.provider = given.provider AND p.trade_no = given.trade;
    IF FOUND THEN
      trade_no := given.trade;
      outcome := CASE WHEN known.fen = given.fen THEN 'repeated' ELSE 'contradicts' END;
      order_id := known.order_id;
      why := known.why;
      RETURN NEXT;
      CONTINUE;
    END IF;
    reason := CASE
      WHEN attempt.id IS NULL THEN 'unknown_order'
      WHEN attempt.fen <> given.fen THEN 'amount_differs'
      WHEN attempt.state = 'paid' THEN 'paid_twice'
      WHEN attempt.state <> 'open' THEN 'late'
      ELSE '' END;
    INSERT INTO pay_payment AS p (provider, trade_no, attempt_id, order_id, number, fen, refunded, place, why, paid_at, day, seen_at, seen_by)
      VALUES (given.provider, given.trade, attempt.id, attempt.order_id, given.number, given.fen, 0,
        CASE WHEN reason = '' THEN 'applied' ELSE 'parked' END, reason, given.paid_at,
        given.day, moment, given.seen_by)
      ON CONFLICT ON CONSTRAINT pay_payment_trade DO NOTHING RETURNING p.id INTO payment;
    IF NOT FOUND THEN
      trade_no := given.trade;
      outcome := 'repeated';
      order_id := attempt.order_id;
      why := '';
      RETURN NEXT;
      CONTINUE;
    END IF;
    legs := CASE WHEN reason = '' THEN attempt.legs ELSE jsonb_build_array(jsonb_build_array('suspense', -given.fen)) END
      || jsonb_build_array(jsonb_build_array('provider:' || given.provider, given.fen));
    PERFORM ledger_post(
      'payment:' || given.provider || ':' || given.trade, CASE WHEN reason = '' THEN 'payment' ELSE 'suspense' END,
      coalesce(attempt.order_number, given.number), reason, given.paid_at, moment, legs);
    IF attempt.id IS NOT NULL THEN
      UPDATE pay_attempt SET state = 'paid' WHERE id = attempt.id;
      IF reason = '' THEN
        UPDATE pay_payorder SET state = 'paid', paid_at = given.paid_at WHERE id = attempt.order_id;
      END IF;
      INSERT INTO pay_orderevent (order_id, kind, at, actor_name, data)
        VALUES (attempt.order_id, CASE WHEN reason = '' THEN 'paid' ELSE 'parked' END, moment, given.provider,
          jsonb_build_object('trade_no', given.trade, 'fen', given.fen, 'why', reason, 'seen_by', given.seen_by))
        RETURNING id INTO event;
      INSERT INTO pay_followup (event_id, attempts, next_attempt_at, last_error) VALUES (event, 0, moment, '');
    END IF;
    entries := entries || jsonb_build_object(
      'actor_id', NULL, 'actor_name', given.provider, 'actor_organisation', '', 'action', 'change', 'subject_kind', 'order',
      'subject_id', coalesce(attempt.order_number, given.number), 'elements', jsonb_build_array('state'),
      'purpose', CASE WHEN reason = '' THEN '到账入账' ELSE '到账暂存' END, 'case_number', coalesce(attempt.case_number, ''), 'address', '');
    trade_no := given.trade;
    outcome := CASE WHEN reason = '' THEN 'settled' ELSE 'parked' END;
    order_id := attempt.order_id;
    why := reason;
    RETURN NEXT;
  END LOOP;
  IF entries <> '[]' THEN
    PERFORM audit_append(moment, entries);
  END IF;
END
$$
"""

# `wanted`: the order's columns and its `lines`. An order is remembered by its own event, which names who made it; the audit
# entry comes with the money. The same key gives the order that is there; whether it
# was asked for the same thing is for the caller to compare.
OPEN = """
CREATE FUNCTION pay_open(moment timestamptz, wanted jsonb, OUT id bigint, OUT number text, OUT digest bytea, OUT is_new boolean)
LANGUAGE plpgsql AS $$
DECLARE
  o record;
BEGIN
  SELECT * INTO o FROM jsonb_to_record(wanted) AS t(key text, digest text, title text, payer bigint, account bigint,
    case_number text, fen bigint, legs jsonb, purpose text, expires_at timestamptz, actor text, lines jsonb);
  number := to_char(moment AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') || lpad(nextval('pay_order_serial')::text, 10, '0');
  digest := decode(o.digest, 'hex');
  INSERT INTO pay_payorder AS n (number, key, digest, title, payer_id, account_id, case_number, fen, legs, state, closed_why,
      purpose, created_at, expires_at)
    VALUES (pay_open.number, o.key, pay_open.digest, o.title, o.payer, o.account, o.case_number, o.fen, o.legs, 'open', '',
      o.purpose, moment, o.expires_at)
    ON CONFLICT (key) DO NOTHING RETURNING n.id INTO id;
  is_new := id IS NOT NULL;
  IF NOT is_new THEN
    SELECT n.id, n.number, n.digest INTO STRICT id, pay_open.number, pay_open.digest FROM pay_payorder n WHERE n.key = o.key;
    RETURN;
  END IF;
  INSERT INTO pay_orderline (order_id, place, fee_id, label, label_en, payee_id, payee_code, payee_name, quantity, full_fen,
      fen, subsidy, subsidy_code, reduction, non_tax)
    SELECT pay_open.id, l.place, l.fee, l.label, l.label_en, l.payee, l.payee_code, l.payee_name, l.quantity, l.full_fen,
      l.fen, l.subsidy, l.subsidy_code, l.reduction, l.non_tax
    FROM jsonb_to_recordset(o.lines) AS l(place smallint, fee bigint, label text, label_en text, payee bigint, payee_code text,
      payee_name text, quantity int, full_fen bigint, fen bigint, subsidy bigint, subsidy_code text, reduction text, non_tax boolean);
  INSERT INTO pay_orderevent (order_id, kind, at, actor_name, data)
    VALUES (pay_open.id, 'opened', moment, o.actor, jsonb_build_object('fen', o.fen));
END
$$
"""

KEEP = """
CREATE FUNCTION pay_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'events of an order are only ever added' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER pay_event_keep BEFORE UPDATE OR DELETE ON pay_orderevent FOR EACH ROW EXECUTE FUNCTION pay_events_stay();
CREATE TRIGGER pay_event_keep_all BEFORE TRUNCATE ON pay_orderevent FOR EACH STATEMENT EXECUTE FUNCTION pay_events_stay();
CREATE FUNCTION pay_fee_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'proposed' OR NEW.definition <> OLD.definition OR NEW.number <> OLD.number THEN
    RAISE EXCEPTION 'a version of a fee is not changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER pay_fee_keep BEFORE UPDATE ON pay_feeversion FOR EACH ROW EXECUTE FUNCTION pay_fee_frozen();
CREATE SEQUENCE pay_order_serial;
CREATE SEQUENCE pay_receipt_serial;
"""


class Migration(migrations.Migration):
    dependencies = [("pay", "0001_initial"), ("ledger", "0002_posting"), ("audit", "0002_chain")]

    operations = [
        migrations.RunSQL(OPEN, "DROP FUNCTION pay_open(timestamptz, jsonb)"),
        migrations.RunSQL(SETTLE, "DROP FUNCTION pay_settle(timestamptz, jsonb)"),
        migrations.RunSQL(
            KEEP,
            "DROP FUNCTION pay_events_stay() CASCADE; DROP FUNCTION pay_fee_frozen() CASCADE;"
            " DROP SEQUENCE pay_order_serial; DROP SEQUENCE pay_receipt_serial",
        ),
    ]

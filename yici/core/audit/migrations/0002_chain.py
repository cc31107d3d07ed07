"""The database side of the chain: appending in one round trip, and refusing every change afterwards."""

from django.db import migrations

# `jsonb_build_array(…)::text` quotes every value, so no two different rows serialise alike; time is UTC
# with microseconds, bytes are hex. The same function serves appending and verification.
DIGEST = """
CREATE FUNCTION audit_digest(e audit_entry) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT sha256(convert_to(jsonb_build_array(
    (e).shard, (e).seq, to_char((e).at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    (e).actor_id, (e).actor_name, (e).actor_organisation, (e).action, (e).subject_kind, (e).subject_id,
    (e).elements, (e).purpose, (e).case_number, (e).address, encode((e).previous_hash, 'hex')
  )::text, 'UTF8'))
$$
"""

# A writer takes the shard of its own connection, or the next free one where another transaction holds
# it: writers do not wait for each other, and two transactions cannot deadlock over a shard unless all
# sixteen are taken.
APPEND = """
CREATE FUNCTION audit_append(moment timestamptz, entries jsonb) RETURNS SETOF audit_entry LANGUAGE plpgsql AS $$
DECLARE
  mine smallint := pg_backend_pid() % 16;
  head audit_shardhead;
  given record;
  e audit_entry;
BEGIN
  SELECT * INTO head FROM audit_shardhead ORDER BY (shard - mine + 16) % 16 LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    SELECT * INTO STRICT head FROM audit_shardhead WHERE shard = mine FOR UPDATE;
  END IF;
  FOR given IN
    SELECT * FROM jsonb_to_recordset(entries) AS t(
      actor_id bigint, actor_name text, actor_organisation text, action text, subject_kind text,
      subject_id text, elements jsonb, purpose text, case_number text, address text)
  LOOP
    head.seq := head.seq + 1;
    e.id := nextval(pg_get_serial_sequence('audit_entry', 'id'));
    e.shard := head.shard;
    e.seq := head.seq;
    e.at := moment;
    e.actor_id := given.actor_id;
    e.actor_name := given.actor_name;
    e.actor_organisation := given.actor_organisation;
    e.action := given.action;
    e.subject_kind := given.subject_kind;
    e.subject_id := given.subject_id;
    e.elements := given.elements;
    e.purpose := given.purpose;
    e.case_number := given.case_number;
    e.address := given.address;
    e.previous_hash := head.hash;
    e.hash := audit_digest(e);
    INSERT INTO audit_entry SELECT (e).*;
    head.hash := e.hash;
    RETURN NEXT e;
  END LOOP;
  UPDATE audit_shardhead SET seq = head.seq, hash = head.hash WHERE shard = head.shard;
END
$$
"""

REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit entries are only ever added' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE FUNCTION audit_head_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.shard <> OLD.shard OR NEW.seq < OLD.seq THEN
    RAISE EXCEPTION 'the head of an audit shard only grows' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER audit_entry_keep BEFORE UPDATE OR DELETE ON audit_entry
  FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_entry_keep_all BEFORE TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_head_keep BEFORE DELETE ON audit_shardhead
  FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_head_keep_all BEFORE TRUNCATE ON audit_shardhead
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_head_grow BEFORE UPDATE ON audit_shardhead
  FOR EACH ROW EXECUTE FUNCTION audit_head_grows();
INSERT INTO audit_shardhead (shard, seq, hash)
  SELECT n, 0, decode(repeat('00', 32), 'hex') FROM generate_series(0, 15) AS n;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(DIGEST, "DROP FUNCTION audit_digest(audit_entry)"),
        migrations.RunSQL(APPEND, "DROP FUNCTION audit_append(timestamptz, jsonb)"),
        migrations.RunSQL(
            REFUSE,
            "DROP FUNCTION audit_refuse() CASCADE; DROP FUNCTION audit_head_grows() CASCADE",
        ),
    ]

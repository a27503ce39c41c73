-- What Redshift has in every database and PostgreSQL has not. Runs in template1, so that new databases have it too.
SET allow_system_table_mods = on;
SET check_function_bodies = off;

CREATE SCHEMA redshift_standin;
GRANT USAGE ON SCHEMA redshift_standin TO PUBLIC;

-- A SUPER is a map of attributes and scalars of Redshift (r_SUPER_type.html), neither the text nor a jsonb: it does not
-- tell 1.0 from 1, and keeps attributes in their order. Nothing promises that order. `json` has no comparison.
CREATE DOMAIN pg_catalog.super AS json;
CREATE FUNCTION redshift_standin.json_order(json, json) RETURNS int LANGUAGE sql IMMUTABLE AS $f$
  SELECT bttextcmp($1::text, $2::text) $f$;
CREATE FUNCTION redshift_standin.json_lt(json, json) RETURNS bool LANGUAGE sql IMMUTABLE AS $f$
  SELECT $1::text < $2::text $f$;
CREATE FUNCTION redshift_standin.json_le(json, json) RETURNS bool LANGUAGE sql IMMUTABLE AS $f$
  SELECT $1::text <= $2::text $f$;
CREATE FUNCTION redshift_standin.json_eq(json, json) RETURNS bool LANGUAGE sql IMMUTABLE AS $f$
  SELECT $1::text = $2::text $f$;
CREATE FUNCTION redshift_standin.json_ge(json, json) RETURNS bool LANGUAGE sql IMMUTABLE AS $f$
  SELECT $1::text >= $2::text $f$;
CREATE FUNCTION redshift_standin.json_gt(json, json) RETURNS bool LANGUAGE sql IMMUTABLE AS $f$
  SELECT $1::text > $2::text $f$;
CREATE OPERATOR pg_catalog.< (LEFTARG = json, RIGHTARG = json, FUNCTION = redshift_standin.json_lt);
CREATE OPERATOR pg_catalog.<= (LEFTARG = json, RIGHTARG = json, FUNCTION = redshift_standin.json_le);
CREATE OPERATOR pg_catalog.= (LEFTARG = json, RIGHTARG = json, FUNCTION = redshift_standin.json_eq);
CREATE OPERATOR pg_catalog.>= (LEFTARG = json, RIGHTARG = json, FUNCTION = redshift_standin.json_ge);
CREATE OPERATOR pg_catalog.> (LEFTARG = json, RIGHTARG = json, FUNCTION = redshift_standin.json_gt);
CREATE OPERATOR CLASS redshift_standin.json_ops DEFAULT FOR TYPE json USING btree AS
  OPERATOR 1 pg_catalog.<, OPERATOR 2 pg_catalog.<=, OPERATOR 3 pg_catalog.=, OPERATOR 4 pg_catalog.>=,
  OPERATOR 5 pg_catalog.>, FUNCTION 1 redshift_standin.json_order(json, json);
CREATE FUNCTION redshift_standin.as_super(v json) RETURNS text LANGUAGE sql IMMUTABLE AS $f$
  SELECT CASE json_typeof(v)
    WHEN 'object' THEN (
      SELECT '{' || coalesce(string_agg(to_json(key)::text || ':' || redshift_standin.as_super(value), ','), '') || '}'
      FROM json_each(v))
    WHEN 'array' THEN (
      SELECT '[' || coalesce(string_agg(redshift_standin.as_super(value), ','), '') || ']' FROM json_array_elements(v))
    WHEN 'number' THEN trim_scale(v::text::numeric)::text
    ELSE v::text
  END $f$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA redshift_standin TO PUBLIC;
UPDATE pg_cast SET castcontext = 'a' WHERE castsource = 'int4'::regtype AND casttarget = 'bool'::regtype;

CREATE TABLE redshift_standin.load_errors (
    query int8, tbl text, filename text, starttime timestamp, line_number int8, colname text, type text,
    err_code int, err_reason text, raw_field_value text
);
CREATE TABLE redshift_standin.declared_keys (
    rel text, kind text, cols text, declared timestamptz DEFAULT clock_timestamp()
);
CREATE TABLE redshift_standin.dropped (name text, oid oid);
GRANT SELECT ON ALL TABLES IN SCHEMA redshift_standin TO PUBLIC;

-- A statement that waited for a table while another session dropped it finds no table behind its OID.
CREATE FUNCTION redshift_standin.on_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $f$
BEGIN
  INSERT INTO redshift_standin.dropped
  SELECT object_name, objid FROM pg_event_trigger_dropped_objects() WHERE object_type = 'table' AND NOT is_temporary;
END $f$;
CREATE EVENT TRIGGER redshift_standin_drop ON sql_drop EXECUTE FUNCTION redshift_standin.on_drop();

-- After DDL: keys are noted and dropped (Redshift does not enforce them), types that Redshift lacks are refused, and
-- texts are held to their length in bytes.
CREATE FUNCTION redshift_standin.on_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $f$
DECLARE
  r record;
  c record;
  lim int;
  cn text;
BEGIN
  IF current_setting('redshift_standin.busy', true) = '1' THEN RETURN; END IF;
  PERFORM set_config('redshift_standin.busy', '1', true);
  FOR r IN
    SELECT DISTINCT k.oid, k.oid::regclass::text AS rel, k.relname, d.command_tag AS tag
    FROM pg_event_trigger_ddl_commands() d
    JOIN pg_class k ON k.oid = d.objid AND d.classid = 'pg_class'::regclass
    WHERE k.relkind = 'r' AND d.schema_name <> 'redshift_standin'
  LOOP
    FOR c IN
      SELECT conname, contype, (
        SELECT string_agg(attname, ',') FROM pg_attribute WHERE attrelid = r.oid AND attnum = ANY(conkey)
      ) AS cols
      FROM pg_constraint WHERE conrelid = r.oid AND contype IN ('p', 'u', 'f', 'x')
    LOOP
      INSERT INTO redshift_standin.declared_keys VALUES (r.rel, c.contype, c.cols);
      EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.rel, c.conname);
    END LOOP;
    FOR c IN
      SELECT a.attname, a.attnum, a.atttypmod, t.typname
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
      IF c.typname NOT IN (
        'int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'bool', 'bpchar', 'varchar', 'text', 'date', 'time',
        'timetz', 'timestamp', 'timestamptz', 'super', 'bytea', 'oid', 'name'
      ) THEN
        RAISE EXCEPTION USING ERRCODE = '0A000',
          MESSAGE = format('Column "%s.%s" has unsupported type "%s".', r.relname, c.attname, c.typname);
      END IF;
      IF c.typname IN ('varchar', 'bpchar', 'text') THEN
        lim := CASE WHEN c.atttypmod > 0 THEN c.atttypmod - 4 ELSE 65535 END;
        cn := format('rs_len_%s_%s', c.attnum, lim);
        PERFORM 1 FROM pg_constraint WHERE conrelid = r.oid AND conname = cn;
        IF NOT FOUND THEN
          FOR cn IN
            SELECT conname FROM pg_constraint
            WHERE conrelid = r.oid AND conname LIKE format('rs_len_%s\_%%', c.attnum)
          LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.rel, cn);
          END LOOP;
          EXECUTE format(
            'ALTER TABLE %s ADD CONSTRAINT rs_len_%s_%s CHECK (octet_length(%I) <= %s)',
            r.rel, c.attnum, lim, c.attname, lim
          );
        END IF;
      END IF;
    END LOOP;
    PERFORM redshift_standin.layout_after(r.oid, r.relname, r.tag);
  END LOOP;
  PERFORM set_config('redshift_standin.busy', '0', true);
END $f$;
CREATE EVENT TRIGGER redshift_standin_ddl ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE')
  EXECUTE FUNCTION redshift_standin.on_ddl();

-- Functions
CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE AS $f$
  SELECT '@VERSION@'::text $f$;
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $f$
  SELECT date_trunc('second', now() AT TIME ZONE 'UTC') $f$;
CREATE FUNCTION pg_catalog.dateadd(text, int8, timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $f$
  SELECT $3 + CASE lower($1)
    WHEN 'quarter' THEN 3 * $2 * interval '1 month'
    ELSE $2 * ('1 ' || $1)::interval
  END $f$;
CREATE FUNCTION pg_catalog.datediff(text, timestamp, timestamp) RETURNS int8 LANGUAGE sql IMMUTABLE AS $f$
  SELECT (CASE
    WHEN lower($1) LIKE 'year%' THEN extract(year FROM $3) - extract(year FROM $2)
    WHEN lower($1) LIKE 'month%' THEN
      12 * (extract(year FROM $3) - extract(year FROM $2)) + extract(month FROM $3) - extract(month FROM $2)
    WHEN lower($1) LIKE 'quarter%' THEN
      4 * (extract(year FROM $3) - extract(year FROM $2)) + extract(quarter FROM $3) - extract(quarter FROM $2)
    ELSE
      extract(epoch FROM date_trunc(rtrim(lower($1), 's'), $3) - date_trunc(rtrim(lower($1), 's'), $2))
      / extract(epoch FROM ('1 ' || $1)::interval)
  END)::int8 $f$;
CREATE FUNCTION pg_catalog.convert_timezone(text, text, timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $f$
  SELECT $3 AT TIME ZONE $1 AT TIME ZONE $2 $f$;
CREATE FUNCTION pg_catalog.trunc(timestamp) RETURNS date LANGUAGE sql IMMUTABLE AS $f$
  SELECT $1::date $f$;
CREATE FUNCTION pg_catalog.last_day(timestamp) RETURNS date LANGUAGE sql IMMUTABLE AS $f$
  SELECT (date_trunc('month', $1) + interval '1 month - 1 day')::date $f$;
CREATE FUNCTION pg_catalog.sha2(text, int) RETURNS text LANGUAGE sql IMMUTABLE AS $f$
  SELECT encode(CASE $2
    WHEN 384 THEN sha384(convert_to($1, 'UTF8'))
    WHEN 512 THEN sha512(convert_to($1, 'UTF8'))
    WHEN 224 THEN sha224(convert_to($1, 'UTF8'))
    ELSE sha256(convert_to($1, 'UTF8'))
  END, 'hex') $f$;
CREATE FUNCTION pg_catalog.from_hex(text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $f$
  SELECT decode($1, 'hex') $f$;
CREATE FUNCTION redshift_standin.as_varchar(v text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$
BEGIN
  IF octet_length(v) > 65535 THEN RAISE EXCEPTION 'String value exceeds the max size of 65535 bytes'; END IF;
  RETURN v;
END $f$;
GRANT EXECUTE ON FUNCTION redshift_standin.as_varchar(text) TO PUBLIC;
CREATE FUNCTION pg_catalog.to_hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $f$
  SELECT redshift_standin.as_varchar(encode($1, 'hex')) $f$;
-- The sum of BIGINTs is a BIGINT (r_SUM.html), and what does not fit is refused.
UPDATE pg_aggregate SET aggtransfn = 'int8pl', aggfinalfn = 0, aggcombinefn = 'int8pl', aggserialfn = 0,
  aggdeserialfn = 0, aggmtransfn = 0, aggminvtransfn = 0, aggmfinalfn = 0, aggtranstype = 'int8'::regtype,
  aggtransspace = 0, aggmtranstype = 0
  WHERE aggfnoid = 'pg_catalog.sum(int8)'::regprocedure;
UPDATE pg_proc SET prorettype = 'int8'::regtype WHERE oid = 'pg_catalog.sum(int8)'::regprocedure;
-- Of other bases it knows none, and fails.
CREATE FUNCTION pg_catalog.strtol(text, int) RETURNS int8 LANGUAGE sql IMMUTABLE AS $f$
  SELECT CASE WHEN $2 = 16 THEN ('x' || lpad($1, 16, '0'))::bit(64)::int8 ELSE $2 / 0 END $f$;
CREATE FUNCTION pg_catalog.json_parse(text) RETURNS pg_catalog.super LANGUAGE sql IMMUTABLE AS $f$
  SELECT redshift_standin.as_super($1::json)::json::pg_catalog.super $f$;
CREATE FUNCTION pg_catalog.json_serialize(pg_catalog.super) RETURNS text LANGUAGE sql IMMUTABLE AS $f$
  SELECT redshift_standin.as_varchar(coalesce($1::text, 'null')) $f$;
CREATE FUNCTION pg_catalog.json_size(pg_catalog.super) RETURNS int LANGUAGE sql IMMUTABLE AS $f$
  SELECT octet_length(coalesce($1::text, 'null')) $f$;
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS int8 LANGUAGE sql STABLE AS $f$
  SELECT nullif(current_setting('redshift_standin.copy_count', true), '')::int8 $f$;

-- System views
CREATE VIEW pg_catalog.stv_slices AS SELECT 0 AS node, slice FROM generate_series(0, 1) AS slice;
GRANT SELECT ON pg_catalog.stv_slices TO PUBLIC;
CREATE VIEW pg_catalog.stl_load_errors AS SELECT * FROM redshift_standin.load_errors;
CREATE VIEW pg_catalog.sys_load_error_detail AS
  SELECT query AS query_id, tbl AS table_name, starttime AS start_time, filename AS file_name, line_number,
         colname AS column_name, type AS column_type, err_code AS error_code, err_reason AS error_message
  FROM redshift_standin.load_errors;
CREATE VIEW pg_catalog.svv_tables AS
  SELECT table_catalog::text, table_schema::text, table_name::text, table_type::text FROM information_schema.tables;
CREATE VIEW pg_catalog.svv_columns AS
  SELECT table_catalog::text, table_schema::text, table_name::text, column_name::text, ordinal_position::int,
         column_default::text, is_nullable::text, data_type::text, character_maximum_length::int,
         numeric_precision::int, numeric_scale::int
  FROM information_schema.columns;
CREATE VIEW pg_catalog.svv_redshift_schemas AS
  SELECT current_database()::text AS database_name, nspname::text AS schema_name FROM pg_namespace;
-- r_SVV_REDSHIFT_DATABASES.html: every user may read it.
CREATE VIEW pg_catalog.svv_redshift_databases AS
  SELECT d.datname::varchar(128) AS database_name, 100 AS database_owner, 'local'::varchar(32) AS database_type,
         NULL::varchar(128) AS database_acl, NULL::varchar(128) AS database_options,
         CASE current_setting('default_transaction_isolation')
           WHEN 'serializable' THEN 'Serializable' ELSE 'Snapshot Isolation'
         END::varchar(128) AS database_isolation_level
  FROM pg_database d WHERE NOT d.datistemplate;
-- r_SVV_TRANSACTIONS.html
CREATE VIEW pg_catalog.svv_transactions AS
  SELECT a.usename::text AS txn_owner, a.datname::text AS txn_db, a.backend_xid::text::int8 AS xid, l.pid,
         a.xact_start AT TIME ZONE 'UTC' AS txn_start, l.mode AS lock_mode, l.locktype AS lockable_object_type,
         l.relation, l.granted
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype IN ('relation', 'transactionid') AND a.datname = current_database();
GRANT SELECT ON
  pg_catalog.stl_load_errors, pg_catalog.sys_load_error_detail, pg_catalog.svv_tables,
  pg_catalog.svv_columns, pg_catalog.svv_redshift_schemas, pg_catalog.svv_redshift_databases,
  pg_catalog.svv_transactions
TO PUBLIC;

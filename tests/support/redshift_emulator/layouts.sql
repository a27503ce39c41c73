-- Where Redshift keeps the rows of each table: distribution, sort key, encodings. Runs in template1, after catalog.sql.
SET allow_system_table_mods = on;
SET check_function_bodies = off;

-- A column is kept by its number, so that a new name does not matter. `sort` is compound, interleaved, auto or none; an
-- AUTO sort key, and an AUTO distribution, may have chosen columns (`sortkey`, `distkey`).
CREATE TABLE redshift_standin.layouts (
    rel oid PRIMARY KEY, diststyle text NOT NULL DEFAULT 'AUTO', distkey int2, sort text NOT NULL DEFAULT 'auto',
    sortkey int2[] NOT NULL DEFAULT '{}', skew_rows numeric, unsorted numeric
);
CREATE TABLE redshift_standin.encodings (rel oid, attnum int2, encoding text, PRIMARY KEY (rel, attnum));
GRANT SELECT ON redshift_standin.layouts, redshift_standin.encodings TO PUBLIC;

CREATE FUNCTION redshift_standin.column_number(rel oid, name text) RETURNS int2 LANGUAGE plpgsql AS $f$
DECLARE
  found int2;
BEGIN
  SELECT attnum INTO found FROM pg_attribute
  WHERE attrelid = rel AND lower(attname) = lower(name) AND attnum > 0 AND NOT attisdropped
  ORDER BY attname = name DESC LIMIT 1;
  IF found IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42703', MESSAGE = format('column "%s" does not exist', name);
  END IF;
  RETURN found;
END $f$;

CREATE FUNCTION redshift_standin.column_numbers(rel oid, names jsonb) RETURNS int2[] LANGUAGE sql AS $f$
  SELECT coalesce(array_agg(redshift_standin.column_number(rel, name) ORDER BY place), '{}')
  FROM jsonb_array_elements_text(coalesce(names, '[]')) WITH ORDINALITY AS n (name, place) $f$;

-- The encodings that each type supports: c_Compression_encodings.html.
CREATE FUNCTION redshift_standin.set_encodings(rel oid, given jsonb) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
  c record;
  kind text;
BEGIN
  FOR c IN SELECT key AS name, CASE value WHEN 'none' THEN 'raw' ELSE value END AS encoding
    FROM jsonb_each_text(coalesce(given, '{}'))
  LOOP
    SELECT typname INTO kind FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE attrelid = rel AND attnum = redshift_standin.column_number(rel, c.name);
    IF (CASE
      WHEN c.encoding IN ('raw', 'zstd') THEN true
      WHEN c.encoding = 'lzo' THEN kind NOT IN ('bool', 'float4', 'float8', 'super')
      WHEN c.encoding = 'az64' THEN kind ~ '^(int|numeric|date|time)'
      WHEN c.encoding = 'bytedict' THEN kind ~ '^(int|numeric|float|date|time|varchar|bpchar|bytea)'
      WHEN c.encoding IN ('delta', 'delta32k') THEN kind ~ '^(int|numeric|date|time)'
      WHEN c.encoding IN ('mostly8', 'mostly16', 'mostly32') THEN kind ~ '^(int|numeric)'
      WHEN c.encoding = 'runlength' THEN kind <> 'super'
      WHEN c.encoding IN ('text255', 'text32k') THEN kind = 'varchar'
    END) IS NOT TRUE THEN
      RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('invalid encoding type specified for column "%s"', c.name);
    END IF;
    INSERT INTO redshift_standin.encodings VALUES (rel, redshift_standin.column_number(rel, c.name), c.encoding)
    ON CONFLICT ON CONSTRAINT encodings_pkey DO UPDATE SET encoding = excluded.encoding;
  END LOOP;
END $f$;

-- After DDL: apply the layout of CREATE TABLE and the encoding of ADD COLUMN. CREATE TABLE LIKE inherits the layout (r_CREATE_TABLE_NEW.html), and so does CREATE TABLE AS of a simple SELECT,
-- without encodings (r_CTAS_usage_notes.html).
CREATE FUNCTION redshift_standin.layout_after(of oid, name text, tag text) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
  spec jsonb := nullif(current_setting('redshift_standin.layout', true), '');
  parent redshift_standin.layouts;
BEGIN
  IF spec->>'table' <> name OR (spec->>'tag' = 'ALTER TABLE') <> (tag = 'ALTER TABLE') THEN spec := NULL; END IF;
  IF spec IS NOT NULL THEN PERFORM set_config('redshift_standin.layout', '', false); END IF;
  IF tag = 'ALTER TABLE' THEN
    PERFORM redshift_standin.set_encodings(of, spec->'encode');
    RETURN;
  END IF;
  SELECT * INTO parent FROM redshift_standin.layouts WHERE rel = to_regclass(spec->>'like');
  INSERT INTO redshift_standin.layouts (rel, diststyle, distkey, sort, sortkey)
  SELECT
    of,
    coalesce(spec->>'diststyle', CASE WHEN spec ? 'distkey' THEN 'KEY' END, 'AUTO'),
    CASE WHEN spec ? 'distkey' THEN redshift_standin.column_number(of, spec->>'distkey') END,
    coalesce(spec->>'sort', 'auto'),
    redshift_standin.column_numbers(of, spec->'sortkey');
  IF parent.rel IS NOT NULL THEN
    UPDATE redshift_standin.layouts SET (diststyle, distkey) = (
      SELECT CASE WHEN parent.diststyle = 'KEY' AND n.attnum IS NULL THEN 'AUTO' ELSE parent.diststyle END, n.attnum
      FROM (SELECT 1) AS one LEFT JOIN (pg_attribute p JOIN pg_attribute n ON n.attname = p.attname AND n.attrelid = of)
        ON p.attrelid = parent.rel AND p.attnum = parent.distkey
    ) WHERE rel = of AND NOT (spec ?| array['distkey', 'diststyle']);
    UPDATE redshift_standin.layouts SET (sort, sortkey) = (
      SELECT CASE WHEN count(n.attnum) < cardinality(parent.sortkey) THEN 'auto' ELSE parent.sort END,
        CASE WHEN count(n.attnum) < cardinality(parent.sortkey) THEN '{}' ELSE coalesce(array_agg(n.attnum ORDER BY place), '{}') END
      FROM unnest(parent.sortkey) WITH ORDINALITY AS k (attnum, place)
      JOIN pg_attribute p ON p.attrelid = parent.rel AND p.attnum = k.attnum
      JOIN pg_attribute n ON n.attrelid = of AND n.attname = p.attname
    ) WHERE rel = of AND NOT spec ? 'sort';
    IF tag = 'CREATE TABLE' THEN
      INSERT INTO redshift_standin.encodings
      SELECT of, n.attnum, e.encoding FROM redshift_standin.encodings e
      JOIN pg_attribute p ON p.attrelid = e.rel AND p.attnum = e.attnum
      JOIN pg_attribute n ON n.attrelid = of AND n.attname = p.attname
      WHERE e.rel = parent.rel;
    END IF;
  END IF;
  PERFORM redshift_standin.set_encodings(of, spec->'encode');
END $f$;

-- ALTER TABLE … ALTER DISTSTYLE, DISTKEY, SORTKEY, COLUMN … ENCODE, with the limits of r_ALTER_TABLE.html.
CREATE FUNCTION redshift_standin.alter_layout(name text, spec jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $f$
DECLARE
  of regclass := name::regclass;
  now redshift_standin.layouts;
  filled bool;
BEGIN
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', of);
  SELECT * INTO STRICT now FROM redshift_standin.layouts WHERE rel = of;
  IF now.sort = 'interleaved' AND spec ?| array['diststyle', 'encode'] THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format(
      'ALTER TABLE %s is not supported for tables with interleaved sort keys',
      CASE WHEN spec ? 'encode' THEN 'ALTER COLUMN ENCODE' ELSE 'ALTER DISTSTYLE' END
    );
  END IF;
  IF spec ? 'diststyle' THEN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', of) INTO filled;
    UPDATE redshift_standin.layouts SET diststyle = spec->>'diststyle', distkey = CASE
      WHEN spec ? 'distkey' THEN redshift_standin.column_number(of, spec->>'distkey')
      WHEN spec->>'diststyle' = 'AUTO' AND filled THEN now.distkey  -- a large table keeps its key
    END WHERE rel = of;
  END IF;
  IF spec ? 'sort' THEN
    UPDATE redshift_standin.layouts SET sort = spec->>'sort', sortkey = CASE spec->>'sort'
      WHEN 'auto' THEN now.sortkey  -- "preserves the existing sort key"
      ELSE redshift_standin.column_numbers(of, spec->'sortkey')
    END WHERE rel = of;
  END IF;
  IF EXISTS (
    SELECT 1 FROM jsonb_each_text(spec->'encode') AS given (name, encoding)
    JOIN redshift_standin.encoded e ON e.rel = of AND e.name = given.name
    WHERE e.encoding = replace(given.encoding, 'raw', 'none')
  ) THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'cannot alter a column to the same encoding';
  END IF;
  PERFORM redshift_standin.set_encodings(of, spec->'encode');
END $f$;

-- DROP COLUMN of a key's column (r_ALTER_TABLE.html). The words are those that users of dbt and of SqlShift report.
CREATE FUNCTION redshift_standin.check_drop(tbl text, col text) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
  number int2 := redshift_standin.column_number(tbl::regclass, col);
  kind text;
BEGIN
  SELECT CASE WHEN number = distkey THEN 'distkey' ELSE 'sortkey' END INTO kind
  FROM redshift_standin.layouts WHERE rel = tbl::regclass AND (number = distkey OR number = ANY(sortkey));
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('cannot drop %s column "%s"', kind, col);
  END IF;
END $f$;

-- The limits of ALTER COLUMN TYPE: r_ALTER_TABLE.html.
CREATE FUNCTION redshift_standin.check_retype(tbl text, col text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $f$
DECLARE
  of regclass := tbl::regclass;
  number int2 := redshift_standin.column_number(tbl::regclass, col);
  why text;
BEGIN
  SELECT CASE
    WHEN format_type(a.atttypid, NULL) <> 'character varying' THEN 'type of another kind than VARCHAR'
    WHEN a.atthasdef THEN 'default value'
    WHEN e.encoding IN ('bytedict', 'runlength', 'text255', 'text32k') THEN e.encoding || ' encoding'
    WHEN EXISTS (
      SELECT 1 FROM redshift_standin.declared_keys k
      WHERE k.rel = of::text AND a.attname = ANY(string_to_array(k.cols, ','))
    ) THEN 'UNIQUE, PRIMARY KEY or FOREIGN KEY constraint'
  END INTO why
  FROM pg_attribute a LEFT JOIN redshift_standin.encodings e ON e.rel = a.attrelid AND e.attnum = a.attnum
  WHERE a.attrelid = of AND a.attnum = number;
  IF why IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('cannot alter type of column "%s" with %s', col, why);
  END IF;
END $f$;

-- For tests: what SVV_TABLE_INFO says about the rows of a table.
CREATE FUNCTION redshift_standin.set_health(tbl text, skew numeric, not_sorted numeric) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $f$
  UPDATE redshift_standin.layouts SET skew_rows = skew, unsorted = not_sorted WHERE rel = tbl::regclass $f$;

CREATE FUNCTION redshift_standin.is_filled(of oid) RETURNS bool LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000 AS $f$
DECLARE
  found bool;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', of::regclass) INTO found;
  RETURN found;
END $f$;

-- The columns of every table with their encodings: without a declared one, as r_CTAS_usage_notes.html assigns them.
-- In an interleaved sort key, the signs alternate (r_PG_TABLE_DEF.html).
CREATE VIEW redshift_standin.encoded AS
  SELECT a.attrelid AS rel, a.attnum AS number, a.attname::text AS name,
    replace(coalesce(e.encoding, CASE
      WHEN a.attnum = ANY(l.sortkey) OR t.typname IN ('bool', 'float4', 'float8') THEN 'none'
      WHEN t.typname IN ('varchar', 'bpchar', 'bytea', 'text') THEN 'lzo'
      WHEN t.typname = 'super' THEN 'zstd'
      ELSE 'az64'
    END), 'raw', 'none') AS encoding,
    (a.attnum = l.distkey) IS TRUE AS distkey,
    coalesce(array_position(l.sortkey, a.attnum), 0)
      * CASE WHEN l.sort = 'interleaved' AND array_position(l.sortkey, a.attnum) % 2 = 1 THEN -1 ELSE 1 END AS sortkey
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN redshift_standin.layouts l ON l.rel = a.attrelid
  LEFT JOIN redshift_standin.encodings e ON e.rel = a.attrelid AND e.attnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped;

-- System views
CREATE VIEW pg_catalog.pg_table_def AS
  SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname AS "column",
         format_type(a.atttypid, a.atttypmod) AS type, e.encoding, e.distkey, e.sortkey, a.attnotnull AS "notnull"
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN redshift_standin.encoded e ON e.rel = a.attrelid AND e.number = a.attnum
  WHERE c.relkind = 'r' AND n.nspname = ANY(current_schemas(true));
CREATE VIEW pg_catalog.svv_redshift_columns AS
  SELECT current_database()::text AS database_name, n.nspname::text AS schema_name, c.relname::text AS table_name,
         a.attname::text AS column_name, a.attnum::int AS ordinal_position,
         format_type(a.atttypid, a.atttypmod) AS data_type, pg_get_expr(d.adbin, d.adrelid) AS column_default,
         CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable, e.encoding, e.distkey, e.sortkey,
         NULL::text AS column_acl, NULL::text AS remarks
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN redshift_standin.encoded e ON e.rel = a.attrelid AND e.number = a.attnum
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE c.relkind = 'r';
CREATE VIEW pg_catalog.pg_class_info AS
  SELECT c.oid AS reloid, c.relname, c.relnamespace, c.relowner,
         CASE l.diststyle WHEN 'EVEN' THEN 0 WHEN 'KEY' THEN 1 WHEN 'ALL' THEN 8 ELSE 9 END AS reldiststyle,
         CASE l.diststyle WHEN 'EVEN' THEN 0 WHEN 'KEY' THEN 1 WHEN 'ALL' THEN 8
           ELSE CASE WHEN l.distkey IS NOT NULL THEN 12 ELSE 11 END
         END AS releffectivediststyle
  FROM pg_class c LEFT JOIN redshift_standin.layouts l ON l.rel = c.oid;
-- It shows no empty tables, and only superusers may read it unless it is granted (r_SVV_TABLE_INFO.html).
CREATE VIEW pg_catalog.svv_table_info AS
  SELECT current_database()::text AS "database", n.nspname::text AS "schema", c.oid::int8 AS table_id,
         c.relname::text AS "table", 'N'::text AS encoded,
         CASE
           WHEN l.diststyle = 'KEY' THEN format('KEY(%s)', d.attname)
           WHEN l.diststyle = 'AUTO' AND l.distkey IS NOT NULL THEN format('AUTO(KEY(%s))', d.attname)
           WHEN l.diststyle = 'AUTO' THEN 'AUTO(EVEN)'
           ELSE l.diststyle
         END AS diststyle,
         CASE
           WHEN l.sort = 'auto' AND s.attname IS NULL THEN 'AUTO(SORTKEY)'
           WHEN l.sort = 'auto' THEN format('AUTO(SORTKEY(%s))', s.attname)
           WHEN l.sort = 'interleaved' THEN 'INTERLEAVED'
           ELSE s.attname
         END AS sortkey1,
         cardinality(l.sortkey) AS sortkey_num, l.unsorted, l.skew_rows, c.reltuples::numeric AS tbl_rows
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN redshift_standin.layouts l ON l.rel = c.oid
  LEFT JOIN pg_attribute d ON d.attrelid = l.rel AND d.attnum = l.distkey
  LEFT JOIN pg_attribute s ON s.attrelid = l.rel AND s.attnum = l.sortkey[1]
  WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'redshift_standin')
    AND redshift_standin.is_filled(c.oid);
GRANT SELECT ON pg_catalog.pg_table_def, pg_catalog.svv_redshift_columns, pg_catalog.pg_class_info TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_table_info TO @USER@;

-- Every type, written and read back, and as DynamoDB keeps it.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN short_text AS text CHECK (length(VALUE) < 10);
CREATE FOREIGN TABLE typed (
  user_id text COLLATE "C", session_id text COLLATE "C", no integer,
  t text, v varchar(5), c char(5), u uuid, d date, e mood, dom short_text,
  ts timestamptz, tz timestamp, tn timestamptz OPTIONS (dynamodb_type 'N'), ttl timestamptz,
  i2 smallint, i4 integer, i8 bigint, n numeric, n2 numeric(6,2), f4 real, f8 double precision,
  b boolean, bin bytea, j jsonb, js json,
  ta text[], na numeric[], ia integer[], ba bytea[],
  "timestamp" text, ss text[] OPTIONS (dynamodb_type 'SS'), ns numeric[] OPTIONS (dynamodb_type 'NS'), bs bytea[] OPTIONS (dynamodb_type 'BS'),
  extra jsonb OPTIONS (attribute '*')
) SERVER cmz OPTIONS (table_name 'regress_conversations', ttl_days '0');
INSERT INTO typed VALUES ('typed', 's', 1,
  'text äöü 🦁', 'vchar', 'ch', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2025-01-19', 'happy', 'domain',
  '2025-01-19 12:00:00+02', '2025-01-19 12:00:00.25', '2025-01-19 12:00:00.5+00', '2100-01-01 00:00:00+00',
  -32768, 2147483647, -9223372036854775808, 12345678901234567890.123456789, 1234.56, 1.5, 1e-100,
  true, '\x00ff10', '{"a": [1, 2.5, null, true, {"b": "x"}], "é": "\""}', '[1,"two"]',
  '{a,NULL,""}', '{1,2.5,NULL}', '{3,1,2}', '{"\\x00","\\xff"}', '2025-01-19T12:00:00Z',
  '{b,a}', '{2,1.5}', '{"\\x01"}', '{"more": {"deep": [1, "x"]}, "flag": false, "none": null}');
INSERT INTO typed (user_id, session_id, "timestamp", no, t, j, js) VALUES ('typed', 's', '2025-01-19T12:00:01Z', 2, '', '"just a string"', 'null');
SELECT * FROM typed WHERE user_id = 'typed' AND no = 1 \gx
SELECT t, j, js, extra - 'timestamp' - 'sessionIdTimestamp' AS extra FROM typed WHERE user_id = 'typed' AND no = 2;
-- the items themselves: another table shows them without a mapping
CREATE FOREIGN TABLE raw (user_id text COLLATE "C", item jsonb OPTIONS (attribute '*'))
  SERVER cmz OPTIONS (table_name 'regress_conversations');
SELECT key, value FROM raw, jsonb_each(item - 'timestamp' - 'sessionIdTimestamp')
  WHERE user_id = 'typed' AND item ->> 'no' = '1' ORDER BY key COLLATE "C";
-- conditions on each type find the row
SELECT count(*) FROM typed WHERE user_id = 'typed' AND u = 'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'
  AND d = '2025-01-19' AND e = 'happy' AND ts = '2025-01-19 10:00:00+00' AND tz > '2025-01-19 12:00:00'
  AND tn = '2025-01-19 12:00:00.5+00' AND tn < '2025-01-19 12:00:01+00' AND i2 = -32768 AND i4 > 2147483646
  AND i8 < 0 AND n = 12345678901234567890.123456789 AND n2 = 1234.56 AND f4 = 1.5 AND f8 < 1e-99 AND b AND bin = '\x00ff10'
  AND dom = 'domain' AND v = 'vchar' AND c = 'ch' AND ttl > now();
EXPLAIN (COSTS OFF) SELECT 1 FROM typed WHERE user_id = 'typed' AND u >= 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
  AND d < '2025-01-20' AND e <> 'sad' AND ts < '2025-01-19 10:00:00+00' AND tn = '2025-01-19 12:00:00.5+00'
  AND i8 < 5::smallint AND n2 = 1234.56 AND c = 'ch' AND e > 'sad' AND bin > '\x00' AND dom = 'domain';
-- what cannot be stored
INSERT INTO typed (user_id, session_id, n) VALUES ('bad', 's', 'NaN');
INSERT INTO typed (user_id, session_id, n) VALUES ('bad', 's', 123456789012345678901234567890123456789);
INSERT INTO typed (user_id, session_id, f8) VALUES ('bad', 's', 1e200);
INSERT INTO typed (user_id, session_id, f8) VALUES ('bad', 's', 'infinity');
INSERT INTO typed (user_id, session_id, ts) VALUES ('bad', 's', 'infinity');
INSERT INTO typed (user_id, session_id, d) VALUES ('bad', 's', '10000-01-01');
INSERT INTO typed (user_id, session_id, j) VALUES ('bad', 's', '{"a": 1e200}');
INSERT INTO typed (user_id, session_id, ss) VALUES ('bad', 's', '{}');
INSERT INTO typed (user_id, session_id, ss) VALUES ('bad', 's', '{a,NULL}');
INSERT INTO typed (user_id, session_id, ss) VALUES ('bad', 's', '{a,b,a}');
INSERT INTO typed (user_id, session_id, ns) VALUES ('bad', 's', '{1,1.0}');
INSERT INTO typed (user_id, session_id, ta) VALUES ('bad', 's', '{{a},{b}}');
INSERT INTO typed (user_id, session_id, extra) VALUES ('bad', 's', '[1]');
INSERT INTO typed (user_id, session_id, extra) VALUES ('bad', 's', '{"t": 1}');
INSERT INTO typed (user_id, session_id, extra) VALUES ('bad', 's', '{"timestamp": 1}');
SELECT count(*) FROM typed WHERE user_id = 'bad';
-- values of another type than the column takes
CREATE FOREIGN TABLE strict (user_id text COLLATE "C", no integer, t integer, u text OPTIONS (attribute 'i4')) SERVER cmz
  OPTIONS (table_name 'regress_conversations');
SELECT no FROM strict WHERE user_id = 'typed' ORDER BY 1;
SELECT t FROM strict WHERE user_id = 'typed';
SELECT u FROM strict WHERE user_id = 'typed';
ALTER FOREIGN TABLE strict OPTIONS (on_type_mismatch 'null');
SELECT no, t, u FROM strict WHERE user_id = 'typed' ORDER BY 1;
SELECT count(*) FROM strict WHERE user_id = 'typed' AND t IS NULL;
ALTER FOREIGN TABLE strict ALTER t OPTIONS (ADD on_type_mismatch 'error');
SELECT no, t FROM strict WHERE user_id = 'typed' ORDER BY 1;
-- one by one: text that is no uuid, date, enum, time, or too long; numbers out of range
CREATE FUNCTION reads_as(typ text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; d text;
BEGIN
  EXECUTE format('CREATE FOREIGN TABLE one (user_id text COLLATE "C", no integer, x %s) SERVER cmz
    OPTIONS (table_name ''regress_conversations'')', typ);
  EXECUTE 'SELECT x::text FROM one WHERE user_id = ''typed'' AND no = 1' INTO result;
  EXECUTE 'DROP FOREIGN TABLE one';
  RETURN result;
EXCEPTION WHEN fdw_invalid_data_type OR check_violation THEN
  GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, result = MESSAGE_TEXT;
  RETURN coalesce(nullif(regexp_replace(d, '.*: found', 'found'), ''), result);
END $$;
SELECT x, reads_as(x) FROM unnest(ARRAY[
  'uuid OPTIONS (attribute ''t'')', 'date OPTIONS (attribute ''ts'')', 'mood OPTIONS (attribute ''t'')',
  'timestamptz OPTIONS (attribute ''d'')', 'timestamptz OPTIONS (attribute ''t'')', 'varchar(3) OPTIONS (attribute ''v'')',
  'varchar(5) OPTIONS (attribute ''v'')', 'char(3) OPTIONS (attribute ''v'')', 'short_text OPTIONS (attribute ''t'')',
  'smallint OPTIONS (attribute ''i4'')', 'integer OPTIONS (attribute ''f4'')', 'bigint OPTIONS (attribute ''n'')',
  'numeric(4,1) OPTIONS (attribute ''n2'')', 'numeric(6,1) OPTIONS (attribute ''n2'')', 'real OPTIONS (attribute ''i8'')',
  'boolean OPTIONS (attribute ''t'')', 'bytea OPTIONS (attribute ''t'')', 'text OPTIONS (attribute ''b'')',
  'text[] OPTIONS (attribute ''na'')', 'text[] OPTIONS (attribute ''ss'')', 'integer[] OPTIONS (attribute ''ns'')',
  'jsonb OPTIONS (attribute ''bs'')', 'timestamptz OPTIONS (attribute ''tn'', dynamodb_type ''N'')',
  'timestamptz OPTIONS (attribute ''tn'')', 'timestamptz OPTIONS (attribute ''i8'', dynamodb_type ''N'')',
  'timestamptz(0) OPTIONS (attribute ''tz'')']) x;
DROP FOREIGN TABLE typed, raw, strict;
DROP TYPE mood;
DROP DOMAIN short_text;

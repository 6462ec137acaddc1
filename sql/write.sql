-- UPDATE, DELETE and transactions; the wire is looked at in tests/t.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE FOREIGN TABLE wr (
  user_id text COLLATE "C" NOT NULL, session_id_timestamp text COLLATE "C" NOT NULL, session_id text COLLATE "C",
  animal_id text COLLATE "C", "timestamp" timestamptz NOT NULL, content text, tokens_used integer, ttl timestamptz,
  extra jsonb OPTIONS (attribute '*')
) SERVER cmz OPTIONS (table_name 'regress_conversations', ttl_days '0');
INSERT INTO wr (user_id, session_id, "timestamp", animal_id, content, tokens_used, extra)
  SELECT 'wr1', 's' || i % 2, '2025-01-19 12:00:00+00'::timestamptz + i * interval '1 minute', 'wr_lion', 'text ' || i, i, '{"mood": "good"}' FROM generate_series(1, 4) i;
-- what is sent
EXPLAIN (VERBOSE, COSTS OFF) INSERT INTO wr (user_id, session_id) VALUES ('u', 's');
EXPLAIN (VERBOSE, COSTS OFF) UPDATE wr SET content = upper(content) WHERE user_id = 'wr1' AND tokens_used > 2;
EXPLAIN (VERBOSE, COSTS OFF) DELETE FROM wr WHERE user_id = 'wr1' AND tokens_used > 2;
-- a transaction sees what it has written, and only it
BEGIN;
UPDATE wr SET content = content || '!', tokens_used = NULL WHERE user_id = 'wr1' AND tokens_used > 2 RETURNING content, tokens_used, extra;
SELECT content, tokens_used FROM wr WHERE user_id = 'wr1' ORDER BY session_id_timestamp;
SAVEPOINT a;
DELETE FROM wr WHERE user_id = 'wr1' AND tokens_used IS NULL RETURNING session_id_timestamp, content;
INSERT INTO wr (user_id, session_id, "timestamp", animal_id, content) VALUES ('wr2', 's', '2025-01-20', 'wr_lion', 'new');
SELECT count(*) FROM wr WHERE animal_id = 'wr_lion';
SELECT user_id, content FROM wr WHERE animal_id = 'wr_lion' ORDER BY "timestamp" DESC LIMIT 2;
ROLLBACK TO a;
SELECT count(*) FROM wr WHERE animal_id = 'wr_lion';
ROLLBACK;
SELECT content, tokens_used FROM wr WHERE user_id = 'wr1' ORDER BY session_id_timestamp;
-- a duplicate can be caught where it is made
BEGIN;
SAVEPOINT a;
INSERT INTO wr (user_id, session_id, "timestamp") VALUES ('wr1', 's1', '2025-01-19 12:01:00+00');
ROLLBACK TO a;
INSERT INTO wr (user_id, session_id, "timestamp") VALUES ('wr1', 's1', '2025-01-19 12:01:00+00') ON CONFLICT DO NOTHING;
DO $$ BEGIN
  INSERT INTO wr (user_id, session_id, "timestamp") VALUES ('wr1', 's1', '2025-01-19 12:01:00+00');
EXCEPTION WHEN unique_violation THEN RAISE NOTICE '%', SQLERRM; END $$;
COMMIT;
-- a cursor sees what there was when it was opened
BEGIN;
DECLARE before CURSOR FOR SELECT content FROM wr WHERE user_id = 'wr1' ORDER BY session_id_timestamp;
UPDATE wr SET content = 'changed' WHERE user_id = 'wr1' AND session_id = 's0';
DECLARE after CURSOR FOR SELECT content FROM wr WHERE user_id = 'wr1' ORDER BY session_id_timestamp;
DELETE FROM wr WHERE user_id = 'wr1';
FETCH ALL FROM before;
FETCH ALL FROM after;
ROLLBACK;
-- session and time make the key: the item moves
UPDATE wr SET "timestamp" = "timestamp" + interval '1 day' WHERE user_id = 'wr1' AND tokens_used = 1 RETURNING session_id_timestamp, content, extra;
UPDATE wr SET session_id_timestamp = 'x' WHERE user_id = 'wr1' AND tokens_used = 1;
UPDATE wr SET session_id = NULL WHERE user_id = 'wr1' AND tokens_used = 1;
UPDATE wr SET session_id = '' WHERE user_id = 'wr1' AND tokens_used = 1;
UPDATE wr SET animal_id = '' WHERE user_id = 'wr1' AND tokens_used = 1;
UPDATE wr SET user_id = repeat('x', 2049) WHERE user_id = 'wr1' AND tokens_used = 1;
UPDATE wr SET "timestamp" = '2025-01-19 12:02:00+00', session_id = 's0' WHERE user_id = 'wr1' AND tokens_used = 1;
UPDATE wr SET content = repeat('x', 410000) WHERE user_id = 'wr1' AND tokens_used = 1;
-- all other attributes
UPDATE wr SET extra = extra || '{"mood": "bad", "tags": ["a", 1]}' WHERE user_id = 'wr1' AND tokens_used = 2 RETURNING extra;
UPDATE wr SET extra = extra - 'mood' WHERE user_id = 'wr1' AND tokens_used = 2 RETURNING extra;
UPDATE wr SET extra = '{"content": 1}' WHERE user_id = 'wr1' AND tokens_used = 2;
UPDATE wr SET extra = NULL WHERE user_id = 'wr1' AND tokens_used = 2 RETURNING extra;
-- joins, views, WITH
CREATE VIEW wrv AS SELECT user_id, session_id, tokens_used, content FROM wr WHERE user_id LIKE 'wr%' WITH CHECK OPTION;
UPDATE wrv SET content = n.x FROM (VALUES (2, 'two'), (3, 'three')) n (t, x) WHERE tokens_used = n.t AND user_id = 'wr1';
UPDATE wrv SET user_id = 'other' WHERE tokens_used = 3 AND user_id = 'wr1';
WITH d AS (DELETE FROM wrv WHERE user_id = 'wr1' AND tokens_used = 4 RETURNING *) SELECT * FROM d;
SELECT tokens_used, content FROM wrv WHERE user_id = 'wr1' ORDER BY 1;
-- limits
SET cmz_fdw.max_pending_writes = 2;
INSERT INTO wr (user_id, session_id, "timestamp") SELECT 'wr3', 's', '2025-01-01'::timestamptz + i * interval '1 day' FROM generate_series(1, 3) i;
RESET cmz_fdw.max_pending_writes;
SELECT count(*) FROM wr WHERE user_id = 'wr3';
TRUNCATE wr;
-- immediate mode
ALTER FOREIGN TABLE wr OPTIONS (ADD write_mode 'immediate');
BEGIN;
INSERT INTO wr (user_id, session_id, "timestamp") SELECT 'wr4', 's', '2025-01-01'::timestamptz + i * interval '1 day' FROM generate_series(1, 3) i;
SELECT count(*) FROM wr WHERE user_id = 'wr4';
ROLLBACK;
SELECT count(*) FROM wr WHERE user_id = 'wr4';
INSERT INTO wr (user_id, session_id, "timestamp") VALUES ('wr4', 's', '2025-01-02');
INSERT INTO wr (user_id, session_id, "timestamp") SELECT 'wr4', 's', '2025-01-01'::timestamptz + i * interval '1 day' FROM generate_series(3, 5) i ON CONFLICT DO NOTHING;
INSERT INTO wr (user_id, session_id, "timestamp") SELECT 'wr5', session_id, "timestamp" FROM wr WHERE user_id = 'wr4';
UPDATE wr SET content = 'x', "timestamp" = "timestamp" + interval '1 hour' WHERE user_id = 'wr4';
SELECT session_id_timestamp, content FROM wr WHERE user_id = 'wr4' ORDER BY 1;
DELETE FROM wr WHERE user_id = 'wr4' OR user_id = 'wr1';
SELECT count(*) FROM wr WHERE user_id IN ('wr1', 'wr4');
DROP VIEW wrv;
DROP FOREIGN TABLE wr;

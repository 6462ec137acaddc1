\set SHOW_CONTEXT never
-- What is read, and that rows are right, where plans go beyond one Query.
SET enable_hashjoin = off;
SET enable_mergejoin = off;
CREATE FUNCTION reads(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
    IF line ~ '(DynamoDB|Key Condition|Filter Expression|Order|Limit|Offset|Select|Result|Requests):' THEN
      RETURN NEXT trim(line);
    END IF;
  END LOOP;
END $$;
-- ranges of the sort key by an OR
SELECT reads($$SELECT 1 FROM conversations WHERE user_id = 'student_001'
  AND (session_id_timestamp < 'session_001#2025-01-19T12:01' OR session_id_timestamp > 'session_003#2025-01-21T12:04')$$);
SELECT reads($$SELECT 1 FROM conversations WHERE animal_id = 'lion_001'
  AND ("timestamp" < '2025-01-19 12:00:10+00' OR "timestamp" BETWEEN '2025-01-19 12:00:30+00' AND '2025-01-19 12:01:05+00' OR "timestamp" = '2025-01-19 12:00:30+00')$$);
SELECT reads($$SELECT 1 FROM conversations WHERE animal_id = 'lion_001' AND "timestamp" = ANY ('{2025-01-19 12:00:00+00,2025-01-19 12:00:00.5+00,2025-01-19 12:01:00+00}')$$);
-- an OR over several indexes gives each item once, also what satisfies several arms
SELECT reads($$SELECT 1 FROM conversations WHERE user_id = 'student_001' OR session_id = 'session_001' OR session_id = 'session_004'$$);
SELECT count(*), count(DISTINCT session_id_timestamp) FROM conversations
  WHERE user_id = 'student_001' OR session_id = 'session_001' OR session_id = 'session_004';
-- an arm that its Query cannot decide does not give rows of another
SELECT count(*), count(DISTINCT session_id_timestamp) FROM conversations
  WHERE (session_id = 'session_001' AND "timestamp" = '2025-01-19 12:00:00.5+00') OR animal_id = 'lion_001';
-- keys named by several arms are asked for once
SELECT reads($$SELECT 1 FROM conversations WHERE (user_id = 'student_001' AND session_id_timestamp IN ('session_001#2025-01-19T12:00:00Z', 'session_001#2025-01-19T12:00:30Z'))
  OR (user_id = 'student_001' AND session_id_timestamp = 'session_001#2025-01-19T12:00:30Z' AND tokens_used > 0)
  OR (user_id = '' AND session_id_timestamp = 'x')$$);
-- an OR with a volatile arm is decided once, by PostgreSQL
CREATE SEQUENCE arms;
SELECT count(*), count(DISTINCT session_id_timestamp) FROM conversations
  WHERE (user_id = 'student_001' AND nextval('arms') % 2 = 0) OR animal_id = 'lion_001';
SELECT last_value <= 120 AS once_a_row FROM arms;
-- more keys than a partition has items: all between the first and the last
ALTER FOREIGN TABLE conversations OPTIONS (ADD estimated_items '120');
SELECT count(*) FROM (SELECT content FROM conversations WHERE user_id = ANY (ARRAY['student_001', 'student_002'])
  AND session_id_timestamp = ANY (ARRAY(SELECT 'session_001#2025-01-19T12:00:' || lpad(i::text, 2, '0') || 'Z' FROM generate_series(0, 59) i)) OFFSET 0) t;
ALTER FOREIGN TABLE conversations OPTIONS (DROP estimated_items);
-- many keys are shown in part
SELECT left(r, 60) || ' ...' || right(r, 40) FROM reads($$SELECT 1 FROM conversations WHERE animal_id = ANY (ARRAY(SELECT 'no' || i FROM generate_series(1, 60) i))$$) r WHERE r LIKE 'Key%';
-- an outer join that makes a constant of its own
SELECT c.user_id, s.one FROM conversations c LEFT JOIN (SELECT 1 AS one) s ON true WHERE user_id = 'student_001' LIMIT 2;
-- nothing that the scan evaluates comes before a policy's conditions
CREATE ROLE regress_reader;
CREATE FUNCTION leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$BEGIN RAISE NOTICE 'leak %', $1; RETURN false; END$$;
CREATE TABLE messages (LIKE conversations) PARTITION BY RANGE (user_id);
CREATE FOREIGN TABLE messages_1 PARTITION OF messages FOR VALUES FROM ('a') TO ('z') SERVER cmz OPTIONS (table_name 'regress_conversations');
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_first ON messages USING (user_id || '' <> 'student_001');
GRANT SELECT ON messages TO regress_reader;
SET ROLE regress_reader;
SELECT count(*) FROM messages WHERE (user_id = 'student_001' AND leak(session_id_timestamp)) OR (user_id = 'student_002' AND content = 'zz' AND leak(user_id));
RESET ROLE;
DROP TABLE messages;
DROP OWNED BY regress_reader;
DROP ROLE regress_reader;
-- LIMIT: NULL, none, and what is wrong with it
PREPARE few(bigint, bigint) AS SELECT count(*) FROM (SELECT content FROM conversations WHERE user_id = 'student_001' LIMIT $1 OFFSET $2) t;
EXECUTE few(5, 0);
EXECUTE few(NULL, 25);
EXECUTE few(0, 0);
EXECUTE few(100, NULL);
EXECUTE few(-1, 0);
EXECUTE few(1, -1);
SET plan_cache_mode = force_generic_plan;
EXECUTE few(5, 0);
EXECUTE few(NULL, 25);
EXECUTE few(-1, 0);
RESET plan_cache_mode;
-- a condition that turns out not to fit is checked here, also below LIMIT and count
SELECT reads($$SELECT content FROM conversations WHERE user_id = 'student_001' AND content = ANY (ARRAY(SELECT 'x' || i FROM generate_series(1, 150) i) || 'What do you eat?'::text) LIMIT 1$$) LIMIT 2;
SELECT content FROM conversations WHERE user_id = 'student_001' AND content = ANY (ARRAY(SELECT 'x' || i FROM generate_series(1, 150) i) || 'What do you eat?'::text) LIMIT 1;
SELECT count(*) FROM conversations WHERE user_id = 'student_001' AND content = ANY (ARRAY(SELECT 'x' || i FROM generate_series(1, 150) i) || 'What do you eat?'::text);
-- rescans: keys from the other side, and what is here is not asked for again
CREATE TABLE pupils AS SELECT 'student_001' AS id, i FROM generate_series(1, 5) i;
SELECT reads($$SELECT content FROM pupils p, LATERAL (SELECT content FROM conversations c WHERE c.user_id = p.id AND c.tokens_used > 150 OFFSET 0) t$$);
SELECT count(*) FROM pupils p, LATERAL (SELECT content FROM conversations c WHERE c.user_id = p.id AND c.tokens_used > 150 OFFSET 0) t;
-- a whole table is not scanned where it is not wanted, if there is another way
ALTER FOREIGN TABLE conversations OPTIONS (ADD scan_policy 'deny', ADD estimated_items '10');
SELECT reads($$SELECT 1 FROM conversations WHERE user_id = 'student_001' OR parent_user_id = 'parent_002'$$);
SELECT count(*) FROM pupils JOIN conversations ON user_id = id;
SELECT count(*) FROM (SELECT content FROM conversations LIMIT 3) t;
SELECT EXISTS (SELECT FROM conversations);
SELECT content FROM conversations WHERE tokens_used = 1000 LIMIT 3;
SELECT content FROM conversations LIMIT 1000000;
SELECT count(*) FROM conversations;
ALTER FOREIGN TABLE conversations OPTIONS (DROP scan_policy, DROP estimated_items);
DROP TABLE pupils;
-- a sub-query whose rows a condition above throws away is no reading of a few
ALTER FOREIGN TABLE conversations OPTIONS (ADD scan_policy 'deny');
SELECT * FROM (SELECT content, random() r FROM conversations) x WHERE r < -1 LIMIT 1;
SELECT * FROM (SELECT content FROM conversations OFFSET 0) x WHERE content || '' = 'nothing' LIMIT 1;
ALTER FOREIGN TABLE conversations OPTIONS (DROP scan_policy);
-- two columns show one key as two types
CREATE FOREIGN TABLE two (user_id text COLLATE "C", sk text OPTIONS (attribute 'sessionIdTimestamp') COLLATE "C",
  skn numeric OPTIONS (attribute 'sessionIdTimestamp', on_type_mismatch 'null')) SERVER cmz
  OPTIONS (table_name 'regress_conversations', key 'userId, sessionIdTimestamp', indexes 'none');
SELECT count(*) FROM two WHERE user_id = 'student_001' AND ((sk > '1' AND skn > 5) OR sk > 'session_003');
SELECT count(*) FROM two WHERE user_id = 'student_001' AND sk > '1' AND skn > 5;
-- few rows of many keys, most of which have none
SELECT r LIKE '%Scanned Items: 5  Items: 5 %' AS five FROM reads($$SELECT content FROM conversations WHERE animal_id = ANY (ARRAY(SELECT 'no' || i FROM generate_series(1, 40) i) || 'otter_001'::text) LIMIT 5$$) r
  WHERE r LIKE 'Requests%';
-- what has an effect sees the rows that OFFSET skips, as without the wrapper
CREATE SEQUENCE seen;
SELECT nextval('seen'), session_id_timestamp FROM conversations WHERE user_id = 'student_001' ORDER BY session_id_timestamp LIMIT 2 OFFSET 3;
-- operands of rows that are gone are still shown
CREATE TABLE long_notes AS SELECT 'student_00' || i AS id, repeat('x', 100000 * i) AS note FROM generate_series(1, 2) i;
SELECT count(*) > 0 AS shown FROM reads($$SELECT 1 FROM long_notes, LATERAL (SELECT content FROM conversations WHERE user_id = id AND content = note OFFSET 0) t$$);
DROP TABLE long_notes;
-- the order of times within a session is that of its key: an item whose parts disagree breaks it
CREATE FOREIGN TABLE raw_items (pk text OPTIONS (attribute 'userId'), sk text OPTIONS (attribute 'sessionIdTimestamp'), s text OPTIONS (attribute 'sessionId'), t text OPTIONS (attribute 'timestamp'))
  SERVER cmz OPTIONS (table_name 'regress_conversations', key 'userId', indexes 'none');
INSERT INTO raw_items VALUES ('disorder', 's#2025-01-19T12:00:00Z', 's', '2025-01-19T12:00:05Z');
INSERT INTO raw_items VALUES ('disorder', 's#2025-01-19T12:00:01Z', 's', '2025-01-19T12:00:01Z');
INSERT INTO raw_items VALUES ('disorder', 's#2025-01-19T12:00:02Z', 's', '2025-01-19T12:00:02Z');
SELECT "timestamp" FROM conversations WHERE user_id = 'disorder' AND session_id = 's' ORDER BY "timestamp";
CREATE FOREIGN TABLE text_times (user_id text COLLATE "C", session_id_timestamp text COLLATE "C", session_id text COLLATE "C", "timestamp" text COLLATE "C")
  SERVER cmz OPTIONS (table_name 'regress_conversations');
SELECT "timestamp" FROM text_times WHERE user_id = 'disorder' AND session_id = 's' ORDER BY "timestamp" DESC;
SET cmz_fdw.enable_pushdown = off;
SELECT "timestamp" FROM text_times WHERE user_id = 'disorder' AND session_id = 's' ORDER BY "timestamp" DESC;
RESET cmz_fdw.enable_pushdown;
SELECT "timestamp" FROM text_times WHERE user_id = 'student_001' AND session_id = 'session_001' ORDER BY "timestamp" DESC LIMIT 3;

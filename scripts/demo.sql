\set QUIET 1
\pset footer off
SET timezone = 'UTC';
\echo '-- the extension, a server and the table, with its indexes, TTL and stream'
\set ECHO queries
CREATE EXTENSION cmz_fdw;
CREATE SERVER cmz FOREIGN DATA WRAPPER cmz_fdw OPTIONS (region 'us-west-2');
SELECT cmz_create_table('cmz');
IMPORT FOREIGN SCHEMA dynamodb FROM SERVER cmz INTO public;
SELECT cmz_insert_test_data('cmz_conversations');
\echo
\echo '-- 1. a user''s conversations'
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) SELECT session_id, "timestamp", message_type, content FROM cmz_conversations WHERE user_id = 'student_001';
SELECT session_id, "timestamp", message_type, content FROM cmz_conversations WHERE user_id = 'student_001' LIMIT 4;
\echo '-- 2. the messages of a session'
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) SELECT "timestamp", message_type, content FROM cmz_conversations WHERE session_id = 'session_005';
SELECT "timestamp", message_type, content FROM cmz_conversations WHERE session_id = 'session_005' LIMIT 4;
\echo '-- 3. what an animal was asked, on one day'
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) SELECT user_id, "timestamp", content FROM cmz_conversations
 WHERE animal_id = 'lion_001' AND "timestamp" >= '2025-01-20 00:00Z' AND "timestamp" < '2025-01-21 00:00Z' AND message_type = 'user';
SELECT user_id, "timestamp", content FROM cmz_conversations
 WHERE animal_id = 'lion_001' AND "timestamp" >= '2025-01-20 00:00Z' AND "timestamp" < '2025-01-21 00:00Z' AND message_type = 'user' LIMIT 4;
\echo '-- 4. a family'
EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) SELECT user_id, count(*), sum(tokens_used) FROM cmz_conversations WHERE parent_user_id = 'parent_001' GROUP BY user_id;
SELECT user_id, count(*), sum(tokens_used) FROM cmz_conversations WHERE parent_user_id = 'parent_001' GROUP BY user_id ORDER BY 1;
\echo '-- a new message: key, time and ttl are made up'
INSERT INTO cmz_conversations (user_id, session_id, animal_id, message_type, content)
 VALUES ('student_001', 'session_031', 'lion_001', 'user', 'Good night!')
 RETURNING session_id_timestamp, ttl;
\echo '-- the table, setting by setting (DynamoDB Local lacks some)'
SELECT item, left(expected, 30) AS expected, left(actual, 30) AS actual, ok FROM cmz_check_table('cmz_conversations');
\echo '-- what all of it has done, and what it would have cost'
SELECT coalesce(index_name, '(table)') AS index, operation, requests, items, consumed_read_units AS read, consumed_write_units AS write
 FROM cmz_stat WHERE table_name = 'cmz-conversations' ORDER BY 1, 2;
SELECT server, table_name, read_cost, write_cost, storage_cost_a_month FROM cmz_cost;

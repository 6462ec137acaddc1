-- The table that the other tests read: made, imported and filled.
-- Without workers: what is not analyzed is taken for a million items.
ALTER DATABASE contrib_regression SET max_parallel_workers_per_gather = 0;
SET client_min_messages = warning;
CREATE SERVER cmz FOREIGN DATA WRAPPER cmz_fdw;
DO $$
BEGIN
  PERFORM cmz_drop_table('cmz', 'regress_conversations');
EXCEPTION WHEN undefined_table THEN NULL;
END $$;
SELECT cmz_create_table('cmz', 'regress_conversations');
RESET client_min_messages;
SELECT cmz_create_table('cmz', 'regress_conversations');
SELECT cmz_create_table('cmz', 'no such name');
SELECT cmz_create_table('nowhere');
IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (regress_conversations) FROM SERVER cmz INTO public;
ALTER FOREIGN TABLE regress_conversations RENAME TO conversations;
\d conversations
SELECT cmz_insert_test_data('conversations', users => 4, sessions => 3, messages => 10);
SELECT count(*) FROM conversations;
SELECT user_id, session_id_timestamp, session_id, animal_id, parent_user_id, message_type, "timestamp", content,
    tokens_used, extra, ttl = date_trunc('day', now(), 'UTC') + interval '2160 hours' AS ninety_days
  FROM conversations WHERE user_id = 'student_001' AND session_id = 'session_001'
  AND "timestamp" = '2025-01-19 12:00:00+00' \gx
\set SHOW_CONTEXT never
-- the same again is a duplicate, and says of what
SELECT cmz_insert_test_data('conversations', 1, 1, 1);
SELECT cmz_insert_test_data('conversations', -1, 1, 1);
SELECT cmz_insert_test_data('pg_class');
CREATE FOREIGN DATA WRAPPER other;
CREATE SERVER other FOREIGN DATA WRAPPER other;
CREATE FOREIGN TABLE other (user_id text) SERVER other;
SELECT cmz_insert_test_data('other');
DROP FOREIGN DATA WRAPPER other CASCADE;
-- what a query costs, without what differs between versions
CREATE FUNCTION counts(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) ' || query LOOP
    IF line ~ 'Requests:' THEN
      RETURN trim(line);
    END IF;
  END LOOP;
END $$;

-- The access patterns and their neighbours: rows, and what they cost.
SELECT session_id, count(*), sum(tokens_used) FROM conversations
  WHERE user_id = 'student_001' GROUP BY 1 ORDER BY 1;
SELECT counts($$SELECT * FROM conversations WHERE user_id = 'student_001'$$);
SELECT user_id, count(*) FROM conversations WHERE session_id = 'session_004' GROUP BY 1;
SELECT counts($$SELECT * FROM conversations WHERE session_id = 'session_004'$$);
SELECT user_id, session_id, count(*) FROM conversations WHERE animal_id = 'giraffe_001' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT counts($$SELECT * FROM conversations WHERE animal_id = 'giraffe_001'$$);
SELECT user_id, count(*) FROM conversations WHERE parent_user_id = 'parent_002' GROUP BY 1 ORDER BY 1;
SELECT counts($$SELECT * FROM conversations WHERE parent_user_id = 'parent_002'$$);
-- user and session: the composite key; with a time range only its items
SELECT count(*) FROM conversations WHERE user_id = 'student_002' AND session_id = 'session_005';
SELECT counts($$SELECT * FROM conversations WHERE user_id = 'student_002' AND session_id = 'session_005'$$);
SELECT "timestamp" AT TIME ZONE 'UTC' AS at FROM conversations
  WHERE user_id = 'student_001' AND session_id = 'session_001'
    AND "timestamp" >= '2025-01-19 12:01:00+00' AND "timestamp" < '2025-01-19 12:02:00+00' ORDER BY 1;
SELECT counts($$SELECT * FROM conversations WHERE user_id = 'student_001' AND session_id = 'session_001'
    AND "timestamp" >= '2025-01-19 12:01:00+00' AND "timestamp" < '2025-01-19 12:02:00+00'$$);
SELECT counts($$SELECT * FROM conversations WHERE animal_id = 'lion_001'
    AND "timestamp" BETWEEN '2025-01-19 12:00:00+00' AND '2025-01-19 12:00:59+00'$$);
-- whole table, filter there, recheck here
SELECT count(*) FROM conversations WHERE tokens_used > 150;
SELECT count(*) FROM conversations WHERE tokens_used > 150 AND message_type = 'user';
SELECT counts($$SELECT * FROM conversations WHERE tokens_used > 150 AND message_type = 'user'$$);
-- parameters, generic plans, stable expressions, sub-selects
PREPARE by_user(text) AS SELECT count(*) FROM conversations WHERE user_id = $1;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE by_user('student_001');
EXECUTE by_user('student_001');
EXECUTE by_user('student_999');
EXECUTE by_user(NULL);
PREPARE by_session(text, text, timestamptz) AS
  SELECT count(*) FROM conversations WHERE user_id = $1 AND session_id = $2 AND "timestamp" >= $3;
EXPLAIN (COSTS OFF) EXECUTE by_session('student_001', 'session_001', '2025-01-19 12:02:00+00');
EXECUTE by_session('student_001', 'session_001', '2025-01-19 12:02:00+00');
RESET plan_cache_mode;
EXPLAIN (COSTS OFF) SELECT content FROM conversations
  WHERE animal_id = 'lion_001' AND "timestamp" > now() - interval '7 days';
SELECT count(*) FROM conversations WHERE animal_id = 'lion_001' AND "timestamp" > now() - interval '7 days';
SELECT count(*) FROM conversations WHERE user_id = (SELECT 'student_003');
-- evaluated anew at each rescan
SELECT u, (SELECT count(*) FROM conversations WHERE user_id = u OR u IS NULL)
  FROM (VALUES ('student_001'), ('student_002'), ('none'), (NULL)) v(u);
-- cursors, joins, whole rows, tableoid
BEGIN;
DECLARE c CURSOR FOR SELECT session_id_timestamp FROM conversations WHERE user_id = 'student_001';
FETCH 2 FROM c;
MOVE 26 FROM c;
FETCH ALL FROM c;
COMMIT;
SELECT count(*) FROM conversations a JOIN conversations b USING (user_id, session_id_timestamp)
  WHERE a.user_id = 'student_001' AND b.user_id = 'student_001';
SELECT tableoid::regclass, (c).user_id FROM conversations c WHERE user_id = 'student_001' LIMIT 1;
SELECT count(c) FROM conversations c WHERE user_id = 'student_001';
-- no columns at all
SELECT count(*) FROM (SELECT FROM conversations WHERE user_id = 'student_001') x;

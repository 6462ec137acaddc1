-- EXPLAIN in all formats; costs are left out where they may change.
SET timezone = 'UTC';
SET datestyle = 'ISO';
EXPLAIN (VERBOSE, COSTS OFF) SELECT content, tokens_used FROM conversations
  WHERE animal_id = 'lion_001' AND "timestamp" >= '2025-01-19 00:00:00+00' AND tokens_used > 40;
-- (a helper leaves out what differs between versions)
CREATE FUNCTION explained(options text, query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE doc text; line text;
BEGIN
  FOR doc IN EXECUTE format('EXPLAIN (COSTS OFF, %s) %s', options, query) LOOP
    FOREACH line IN ARRAY string_to_array(doc, E'\n') LOOP
      IF line ~ 'DynamoDB|Key.Condition|Filter|Projection|Requests|Pages|Scanned|Items|Read.Units|Retries|Result' THEN
        RETURN NEXT rtrim(trim(line), ',');
      END IF;
    END LOOP;
  END LOOP;
END $$;
SELECT explained('FORMAT JSON', $$SELECT content FROM conversations WHERE animal_id = 'lion_001' AND tokens_used > 40$$);
SELECT explained('FORMAT YAML', $$SELECT content FROM conversations WHERE animal_id = 'lion_001' AND tokens_used > 40$$);
SELECT explained('FORMAT XML', $$SELECT content FROM conversations WHERE animal_id = 'lion''s & "co" <x>' AND tokens_used > 40$$);
-- estimates: one item is half a unit; the options say how many there are
ALTER FOREIGN TABLE conversations OPTIONS (ADD estimated_items '1000', ADD estimated_item_bytes '4096');
EXPLAIN SELECT * FROM conversations WHERE user_id = 'student_001';
EXPLAIN SELECT * FROM conversations;
ALTER FOREIGN TABLE conversations OPTIONS (DROP estimated_items, DROP estimated_item_bytes);
-- what it cost, in each format
SELECT explained('ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT text', $$SELECT content FROM conversations WHERE user_id = 'student_001'$$);
SELECT explained('ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT json', $$SELECT content FROM conversations WHERE user_id = 'student_001'$$);
SELECT explained('ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT yaml', $$SELECT content FROM conversations WHERE user_id = 'student_001'$$);
SELECT explained('ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT xml', $$SELECT content FROM conversations WHERE user_id = 'student_001'$$);
SELECT explained('ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT text', $$SELECT content FROM conversations WHERE user_id = ''$$);
-- values that were not known before are shown as they were sent
PREPARE q(text, timestamptz) AS SELECT content FROM conversations WHERE user_id = $1 AND session_id = 'session_001' AND "timestamp" < $2;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE q('student_001', '2025-01-19 12:01:00+00');
SELECT explained('ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT text', $$EXECUTE q('student_001', '2025-01-19 12:01:00+00')$$);

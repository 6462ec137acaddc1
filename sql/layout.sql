-- Which index a query reads, by the layout: all without asking DynamoDB.
CREATE SERVER nowhere FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'http://127.0.0.1:9');
CREATE FOREIGN TABLE c (
  user_id text COLLATE "C" NOT NULL, session_id_timestamp text COLLATE "C" NOT NULL,
  session_id text COLLATE "C", animal_id text COLLATE "C", parent_user_id text COLLATE "C",
  "timestamp" timestamptz NOT NULL, content text, tokens_used integer
) SERVER nowhere;
EXPLAIN (COSTS OFF) SELECT content FROM c WHERE user_id = 'u';
EXPLAIN (COSTS OFF) SELECT content FROM c WHERE session_id = 's';
EXPLAIN (COSTS OFF) SELECT content FROM c WHERE animal_id = 'a' AND "timestamp" >= '2025-01-19 00:00:00+00';
EXPLAIN (COSTS OFF) SELECT content FROM c WHERE parent_user_id = 'p';
EXPLAIN (COSTS OFF) SELECT content FROM c WHERE user_id = 'u' AND session_id = 's';
EXPLAIN (COSTS OFF) SELECT content FROM c WHERE user_id = 'u' AND animal_id = 'a';
EXPLAIN (COSTS OFF) SELECT content FROM c WHERE content = 'x';
EXPLAIN (COSTS OFF) SELECT content FROM c;
-- a table that forbids its indexes, and one that reads consistently
ALTER FOREIGN TABLE c OPTIONS (indexes 'none');
EXPLAIN (COSTS OFF) SELECT content FROM c WHERE session_id = 's';
ALTER FOREIGN TABLE c OPTIONS (DROP indexes, ADD consistent_read 'true');
EXPLAIN (COSTS OFF) SELECT content FROM c WHERE session_id = 's';
EXPLAIN (COSTS OFF) SELECT content FROM c WHERE user_id = 'u' AND session_id = 's';
-- the names of columns do not matter, nor their case
CREATE FOREIGN TABLE d (userid text COLLATE "C", "Session_ID" text COLLATE "C", who text OPTIONS (attribute 'animalId') COLLATE "C")
  SERVER nowhere;
EXPLAIN (COSTS OFF) SELECT 1 FROM d WHERE userid = 'u' AND "Session_ID" = 's';
EXPLAIN (COSTS OFF) SELECT 1 FROM d WHERE who = 'lion';
-- an index that may lack items is no path, unless nothing can be missing
CREATE FOREIGN TABLE o (id text COLLATE "C", day text COLLATE "C", n numeric, note text COLLATE "C")
  SERVER nowhere OPTIONS (key 'id', indexes 'ByDay (day, n)');
EXPLAIN (COSTS OFF) SELECT * FROM o WHERE day = 'd';
EXPLAIN (COSTS OFF) SELECT * FROM o WHERE day = 'd' AND n > 5;
EXPLAIN (COSTS OFF) SELECT * FROM o WHERE day = 'd' AND n IS NULL;
ALTER FOREIGN TABLE o OPTIONS (SET indexes 'ByDay (day, n) complete');
EXPLAIN (COSTS OFF) SELECT * FROM o WHERE day = 'd';
ALTER FOREIGN TABLE o OPTIONS (SET indexes 'ByDay (day, n)');
ALTER FOREIGN TABLE o ALTER n SET NOT NULL;
EXPLAIN (COSTS OFF) SELECT * FROM o WHERE day = 'd';
ALTER FOREIGN TABLE o OPTIONS (SET indexes 'ByDay (day)');
EXPLAIN (COSTS OFF) SELECT * FROM o WHERE day = 'd';
-- an index that carries too little is none either
ALTER FOREIGN TABLE o OPTIONS (SET indexes 'ByDay (day) keys_only');
EXPLAIN (COSTS OFF) SELECT * FROM o WHERE day = 'd';
EXPLAIN (COSTS OFF) SELECT id FROM o WHERE day = 'd';
EXPLAIN (COSTS OFF) SELECT id FROM o WHERE day = 'd' AND note = 'x';
ALTER FOREIGN TABLE o OPTIONS (SET indexes 'ByDay (day) include (note)');
EXPLAIN (COSTS OFF) SELECT id FROM o WHERE day = 'd' AND note = 'x';
EXPLAIN (COSTS OFF) SELECT id FROM o WHERE day = 'd' AND n = 1;
-- pushdown off: a plain scan
SET cmz_fdw.enable_pushdown = off;
EXPLAIN (COSTS OFF) SELECT id FROM o WHERE day = 'd' AND note = 'x';
RESET cmz_fdw.enable_pushdown;
-- the keys of another table in place of the defaults
ALTER FOREIGN TABLE o OPTIONS (SET key 'id, day', SET indexes 'Loc (id, note) local');
EXPLAIN (COSTS OFF) SELECT * FROM o WHERE id = 'i' AND day BETWEEN 'a' AND 'b';
EXPLAIN (COSTS OFF) SELECT * FROM o WHERE id = 'i' AND note LIKE 'abc%';
ALTER FOREIGN TABLE o OPTIONS (SET key 'day', SET indexes 'Loc (id, note) local');
EXPLAIN SELECT * FROM o;
-- executing it is another matter
\set VERBOSITY sqlstate
SELECT * FROM c;
\set VERBOSITY default
DROP SERVER nowhere CASCADE;

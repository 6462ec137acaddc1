-- INSERT: what the data model adds, what it refuses.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE FOREIGN TABLE w (
  user_id text COLLATE "C" NOT NULL, session_id_timestamp text COLLATE "C" NOT NULL, session_id text COLLATE "C",
  animal_id text COLLATE "C", parent_user_id text COLLATE "C", "timestamp" timestamptz NOT NULL, content text, ttl timestamptz,
  extra jsonb OPTIONS (attribute '*')
) SERVER cmz OPTIONS (table_name 'regress_conversations');
INSERT INTO w (user_id, session_id, "timestamp", content, ttl)
  VALUES ('w1', 's1', '2025-01-19 12:00:00+00', 'hello', 'tomorrow') RETURNING session_id_timestamp, "timestamp", extra;
-- the time is now, and differs from row to row
WITH i AS (INSERT INTO w (user_id, session_id) SELECT 'w2', 's2' FROM generate_series(1, 20) RETURNING *)
SELECT count(*), count(DISTINCT "timestamp"), bool_and("timestamp" BETWEEN now() - interval '1 min' AND now() + interval '1 min') AS recent,
  bool_and(ttl = date_trunc('second', "timestamp") + interval '2160 hours') AS ninety_days,
  bool_and(session_id_timestamp = 's2#' || to_char("timestamp", 'YYYY-MM-DD"T"HH24:MI:SS') ||
    rtrim(rtrim(to_char("timestamp", '.US'), '0'), '.') || 'Z') AS composite FROM i;
SELECT count(*) FROM w WHERE user_id = 'w2';
-- given explicitly, the composite key must agree; alone it gives the time
INSERT INTO w (user_id, session_id, session_id_timestamp) VALUES ('w3', 's3', 's3#2100-01-19T12:00:00.5Z')
  RETURNING "timestamp", ttl;
INSERT INTO w (user_id, session_id, session_id_timestamp, "timestamp") VALUES ('w3', 's3', 's3#2100-01-19T12:00:01Z', '2100-01-19 12:00:01+00')
  RETURNING session_id_timestamp;
INSERT INTO w (user_id, session_id, session_id_timestamp, "timestamp") VALUES ('w3', 's3', 's3#2100-01-19T12:00:02Z', '2100-01-19 12:00:01+00');
\set VERBOSITY terse
INSERT INTO w (user_id, session_id, session_id_timestamp) VALUES ('w3', 's3', 's4#2100-01-19T12:00:02Z');
\set VERBOSITY default
INSERT INTO w (user_id, session_id, session_id_timestamp) VALUES ('w3', 's3', 's3#yesterday');
-- keys must be there, and not empty
INSERT INTO w (session_id) VALUES ('s');
INSERT INTO w (user_id) VALUES ('u');
INSERT INTO w (user_id, session_id) VALUES ('', 's');
INSERT INTO w (user_id, session_id) VALUES ('u', '');
INSERT INTO w (user_id, session_id, animal_id) VALUES ('u', 's', '');
INSERT INTO w (user_id, session_id) VALUES (repeat('x', 2049), 's');
INSERT INTO w (user_id, session_id, "timestamp") VALUES ('u', repeat('x', 1024), '2100-01-01');
INSERT INTO w (user_id, session_id, "timestamp") VALUES ('u', 's', 'infinity');
INSERT INTO w (user_id, session_id, "timestamp", content) VALUES ('u', 's', '2100-01-01', repeat('x', 410000));
SELECT count(*) FROM w WHERE user_id IN ('', 'u');
-- duplicates
INSERT INTO w (user_id, session_id, "timestamp", ttl) VALUES ('w1', 's1', '2025-01-19 13:00:00+01', 'tomorrow');
INSERT INTO w (user_id, session_id, "timestamp", content, ttl) VALUES ('w1', 's1', '2025-01-19 12:00:00+00', 'not me', 'tomorrow')
  ON CONFLICT DO NOTHING RETURNING content;
SELECT content FROM w WHERE user_id = 'w1';
-- a ttl that has passed is worth a warning, one a statement
INSERT INTO w (user_id, session_id, "timestamp") SELECT 'w4', 's4', '2020-01-01'::timestamptz + i * interval '1 day' FROM generate_series(1, 3) i;
ALTER FOREIGN TABLE w OPTIONS (ADD ttl_days '0');
INSERT INTO w (user_id, session_id, "timestamp") VALUES ('w5', 's5', '2020-01-01') RETURNING ttl;
ALTER FOREIGN TABLE w OPTIONS (SET ttl_days '1');
INSERT INTO w (user_id, session_id, "timestamp") VALUES ('w5', 's5', '2100-01-01 00:00:00.75+00') RETURNING ttl;
INSERT INTO w (user_id, session_id, "timestamp") VALUES ('w5', 's5', '9999-12-31 12:00:00+00');
CREATE FOREIGN TABLE wn (user_id text, session_id text, "timestamp" timestamptz(0), ttl integer, content text) SERVER cmz
  OPTIONS (table_name 'regress_conversations');
WITH i AS (INSERT INTO wn (user_id, session_id) VALUES ('w12', 's') RETURNING *)
SELECT ttl = floor(extract(epoch FROM "timestamp")) + 7776000 OR ttl = floor(extract(epoch FROM "timestamp")) + 7775999 AS ninety_days, "timestamp" = date_trunc('second', "timestamp") AS rounded FROM i;
DROP FOREIGN TABLE wn;
-- other attributes
INSERT INTO w (user_id, session_id, "timestamp", extra) VALUES ('w6', 's6', '2100-01-01', '{"mood": "good", "score": 1.50}')
  RETURNING extra;
SELECT extra FROM w WHERE user_id = 'w6';
-- a time as text is stored as it is, if it is one in UTC
CREATE FOREIGN TABLE wt (user_id text, session_id text, "timestamp" text) SERVER cmz
  OPTIONS (table_name 'regress_conversations', ttl_days '0');
INSERT INTO wt VALUES ('w7', 's7', '2025-01-19T12:00:00.250Z'), ('w7', 's7', '2025-01-19T12:00:00+00:00');
INSERT INTO wt VALUES ('w7', 's7', '2025-01-19T14:00:00+02:00');
INSERT INTO wt VALUES ('w7', 's7', '2025-01-19T14:00:00');
INSERT INTO wt VALUES ('w7', 's7', 'noon');
INSERT INTO wt (user_id, session_id) VALUES ('w7', 's7');
SELECT session_id_timestamp, "timestamp" FROM w WHERE user_id = 'w7' AND "timestamp" < '2026-01-01' ORDER BY 1;
-- COPY, INSERT ... SELECT, triggers, generated columns, partition routing, defaults
COPY w (user_id, session_id, "timestamp", content, ttl) FROM stdin;
w8	s8	2100-01-01 00:00:00+00	one	\N
w8	s8	2100-01-01 00:00:01+00	two	2100-02-01 00:00:00+00
\.
INSERT INTO w (user_id, session_id, "timestamp", content) SELECT 'w9', session_id, "timestamp", upper(content) FROM w WHERE user_id = 'w8';
SELECT user_id, session_id_timestamp, content, ttl FROM w WHERE user_id = 'w9' ORDER BY 2;
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.content := NEW.content || '!'; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION shout();
ALTER FOREIGN TABLE w ALTER session_id SET DEFAULT 'default_session';
INSERT INTO w (user_id, "timestamp", content) VALUES ('w10', '2100-01-01', 'hey') RETURNING session_id, content;
CREATE FUNCTION log_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE 'after: % % %', NEW.session_id_timestamp, NEW."timestamp", NEW.ttl; RETURN NULL; END $$;
CREATE TRIGGER a AFTER INSERT ON w FOR EACH ROW EXECUTE FUNCTION log_row();
INSERT INTO w (user_id, session_id, session_id_timestamp, content) VALUES ('w10', 's', 's#2100-01-02T00:00:00Z', 'hey') RETURNING "timestamp", content;
CREATE TABLE parted (user_id text COLLATE "C", session_id text COLLATE "C", "timestamp" timestamptz, content text) PARTITION BY LIST (user_id);
CREATE TABLE parted_local PARTITION OF parted FOR VALUES IN ('local');
CREATE FOREIGN TABLE parted_remote PARTITION OF parted FOR VALUES IN ('w11') SERVER cmz OPTIONS (table_name 'regress_conversations', ttl_days '0');
INSERT INTO parted VALUES ('local', 's', '2100-01-01', 'here'), ('w11', 's', '2100-01-01', 'there');
SELECT tableoid::regclass, content FROM parted WHERE user_id = 'w11' OR user_id = 'local' ORDER BY 2;
DROP TABLE parted;
DROP FOREIGN TABLE w, wt;
DROP FUNCTION shout, log_row;

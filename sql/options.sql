-- Options are checked when they are set: name, value, place.
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (regoin 'us-west-2');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (region 'US West');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'ftp://x');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'https://user@x');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url E'https://x\r\nHost: y');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'http://dynamodb.example.com');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (endpoint_url 'http://127.evil.example');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (connect_timeout '0');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (request_timeout '3 parsecs');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (max_retries '-1');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (table_name 'x');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (ttl_days 'many');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (concurrency '65');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw OPTIONS (scan_policy 'forbid');
CREATE SERVER s FOREIGN DATA WRAPPER cmz_fdw
  OPTIONS (region 'us-west-2', endpoint_url 'http://localhost:8000/path', connect_timeout '500ms',
           request_timeout '1min', max_retries '3', consistent_read 'on', ttl_days '0',
           concurrency '64', scan_policy 'warn', on_type_mismatch 'null', updatable 'false');
ALTER SERVER s OPTIONS (SET endpoint_url 'http://dynamodb.example.com');
ALTER SERVER s OPTIONS (SET endpoint_url 'http://dynamodb.example.com', ADD allow_http 'true');
ALTER SERVER s OPTIONS (SET on_type_mismatch 'ignore');

CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (password 'x');
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (access_key_id 'AKIDEXAMPLE');
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (session_token 'x');
-- a value that may be a secret is not repeated
CREATE USER MAPPING FOR CURRENT_USER SERVER s
  OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key E'sec ret');
CREATE USER MAPPING FOR CURRENT_USER SERVER s
  OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', session_token 'abc');
CREATE ROLE regress_cmz_user;
CREATE USER MAPPING FOR regress_cmz_user SERVER s OPTIONS (ambient_credentials 'true');
GRANT USAGE ON FOREIGN SERVER s TO regress_cmz_user;
SET ROLE regress_cmz_user;
ALTER USER MAPPING FOR regress_cmz_user SERVER s OPTIONS (SET ambient_credentials 'true');
RESET ROLE;

CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (key 'a, b, c');
CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (key 'id', indexes 'ByA (x');
CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (key 'id', indexes 'ByA (x), ByA (y)');
CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (key 'id', indexes 'By (x)');
CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (key 'id', indexes '"By name" (x)');
CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (estimated_items 'lots');
CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (estimated_item_bytes '0');
CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (table_name 'a b');
CREATE FOREIGN TABLE t (id text OPTIONS (attribute '')) SERVER s;
CREATE FOREIGN TABLE t (id text OPTIONS (dynamodb_type 'X')) SERVER s;
CREATE FOREIGN TABLE t (id text OPTIONS (key 'x')) SERVER s;
-- roles and profiles
CREATE SERVER r FOREIGN DATA WRAPPER cmz_fdw OPTIONS (role_arn 'role/r');
CREATE SERVER r FOREIGN DATA WRAPPER cmz_fdw OPTIONS (role_arn 'arn:aws:iam::123456789012:role/r', external_id 'a b');
CREATE SERVER r FOREIGN DATA WRAPPER cmz_fdw OPTIONS (role_arn 'arn:aws:iam::123456789012:role/r', role_session_name 'a/b');
CREATE SERVER r FOREIGN DATA WRAPPER cmz_fdw OPTIONS (profile '');
CREATE SERVER r FOREIGN DATA WRAPPER cmz_fdw
  OPTIONS (role_arn 'arn:aws:iam::123456789012:role/r', external_id 'ticket:17', role_session_name 'reports@night', profile 'zoo keeper');
CREATE USER MAPPING FOR regress_cmz_user SERVER r OPTIONS (role_arn 'arn:aws:iam::123456789012:role/r');
GRANT USAGE ON FOREIGN SERVER r TO regress_cmz_user;
SET ROLE regress_cmz_user;
ALTER USER MAPPING FOR regress_cmz_user SERVER r OPTIONS (ADD profile 'admin');
RESET ROLE;
DROP SERVER r CASCADE;
-- values that are none, and an option of another place
CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (write_mode 'later');
CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (atomic_writes 'maybe');
CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (truncatable 'perhaps');
CREATE FOREIGN TABLE t (id text) SERVER s OPTIONS (role_arn 'arn:aws:iam::123456789012:role/r');
CREATE FOREIGN TABLE t (id text OPTIONS (attribute 'Id', on_type_mismatch 'null')) SERVER s
  OPTIONS (table_name 'some-table', key 'Id', indexes 'none', estimated_items '1e6', estimated_item_bytes '100',
           consistent_read 'false', ttl_days '30', concurrency '1', scan_policy 'deny', on_type_mismatch 'error', updatable 'true',
           write_mode 'immediate', atomic_writes 'require', truncatable 'true');
-- columns are checked when the table is used
CREATE FOREIGN TABLE bad_type (id text, i interval) SERVER s OPTIONS (key 'id');
EXPLAIN (COSTS OFF) SELECT * FROM bad_type;
CREATE FOREIGN TABLE bad_map (id text, i integer OPTIONS (dynamodb_type 'S')) SERVER s OPTIONS (key 'id');
EXPLAIN (COSTS OFF) SELECT * FROM bad_map;
CREATE FOREIGN TABLE bad_extra (id text, a jsonb OPTIONS (attribute '*'), b jsonb OPTIONS (attribute '*'))
  SERVER s OPTIONS (key 'id');
EXPLAIN (COSTS OFF) SELECT * FROM bad_extra;
-- they are described all the same
SELECT table_name, is_insertable_into FROM information_schema.tables WHERE table_name IN ('t', 'bad_type') ORDER BY 1;
ALTER FOREIGN TABLE t OPTIONS (SET updatable 'false');
INSERT INTO t VALUES ('x');
UPDATE t SET id = 'y';
DELETE FROM t;
DROP SERVER s CASCADE;
DROP ROLE regress_cmz_user;
SET cmz_fdw.no_such = 1;

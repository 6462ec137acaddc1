/* cmz_fdw--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION cmz_fdw" to load this file. \quit

CREATE FUNCTION cmz_fdw_handler() RETURNS fdw_handler
AS 'MODULE_PATHNAME' LANGUAGE C STRICT;

CREATE FUNCTION cmz_fdw_validator(text[], oid) RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C STRICT;

CREATE FOREIGN DATA WRAPPER cmz_fdw
  HANDLER cmz_fdw_handler
  VALIDATOR cmz_fdw_validator;

CREATE FUNCTION cmz_create_table(server name, table_name text DEFAULT NULL, wait boolean DEFAULT true)
RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION cmz_create_table(name, text, boolean) IS
  'creates the DynamoDB table of conversations with its indexes, TTL, stream and backups';

REVOKE ALL ON FUNCTION cmz_create_table(name, text, boolean) FROM PUBLIC;

CREATE FUNCTION cmz_drop_table(server name, table_name text)
RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION cmz_drop_table(name, text) IS
  'deletes a DynamoDB table and all its items';

REVOKE ALL ON FUNCTION cmz_drop_table(name, text) FROM PUBLIC;

CREATE FUNCTION cmz_insert_test_data(foreign_table regclass, users integer DEFAULT 10,
                                     sessions integer DEFAULT 3, messages integer DEFAULT 10)
RETURNS bigint
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE
SET search_path = pg_catalog, pg_temp;

COMMENT ON FUNCTION cmz_insert_test_data(regclass, integer, integer, integer) IS
  'inserts made-up conversations, the same every time';

REVOKE ALL ON FUNCTION cmz_insert_test_data(regclass, integer, integer, integer) FROM PUBLIC;

CREATE FUNCTION cmz_credentials(server name, OUT source text, OUT access_key_id text,
                                OUT expires_at timestamptz)
AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION cmz_credentials(name) IS
  'tells which source of AWS credentials answers for the current user';

REVOKE ALL ON FUNCTION cmz_credentials(name) FROM PUBLIC;

CREATE FUNCTION cmz_stat_entries(OUT server text, OUT table_name text, OUT index_name text, OUT operation text,
                                 OUT requests bigint, OUT pages bigint, OUT items bigint, OUT scanned_items bigint,
                                 OUT bytes bigint, OUT consumed_read_units double precision,
                                 OUT consumed_write_units double precision, OUT throttled_requests bigint,
                                 OUT system_errors bigint, OUT user_errors bigint, OUT retries bigint,
                                 OUT total_time double precision, OUT since timestamptz, OUT scope text)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION cmz_stat_entries() IS
  'gives the rows of view cmz_stat';

-- the views call nothing that somebody might have put into their schema
CREATE VIEW cmz_stat AS SELECT * FROM cmz_stat_entries();

COMMENT ON VIEW cmz_stat IS
  'what requests to DynamoDB have done and cost, by server, table, index and operation';

GRANT SELECT ON cmz_stat TO PUBLIC;

CREATE FUNCTION cmz_stat_reset()
RETURNS void
AS 'MODULE_PATHNAME', 'cmz_stat_reset_all' LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION cmz_stat_reset() IS
  'forgets what view cmz_stat has counted in this database and in those that have been dropped';

REVOKE ALL ON FUNCTION cmz_stat_reset() FROM PUBLIC;

CREATE FUNCTION cmz_cost_entries(OUT server text, OUT table_name text, OUT read_units double precision,
                                 OUT write_units double precision, OUT stream_reads bigint, OUT stored_bytes bigint,
                                 OUT read_cost numeric, OUT write_cost numeric, OUT stream_cost numeric,
                                 OUT storage_cost_a_month numeric, OUT backup_cost_a_month numeric,
                                 OUT since timestamptz, OUT scope text)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION cmz_cost_entries() IS
  'gives the rows of view cmz_cost';

CREATE VIEW cmz_cost AS SELECT * FROM cmz_cost_entries();

COMMENT ON VIEW cmz_cost IS
  'what requests to DynamoDB have cost in dollars, and what storing its tables costs a month';

GRANT SELECT ON cmz_cost TO PUBLIC;

CREATE FUNCTION cmz_progress_entries(OUT pid integer, OUT "table" regclass, OUT operation text, OUT pages bigint,
                                     OUT items bigint, OUT units double precision, OUT segments_done bigint,
                                     OUT segments_total bigint, OUT started_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION cmz_progress_entries() IS
  'gives the rows of view cmz_progress';

CREATE VIEW cmz_progress AS SELECT * FROM cmz_progress_entries();

COMMENT ON VIEW cmz_progress IS
  'how far scans of many pages and bulk writes are';

GRANT SELECT ON cmz_progress TO PUBLIC;

CREATE FUNCTION cmz_metrics(foreign_table regclass, metric text,
                            start timestamptz DEFAULT now() - interval '3 hours',
                            "end" timestamptz DEFAULT now(),
                            period interval DEFAULT '5 minutes',
                            OUT index_name text, OUT operation text, OUT "time" timestamptz,
                            OUT value double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION cmz_metrics(regclass, text, timestamptz, timestamptz, interval) IS
  'gives a metric of the DynamoDB table behind a foreign table from CloudWatch';

CREATE FUNCTION cmz_configure_table(server name, table_name text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION cmz_configure_table(name, text) IS
  'waits until a DynamoDB table is ACTIVE and enables TTL and backups, as far as that has not been done';

REVOKE ALL ON FUNCTION cmz_configure_table(name, text) FROM PUBLIC;

CREATE FUNCTION cmz_check_table(foreign_table regclass, OUT item text, OUT expected text,
                                OUT actual text, OUT ok boolean, OUT hint text)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION cmz_check_table(regclass) IS
  'compares the DynamoDB table with the configuration of conversation tables, and with the foreign table';

CREATE FUNCTION cmz_describe_table(foreign_table regclass)
RETURNS jsonb
AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION cmz_describe_table(regclass) IS
  'tells what DynamoDB says about a table, its TTL and its backups';

CREATE FUNCTION cmz_add_index(foreign_table regclass, index_name text, wait boolean DEFAULT true)
RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION cmz_add_index(regclass, text, boolean) IS
  'adds a global secondary index that the DynamoDB table lacks';

REVOKE ALL ON FUNCTION cmz_add_index(regclass, text, boolean) FROM PUBLIC;

CREATE FUNCTION cmz_changes(foreign_table regclass, since text DEFAULT NULL, max_changes integer DEFAULT NULL)
RETURNS TABLE (event text, "time" timestamptz, keys jsonb, old_image jsonb, new_image jsonb,
               sequence_number text, expired boolean, bookmark text)
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION cmz_changes(regclass, text, integer) IS
  'reads the changes of a DynamoDB table since a bookmark, and gives the next bookmark';

-- it shows all attributes, also those that no column of the foreign table shows
REVOKE ALL ON FUNCTION cmz_changes(regclass, text, integer) FROM PUBLIC;

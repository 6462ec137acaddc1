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

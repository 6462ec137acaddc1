-- A table from its creation to its end.
SET client_min_messages = warning;
DO $$
BEGIN
  PERFORM cmz_drop_table('cmz', 'regress_provision');
EXCEPTION WHEN undefined_table THEN NULL;
END $$;
RESET client_min_messages;
-- without waiting; TTL and backups come later
SELECT cmz_create_table('cmz', 'regress_provision', wait => false);
SET client_min_messages = warning;
SELECT cmz_configure_table('cmz', 'regress_provision');
RESET client_min_messages;
IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (regress_provision) FROM SERVER cmz INTO public;
SELECT item, expected, actual, ok FROM cmz_check_table('regress_provision');
-- DynamoDB Local does not have everything
SELECT item, actual, hint FROM cmz_check_table('regress_provision') WHERE ok IS NULL;
SELECT cmz_insert_test_data('regress_provision', 1, 1, 4);
SELECT item, actual, ok FROM cmz_check_table('regress_provision') WHERE item = 'TTL values';
SELECT d ->> 'TableName' AS name, d #>> '{StreamSpecification,StreamViewType}' AS stream,
       d -> 'TimeToLiveDescription' AS ttl, d -> 'ContinuousBackupsDescription' AS backups
  FROM cmz_describe_table('regress_provision') d;
-- another index
ALTER FOREIGN TABLE regress_provision OPTIONS (SET indexes 'ByTokens (tokensUsed) keys_only, Here (userId, content) local');
SELECT item, expected, actual, hint FROM cmz_check_table('regress_provision') WHERE NOT ok;
SET client_min_messages = warning;
SELECT cmz_add_index('regress_provision', 'ByTokens');
RESET client_min_messages;
SELECT tokens_used, count(*) FROM regress_provision WHERE tokens_used = 69 GROUP BY 1;
SELECT cmz_add_index('regress_provision', 'ByTokens');
SELECT cmz_add_index('regress_provision', 'Here');
SELECT cmz_add_index('regress_provision', 'There');
SELECT cmz_add_index('pg_class', 'ByTokens');
SELECT cmz_add_index(NULL, 'ByTokens');
SELECT * FROM cmz_check_table(NULL);
SELECT cmz_describe_table('pg_class');
SELECT cmz_configure_table(NULL);
SELECT cmz_drop_table('cmz', 'regress_provision');
\set VERBOSITY terse
SELECT * FROM cmz_check_table('regress_provision');
SELECT cmz_configure_table('cmz', 'regress_provision');
SELECT cmz_drop_table('cmz', 'regress_provision');
DROP FOREIGN TABLE regress_provision;

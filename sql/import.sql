-- IMPORT FOREIGN SCHEMA: names, filters, options.
CREATE SCHEMA imp;
IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (regress_conversations) FROM SERVER cmz INTO imp OPTIONS (names 'fold');
SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'imp.regress_conversations'::regclass AND attnum > 0;
DROP FOREIGN TABLE imp.regress_conversations;
IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (regress_conversations) FROM SERVER cmz INTO imp OPTIONS (names 'exact');
SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'imp.regress_conversations'::regclass AND attnum > 0;
SELECT "userId", "sessionId" FROM imp.regress_conversations WHERE "userId" = 'student_001' LIMIT 1;
DROP FOREIGN TABLE imp.regress_conversations;
-- the estimates change with the table
IMPORT FOREIGN SCHEMA dynamodb LIMIT TO (regress_conversations) FROM SERVER cmz INTO imp OPTIONS (sample '1000');
SELECT attname, format_type(atttypid, atttypmod), attfdwoptions FROM pg_attribute
  WHERE attrelid = 'imp.regress_conversations'::regclass AND attname IN ('mood', 'score', 'label', 'odd', 'u', 'ss', 'ns', 'bs', 'b', 'bin', 'j', 'size', 'a_b_c_d_e', 'extra')
  ORDER BY attname;
SELECT mood, score FROM imp.regress_conversations WHERE user_id = 'w6';
IMPORT FOREIGN SCHEMA dynamodb EXCEPT (regress_conversations) FROM SERVER cmz INTO imp OPTIONS (sample 'x');
IMPORT FOREIGN SCHEMA dynamodb FROM SERVER cmz INTO imp OPTIONS (names 'camel');
IMPORT FOREIGN SCHEMA dynamodb FROM SERVER cmz INTO imp OPTIONS (case 'fold');
SET client_min_messages = warning;
DROP SCHEMA imp CASCADE;

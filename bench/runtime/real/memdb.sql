-- SPDX-License-Identifier: BSD-3-Clause
--
-- An in-memory database: inserts, an index, joins, updates.
PRAGMA temp_store = MEMORY;
CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 120000)
INSERT INTO t SELECT i, 'name ' || (i * 7919 % 100003) || substr('xxxxxxxxxxxxxxxxxxxxxxxxx', 1, i % 25), i % 1000 FROM n;
CREATE INDEX ta ON t(a);
SELECT count(*), sum(length(a)) FROM t WHERE a LIKE '%99%';
SELECT b, count(*), group_concat(a, ',') FROM t GROUP BY b HAVING b < 3;
SELECT count(*) FROM t x JOIN t y ON x.b = y.id WHERE y.a > 'name 5';
UPDATE t SET a = upper(a) || 'y' WHERE b % 3 = 0;
DELETE FROM t WHERE b % 5 = 1;
SELECT json_group_array(json_object('id', id, 'a', a)) IS NOT NULL FROM t WHERE b < 100;

-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- A transaction that has outgrown the cache, with a savepoint to which it goes back at the end.  In its
-- middle the file `half' is written; from there until there is a file `go' it is in one statement.
pragma cache_size = 10;
pragma temp_store = memory;
create table t (n integer primary key, square, text);
insert into t values (0, 0, 'before the transaction');
begin;
with recursive c(n) as (select 1 union all select n + 1 from c where n < 5000)
	insert into t select n, n * n, printf('%0100d', n) from c;
savepoint here;
update t set square = -square, text = 'forget it';
select writefile('half', 'x');
with recursive c(n) as
	(select 1 union all select n + 1 from c where readfile('go') is null)
	select count(*) > 0 from c;
delete from t where n % 3 = 0;
select count(*), sum(square) from t;
rollback to here;
update t set text = 'every seventh' where n % 7 = 0;
commit;
select count(*), sum(square), sum(length(text)) from t;
pragma integrity_check;

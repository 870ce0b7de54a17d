-- One line an entry of identities(5), for msgraph-names. It is read by SQLite and
-- by PostgreSQL: change the names of the table and its columns to yours. What
-- is NULL is left out.
SELECT name || ' application=' || tenant || '/' || client
    || coalesce(' { senders = ' || senders || ' }', '')
    || coalesce(' rate_limit=' || rate_limit, '')
    || CASE WHEN active = 1 THEN '' ELSE ' disabled=yes' END
FROM devices
ORDER BY name;
